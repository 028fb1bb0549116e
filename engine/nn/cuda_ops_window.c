// Convolutions and pools: channels last, dimensions n, depth, height, width, channel.
#include <string.h>

#include "engine/nn/cuda_draft.h"
#include "engine/nn/cuda_form.h"
#include "engine/nn/cuda_walk.h"

static const struct nn_shape *shape_of(const struct cuda *c, int value)
{
    return &c->graph->values[value].shape;
}

// Steps of a picture of 1 to 3 spatial dimensions as n, depth, height, width, channel.
static void picture_steps(const struct nn_shape *shape, bool last, int *out)
{
    int steps[NN_MAX_RANK];

    cuda_steps(shape, last, steps);
    memset(out, 0, 5 * sizeof(*out));
    out[0] = steps[0];
    out[4] = steps[1];
    for (int i = 2; i < shape->rank; i++)
        out[4 - (shape->rank - i)] = steps[i];
}

static void bind_picture(struct cuda *c, struct cuda_draft *d, int t, int value, int buffer,
                         enum nn_type type, bool last)
{
    d->buffers[t] = buffer;
    d->job.t[t].type = type;
    picture_steps(shape_of(c, value), last, d->job.t[t].step);
}

static void set_window(struct job_window *to, const struct window *w)
{
    for (int i = 0; i < 3; i++) {
        int from = i - (3 - w->spatial);
        bool there = from >= 0;

        to->in[i] = there ? (int)w->in[from] : 1;
        to->kernel[i] = there ? (int)w->kernel[from] : 1;
        to->stride[i] = there ? (int)w->stride[from] : 1;
        to->dilation[i] = there ? (int)w->dilation[from] : 1;
        to->begin[i] = there ? (int)w->begin[from] : 0;
        to->end[i] = there ? (int)w->end[from] : 0;
    }
    to->group = (int)w->group;
}

static void set_dims(struct job *j, const struct nn_shape *y)
{
    j->rank = 5;
    j->dims[0] = (int)y->dims[0];
    j->dims[4] = (int)y->dims[1];
    for (int i = 1; i < 4; i++) {
        int from = y->rank - 4 + i;

        j->dims[i] = from < 2 ? 1 : (int)y->dims[from];
    }
    cuda_count(j, 5);
}

// ConvTranspose's weights [input][output of the group][...] as [output][...][input of the group].
static int turned_weights(struct cuda *c, const struct node *n, int group)
{
    const struct nn_shape *shape = shape_of(c, n->in[1]);
    const struct cuda_form *w = cuda_form(c, n->in[1]);
    struct cuda_draft d = cuda_draft(n, JOB_MAP);
    int spatial = shape->rank - 2, steps[NN_MAX_RANK], out = 1;
    bool now = c->graph->values[n->in[1]].constant;

    if (!w)
        return GRAPH_NONE;
    cuda_steps(shape, w->last, steps);
    // group, output, ..., input
    d.job.rank = spatial + 3;
    d.job.dims[0] = group;
    d.job.dims[1] = (int)shape->dims[1];
    d.job.dims[spatial + 2] = (int)shape->dims[0] / group;
    d.job.t[1].step[0] = steps[0] * d.job.dims[spatial + 2];
    d.job.t[1].step[1] = steps[1];
    d.job.t[1].step[spatial + 2] = steps[0];
    for (int i = 0; i < spatial; i++) {
        d.job.dims[2 + i] = (int)shape->dims[2 + i];
        d.job.t[1].step[2 + i] = steps[2 + i];
    }
    for (int i = d.job.rank - 1; i >= 0; out *= d.job.dims[i--])
        d.job.t[0].step[i] = out;
    d.job.t[0].type = c->type;
    d.job.t[1].type = w->type;
    d.buffers[0] = cuda_buffer(c, (size_t)out * nn_type_size(c->type), now);
    d.buffers[1] = w->buffer;
    cuda_tidy(&d.job, 0, d.job.rank, 0);
    cuda_count(&d.job, d.job.rank);
    if (d.buffers[0] == GRAPH_NONE || !cuda_add(c, n, &d, now))
        return GRAPH_NONE;
    return d.buffers[0];
}

static enum cuda_result compile_conv(struct cuda *c, const struct node *n, bool transpose)
{
    const struct nn_shape *x = shape_of(c, n->in[0]), *w = shape_of(c, n->in[1]);
    struct cuda_draft d = cuda_draft(n, JOB_CONV);
    struct job_window *window = &d.job.u.window;
    struct window resolved;
    const char *reason;

    if (!window_resolve(n, x, w->dims + 2, transpose, &resolved, &reason))
        return CUDA_NOT_OURS;
    set_window(window, &resolved);
    window->transpose = transpose;
    window->inputs = (int)x->dims[1] / window->group;
    window->outputs = (int)(transpose ? w->dims[1] : w->dims[0] / window->group);
    set_dims(&d.job, shape_of(c, n->out[0]));
    bind_picture(c, &d, 1, n->in[0], cuda_want(c, n->in[0], c->type, true), c->type, true);
    d.job.t[2].type = c->type;
    d.buffers[2] =
        transpose ? turned_weights(c, n, window->group) : cuda_want(c, n->in[1], c->type, true);
    if (d.buffers[1] == GRAPH_NONE || d.buffers[2] == GRAPH_NONE)
        return CUDA_FAILED;
    if (transpose) { // libraries want them as the file has them, channels last
        d.job.t[5].type = c->type;
        d.buffers[5] = cuda_want(c, n->in[1], c->type, true);
        if (d.buffers[5] == GRAPH_NONE)
            return CUDA_FAILED;
    }
    if (n->in_count > 2 && n->in[2] != GRAPH_NONE) {
        d.buffers[3] = cuda_want(c, n->in[2], NN_FLOAT32, false);
        d.job.t[3].type = NN_FLOAT32;
        d.job.t[3].step[4] = 1;
        if (!transpose) {
            d.buffers[5] = cuda_want(c, n->in[2], c->type, false);
            d.job.t[5].type = c->type;
        }
        if (d.buffers[3] == GRAPH_NONE || (!transpose && d.buffers[5] == GRAPH_NONE))
            return CUDA_FAILED;
    }
    if (n->residual != GRAPH_NONE) {
        bind_picture(c, &d, 4, n->residual, cuda_want(c, n->residual, c->type, true), c->type,
                     true);
        if (d.buffers[4] == GRAPH_NONE)
            return CUDA_FAILED;
    }
    d.job.activation = n->activation;
    d.job.a = n->a;
    d.job.b = n->b;
    bind_picture(c, &d, 0, n->out[0], cuda_make(c, n->out[0], c->type, true), c->type, true);
    return cuda_add(c, n, &d, false) ? CUDA_DONE : CUDA_FAILED;
}

static enum cuda_result compile_pool(struct cuda *c, const struct node *n)
{
    const struct cuda_form *x = cuda_form(c, n->in[0]);
    enum nn_type type = cuda_type(c, n->out[0]);
    struct cuda_draft d = cuda_draft(n, JOB_POOL);
    struct job_window *window = &d.job.u.window;
    struct window resolved;
    const char *reason;

    if (!window_resolve(n, shape_of(c, n->in[0]), NULL, false, &resolved, &reason))
        return CUDA_NOT_OURS;
    if (!x)
        return CUDA_FAILED;
    set_window(window, &resolved);
    window->max = node_is(n, "MaxPool");
    window->count_padding = node_int(n, "count_include_pad", 0) != 0;
    window->column_major = node_int(n, "storage_order", 0) != 0;
    set_dims(&d.job, shape_of(c, n->out[0]));
    bind_picture(c, &d, 1, n->in[0], x->buffer, x->type, x->last);
    bind_picture(c, &d, 0, n->out[0], cuda_make(c, n->out[0], type, x->last), type, x->last);
    if (n->out_count > 1 && n->out[1] != GRAPH_NONE)
        bind_picture(c, &d, 2, n->out[1], cuda_make(c, n->out[1], NN_INT64, x->last), NN_INT64,
                     x->last);
    return cuda_add(c, n, &d, false) ? CUDA_DONE : CUDA_FAILED;
}

enum cuda_result cuda_compile_window(struct cuda *c, const struct node *n)
{
    if (node_is(n, "Conv") || node_is(n, "ConvTranspose"))
        return compile_conv(c, n, node_is(n, "ConvTranspose"));
    if (node_is(n, "MaxPool") || node_is(n, "AveragePool"))
        return compile_pool(c, n);
    return CUDA_NOT_OURS;
}
