// Products, reductions, softmax and normalisation.
#include <string.h>

#include "engine/nn/cuda_draft.h"
#include "engine/nn/cuda_form.h"
#include "engine/nn/cuda_walk.h"

static const struct nn_shape *shape_of(const struct cuda *c, int value)
{
    return &c->graph->values[value].shape;
}

static enum cuda_result done(bool ok)
{
    return ok ? CUDA_DONE : CUDA_FAILED;
}

// Tensor t broadcast over the walk, whose dimensions from `axis` on the value's own are.
static bool bind_rows(struct cuda *c, struct cuda_draft *d, int t, int value, enum nn_type type)
{
    const struct nn_shape *shape = shape_of(c, value);
    int steps[NN_MAX_RANK], lead = d->job.rank - shape->rank;

    cuda_steps(shape, false, steps);
    d->job.t[t].type = type;
    d->buffers[t] = cuda_want(c, value, type, false);
    for (int i = 0; i < shape->rank; i++)
        d->job.t[t].step[lead + i] = shape->dims[i] == 1 ? 0 : steps[i];
    return d->buffers[t] != GRAPH_NONE;
}

// Where rows go on as the batch does, the batch is rows: one large product.
static void join_batch(struct job *j)
{
    int batch = j->rank - 3, row = j->rank - 2;

    if (j->rank < 3 || j->t[2].step[batch])
        return;
    for (int t = 0; t < 5; t++)
        if (t != 2 && j->t[t].step[batch] != j->t[t].step[row] * j->dims[row])
            return;
    for (int t = 0; t < JOB_TENSORS; t++)
        j->t[t].step[batch] = j->t[t].step[row];
    j->dims[batch] *= j->dims[row];
    j->dims[row] = j->dims[row + 1];
    for (int t = 0; t < JOB_TENSORS; t++)
        j->t[t].step[row] = j->t[t].step[row + 1];
    j->rank--;
}

// Residual and activation, then the job. The walk has all of out's dimensions.
static enum cuda_result add_product(struct cuda *c, const struct node *n, struct cuda_draft *d)
{
    struct job *j = &d->job;

    if (n->residual != GRAPH_NONE) {
        d->buffers[4] = cuda_want_matrix(c, n->residual);
        j->t[4].type = cuda_matrix_type(c, n->residual);
        memcpy(j->t[4].step, j->t[0].step, sizeof(j->t[4].step));
        if (d->buffers[4] == GRAPH_NONE)
            return CUDA_FAILED;
    }
    j->activation = n->activation;
    j->a = n->a;
    j->b = n->b;
    cuda_count(j, j->rank);
    if (j->count) {
        int rank = j->rank;

        j->outer = rank - 2; // the batch alone is tidied
        cuda_tidy(j, 0, rank - 2, 0);
        join_batch(j);
        cuda_count(j, j->rank);
    }
    return done(cuda_add(c, n, d, false));
}

static enum cuda_result compile_matmul(struct cuda *c, const struct node *n)
{
    const struct nn_shape *a = shape_of(c, n->in[0]), *b = shape_of(c, n->in[1]);
    struct nn_shape batch_a = *a, batch_b = *b, batch;
    struct cuda_draft d = cuda_draft(n, JOB_PRODUCT);
    enum nn_type type = cuda_matrix_type(c, n->out[0]);
    int64_t steps_a[NN_MAX_RANK], steps_b[NN_MAX_RANK];
    int rows = a->rank > 1 ? (int)a->dims[a->rank - 2] : 1, inner = (int)a->dims[a->rank - 1];
    int columns = b->rank > 1 ? (int)b->dims[b->rank - 1] : 1, out = 1;

    batch_a.rank = a->rank > 1 ? a->rank - 2 : 0;
    batch_b.rank = b->rank > 1 ? b->rank - 2 : 0;
    if (!shape_broadcast(&batch_a, &batch_b, &batch) || batch.rank + 2 > JOB_RANK)
        return CUDA_NOT_OURS;
    shape_steps(&batch_a, &batch, steps_a);
    shape_steps(&batch_b, &batch, steps_b);
    d.job.rank = batch.rank + 2;
    for (int i = 0; i < batch.rank; i++) {
        d.job.dims[i] = (int)batch.dims[i];
        d.job.t[1].step[i] = (int)steps_a[i] * rows * inner;
        d.job.t[2].step[i] = (int)steps_b[i] * inner * columns;
    }
    d.job.dims[batch.rank] = rows;
    d.job.dims[batch.rank + 1] = columns;
    d.job.t[1].step[batch.rank] = inner;
    d.job.t[2].step[batch.rank + 1] = 1;
    for (int i = d.job.rank - 1; i >= 0; out *= d.job.dims[i--])
        d.job.t[0].step[i] = out;
    d.job.u.product =
        (struct job_product){.inner = inner, .a_step = 1, .b_step = columns, .alpha = 1, .beta = 1};
    d.job.u.product.integers = !cuda_is_float(type);
    d.job.t[0].type = type;
    d.job.t[1].type = cuda_matrix_type(c, n->in[0]);
    d.job.t[2].type = cuda_matrix_type(c, n->in[1]);
    d.buffers[1] = cuda_want_matrix(c, n->in[0]);
    d.buffers[2] = cuda_want_matrix(c, n->in[1]);
    if (n->in_count > 2 && n->in[2] != GRAPH_NONE) { // pass_fuse() may add one number a column
        d.job.t[3].type = NN_FLOAT32;
        d.job.t[3].step[d.job.rank - 1] = 1;
        d.buffers[3] = cuda_want(c, n->in[2], NN_FLOAT32, false);
        d.job.t[5].type = type; // for libraries: one bias a column, in the result's type
        d.buffers[5] = cuda_want(c, n->in[2], type, false);
        if (d.buffers[3] == GRAPH_NONE || d.buffers[5] == GRAPH_NONE)
            return CUDA_FAILED;
    }
    if (d.buffers[1] == GRAPH_NONE || d.buffers[2] == GRAPH_NONE)
        return CUDA_FAILED;
    d.buffers[0] = cuda_make(c, n->out[0], type, false);
    return add_product(c, n, &d);
}

static enum cuda_result compile_gemm(struct cuda *c, const struct node *n)
{
    const struct nn_shape *a = shape_of(c, n->in[0]), *y = shape_of(c, n->out[0]);
    bool ta = node_int(n, "transA", 0) != 0, tb = node_int(n, "transB", 0) != 0;
    int rows = (int)y->dims[0], columns = (int)y->dims[1], inner = (int)a->dims[!ta];
    struct cuda_draft d = cuda_draft(n, JOB_PRODUCT);

    d.job.rank = 2;
    d.job.dims[0] = rows;
    d.job.dims[1] = columns;
    d.job.t[0].step[0] = columns;
    d.job.t[0].step[1] = 1;
    d.job.t[1].step[0] = ta ? 1 : inner;
    d.job.t[2].step[1] = tb ? inner : 1;
    d.job.u.product = (struct job_product){.inner = inner,
                                           .a_step = ta ? rows : 1,
                                           .b_step = tb ? 1 : columns,
                                           .alpha = node_float(n, "alpha", 1),
                                           .beta = node_float(n, "beta", 1)};
    for (int t = 0; t < 3; t++)
        d.job.t[t].type = c->type;
    d.buffers[1] = cuda_want_matrix(c, n->in[0]);
    d.buffers[2] = cuda_want_matrix(c, n->in[1]);
    if (d.buffers[1] == GRAPH_NONE || d.buffers[2] == GRAPH_NONE ||
        (node_in(c->graph, n, 2) && !bind_rows(c, &d, 3, n->in[2], NN_FLOAT32)))
        return CUDA_FAILED;
    if (d.buffers[3] != GRAPH_NONE && !d.job.t[3].step[0] && d.job.t[3].step[1]) {
        d.job.t[5].type = c->type;
        d.buffers[5] = cuda_want(c, n->in[2], c->type, false);
    }
    d.buffers[0] = cuda_make(c, n->out[0], c->type, false);
    return add_product(c, n, &d);
}

// Bits of the axes to reduce; false: not known before the run.
static bool reduced_axes(const struct cuda *c, const struct node *n, unsigned *out)
{
    const struct tensor *axes = in_constant(c->graph, n, 1);
    int count, rank = shape_of(c, n->in[0])->rank;
    const int64_t *ints = node_ints(n, "axes", &count);
    int64_t named = axes ? tensor_count(axes) : count;

    if (node_in(c->graph, n, 1) && !axes)
        return false;
    *out = 0;
    for (int64_t i = 0; i < named; i++) {
        int64_t axis = axes ? tensor_int(axes, i) : ints[i];

        *out |= 1u << (axis < 0 ? axis + rank : axis);
    }
    if (!named && !node_int(n, "noop_with_empty_axes", 0))
        *out = ~0u;
    return true;
}

// The walk: axes not in `bits` first, those in it (the lines) after. x is t[1] in any form.
static bool split_walk(struct cuda *c, struct cuda_draft *d, int x, unsigned bits, int *out_axes)
{
    const struct nn_shape *shape = shape_of(c, x);
    const struct cuda_form *form = cuda_form(c, x);
    int steps[NN_MAX_RANK];

    if (!form)
        return false;
    cuda_steps(shape, form->last, steps);
    for (int part = 0; part < 2; part++) {
        for (int i = 0; i < shape->rank; i++) {
            if ((bits >> i & 1) != (unsigned)part)
                continue;
            out_axes[d->job.rank] = i;
            d->job.dims[d->job.rank] = (int)shape->dims[i];
            d->job.t[1].step[d->job.rank++] = steps[i];
        }
        if (!part)
            d->job.outer = d->job.rank;
    }
    d->buffers[1] = form->buffer;
    d->job.t[1].type = form->type;
    return true;
}

static void tidy_lines(struct job *j)
{
    cuda_count(j, j->outer);
    cuda_tidy(j, j->outer, j->rank, 1);
    cuda_tidy(j, 0, j->outer, 0);
}

static enum cuda_result add_reduction(struct cuda *c, const struct node *n, unsigned bits,
                                      enum job_reduction reduction)
{
    struct cuda_draft d = cuda_draft(n, JOB_REDUCE);
    int axes[NN_MAX_RANK], out = 1;

    if (!split_walk(c, &d, n->in[0], bits, axes))
        return CUDA_FAILED;
    for (int i = d.job.outer - 1; i >= 0; out *= d.job.dims[i--])
        d.job.t[0].step[i] = out;
    d.job.t[0].type = cuda_type(c, n->out[0]);
    d.job.u.reduction = reduction;
    d.buffers[0] = cuda_make(c, n->out[0], d.job.t[0].type, false);
    tidy_lines(&d.job);
    return done(cuda_add(c, n, &d, false));
}

static enum cuda_result compile_reduce(struct cuda *c, const struct node *n)
{
    const char *kind = n->op->name + strlen("Reduce");
    unsigned bits;

    if (!reduced_axes(c, n, &bits))
        return CUDA_NOT_OURS;
    return add_reduction(c, n, bits,
                         !strcmp(kind, "Max")    ? REDUCE_MAX
                         : !strcmp(kind, "Min")  ? REDUCE_MIN
                         : !strcmp(kind, "Mean") ? REDUCE_MEAN
                                                 : REDUCE_SUM);
}

static enum cuda_result compile_arg_max(struct cuda *c, const struct node *n)
{
    int64_t axis = node_int(n, "axis", 0);

    axis += axis < 0 ? shape_of(c, n->in[0])->rank : 0;
    return add_reduction(c, n, 1u << axis,
                         node_int(n, "select_last_index", 0) ? REDUCE_ARG_MAX_LAST
                                                             : REDUCE_ARG_MAX);
}

static enum cuda_result compile_global_pool(struct cuda *c, const struct node *n)
{
    return add_reduction(c, n, ~3u, node_is(n, "GlobalMaxPool") ? REDUCE_MAX : REDUCE_MEAN);
}

// The result as t[0], in the order of the input's form.
static void bind_like_input(struct cuda *c, struct cuda_draft *d, int value, const int *axes,
                            bool last)
{
    int steps[NN_MAX_RANK];

    cuda_steps(shape_of(c, value), last, steps);
    for (int i = 0; i < d->job.rank; i++)
        d->job.t[0].step[i] = steps[axes[i]];
    d->job.t[0].type = cuda_type(c, value);
    d->buffers[0] = cuda_make(c, value, d->job.t[0].type, last);
}

static enum cuda_result compile_softmax(struct cuda *c, const struct node *n)
{
    int rank = shape_of(c, n->in[0])->rank, axes[NN_MAX_RANK];
    bool old = c->graph->opset < 13; // everything from the axis on is one line
    int64_t axis = node_int(n, "axis", old ? 1 : -1);
    struct cuda_draft d = cuda_draft(n, JOB_SOFTMAX);

    axis += axis < 0 ? rank : 0;
    if (!split_walk(c, &d, n->in[0], old ? ~0u << axis : 1u << axis, axes))
        return CUDA_FAILED;
    bind_like_input(c, &d, n->out[0], axes, c->forms[n->in[0]]->last);
    d.job.u.log_of = node_is(n, "LogSoftmax");
    tidy_lines(&d.job);
    return done(cuda_add(c, n, &d, false));
}

// Scale and bias over the lines' own dimensions, or over the channels of the walk.
static bool bind_scale(struct cuda *c, struct cuda_draft *d, int t, int value, bool channels,
                       const int *axes)
{
    if (!channels)
        return bind_rows(c, d, t, value, NN_FLOAT32);
    d->job.t[t].type = NN_FLOAT32;
    d->buffers[t] = cuda_want(c, value, NN_FLOAT32, false);
    for (int i = 0; i < d->job.rank; i++)
        d->job.t[t].step[i] = axes[i] == 1;
    return d->buffers[t] != GRAPH_NONE;
}

static bool bind_moment(struct cuda *c, const struct node *n, struct cuda_draft *d, int out)
{
    int step = 1;

    if (out >= n->out_count || n->out[out] == GRAPH_NONE)
        return true;
    for (int i = d->job.outer - 1; i >= 0; step *= d->job.dims[i--])
        d->job.t[3 + out].step[i] = step;
    d->job.t[3 + out].type = cuda_type(c, n->out[out]);
    d->buffers[3 + out] = cuda_make(c, n->out[out], d->job.t[3 + out].type, false);
    return d->buffers[3 + out] != GRAPH_NONE;
}

static enum cuda_result compile_norm(struct cuda *c, const struct node *n)
{
    int rank = shape_of(c, n->in[0])->rank, axes[NN_MAX_RANK];
    bool instance = node_is(n, "InstanceNormalization");
    int64_t axis = node_int(n, "axis", -1);
    struct cuda_draft d = cuda_draft(n, JOB_NORM);

    axis += axis < 0 ? rank : 0;
    if (!split_walk(c, &d, n->in[0], instance ? ~3u : ~0u << axis, axes))
        return CUDA_FAILED;
    bind_like_input(c, &d, n->out[0], axes, c->forms[n->in[0]]->last);
    d.job.u.epsilon = node_float(n, "epsilon", 1e-5f);
    if (!bind_scale(c, &d, 2, n->in[1], instance, axes) ||
        (n->in_count > 2 && n->in[2] != GRAPH_NONE &&
         !bind_scale(c, &d, 3, n->in[2], instance, axes)) ||
        (!instance && (!bind_moment(c, n, &d, 1) || !bind_moment(c, n, &d, 2))))
        return CUDA_FAILED;
    tidy_lines(&d.job);
    return done(cuda_add(c, n, &d, false));
}

enum cuda_result cuda_compile_math(struct cuda *c, const struct node *n)
{
    static const struct {
        const char *name;
        enum cuda_result (*compile)(struct cuda *, const struct node *);
    } table[] = {
        {"ArgMax", compile_arg_max},
        {"Gemm", compile_gemm},
        {"GlobalAveragePool", compile_global_pool},
        {"GlobalMaxPool", compile_global_pool},
        {"InstanceNormalization", compile_norm},
        {"LayerNormalization", compile_norm},
        {"LogSoftmax", compile_softmax},
        {"MatMul", compile_matmul},
        {"ReduceMax", compile_reduce},
        {"ReduceMean", compile_reduce},
        {"ReduceMin", compile_reduce},
        {"ReduceSum", compile_reduce},
        {"Softmax", compile_softmax},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (node_is(n, table[i].name))
            return table[i].compile(c, n);
    return CUDA_NOT_OURS;
}
