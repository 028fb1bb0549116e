// Operators that move elements: copies with steps, gathers, borders, resizes.
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/cuda_draft.h"
#include "engine/nn/cuda_form.h"
#include "engine/nn/cuda_walk.h"
#include "engine/nn/resize.h"

static const struct nn_shape *shape_of(const struct cuda *c, int value)
{
    return &c->graph->values[value].shape;
}

static const struct tensor *constant_of(const struct cuda *c, const struct node *n, int i)
{
    return in_constant(c->graph, n, i);
}

static int axis_of(const struct cuda *c, const struct node *n, int64_t fallback)
{
    int64_t axis = node_int(n, "axis", fallback);

    return (int)(axis < 0 ? axis + shape_of(c, n->in[0])->rank : axis);
}

static enum cuda_result done(bool ok)
{
    return ok ? CUDA_DONE : CUDA_FAILED;
}

// The walk over t[0] is set; adds the copy.
static bool add_copy(struct cuda *c, const struct node *n, struct cuda_draft *d)
{
    d->job.u.map.integers = !cuda_is_float(d->job.t[0].type);
    cuda_tidy(&d->job, 0, d->job.rank, 0);
    cuda_count(&d->job, d->job.rank);
    return cuda_add(c, n, d, false);
}

// The result in that order, as t[0] over its own shape.
static bool bind_result(struct cuda *c, struct cuda_draft *d, int value, bool last,
                        struct cuda_form *out)
{
    *out = (struct cuda_form){.type = cuda_type(c, value), .last = last};
    out->buffer = cuda_make(c, value, out->type, last);
    cuda_bind_form(c, d, 0, value, out, shape_of(c, value));
    return out->buffer != GRAPH_NONE;
}

static bool is_rename(const struct node *n)
{
    return n->op->run == run_copy && !node_is(n, "Cast");
}

// The same elements in the same rows: no copy.
static enum cuda_result compile_rename(struct cuda *c, const struct node *n)
{
    int buffer = cuda_want_rows(c, n->in[0]);

    if (buffer == GRAPH_NONE)
        return CUDA_FAILED;
    cuda_put(c, n->out[0], buffer, cuda_type(c, n->in[0]), false);
    return CUDA_DONE;
}

static enum cuda_result compile_concat(struct cuda *c, const struct node *n)
{
    int axis = axis_of(c, n, 0), at = 0, steps[NN_MAX_RANK];
    struct cuda_form made = {.type = cuda_type(c, n->out[0])};

    for (int i = 0; i < n->in_count; i++)
        if (!cuda_form(c, n->in[i]))
            return CUDA_FAILED;
    made.last = c->forms[n->in[0]]->last;
    made.buffer = cuda_make(c, n->out[0], made.type, made.last);
    cuda_steps(shape_of(c, n->out[0]), made.last, steps);
    for (int i = 0; i < n->in_count; i++) {
        const struct nn_shape *shape = shape_of(c, n->in[i]);
        struct cuda_draft d = cuda_draft(n, JOB_MAP);

        cuda_bind_form(c, &d, 1, n->in[i], c->forms[n->in[i]], shape);
        d.buffers[0] = made.buffer;
        d.job.t[0].type = made.type;
        d.job.t[0].first = at * steps[axis];
        for (int k = 0; k < shape->rank; k++)
            d.job.t[0].step[k] = steps[k];
        at += (int)shape->dims[axis];
        if (!add_copy(c, n, &d))
            return CUDA_FAILED;
    }
    return CUDA_DONE;
}

static enum cuda_result compile_split(struct cuda *c, const struct node *n)
{
    int axis = axis_of(c, n, 0), at = 0, steps[NN_MAX_RANK];
    const struct cuda_form *x = cuda_form(c, n->in[0]);

    if (!x)
        return CUDA_FAILED;
    cuda_steps(shape_of(c, n->in[0]), x->last, steps);
    for (int i = 0; i < n->out_count; i++) {
        struct cuda_draft d = cuda_draft(n, JOB_MAP);
        struct cuda_form made;

        if (n->out[i] == GRAPH_NONE)
            return CUDA_NOT_OURS; // its size is not known
        bind_result(c, &d, n->out[i], x->last, &made);
        d.buffers[1] = x->buffer;
        d.job.t[1].type = x->type;
        d.job.t[1].first = at * steps[axis];
        for (int k = 0; k < d.job.rank; k++)
            d.job.t[1].step[k] = steps[k];
        at += d.job.dims[axis];
        if (!add_copy(c, n, &d))
            return CUDA_FAILED;
    }
    return CUDA_DONE;
}

static enum cuda_result compile_slice(struct cuda *c, const struct node *n)
{
    const struct nn_shape *shape = shape_of(c, n->in[0]);
    const struct cuda_form *x = cuda_form(c, n->in[0]);
    struct cuda_draft d = cuda_draft(n, JOB_MAP);
    struct cuda_form made;
    struct slice slice;
    const char *reason;
    int steps[NN_MAX_RANK];

    if (!constant_of(c, n, 1) || !constant_of(c, n, 2) ||
        !slice_resolve(shape, constant_of(c, n, 1), constant_of(c, n, 2), constant_of(c, n, 3),
                       constant_of(c, n, 4), &slice, &reason))
        return CUDA_NOT_OURS;
    if (!x || !bind_result(c, &d, n->out[0], x->last, &made))
        return CUDA_FAILED;
    cuda_steps(shape, x->last, steps);
    d.buffers[1] = x->buffer;
    d.job.t[1].type = x->type;
    for (int i = 0; i < shape->rank; i++) {
        // one element does not step, and a huge step must not overflow
        d.job.t[1].step[i] = slice.count[i] > 1 ? steps[i] * (int)slice.step[i] : 0;
        d.job.t[1].first += slice.count[i] > 0 ? steps[i] * (int)slice.start[i] : 0;
    }
    return done(add_copy(c, n, &d));
}

static enum cuda_result compile_transpose(struct cuda *c, const struct node *n)
{
    int rank = shape_of(c, n->in[0])->rank, count, steps[NN_MAX_RANK];
    const int64_t *perm = node_ints(n, "perm", &count);
    const struct cuda_form *x = cuda_form(c, n->in[0]);
    struct cuda_draft d = cuda_draft(n, JOB_MAP);
    struct cuda_form made;

    if (!x || !bind_result(c, &d, n->out[0], false, &made))
        return CUDA_FAILED;
    cuda_steps(shape_of(c, n->in[0]), x->last, steps);
    d.buffers[1] = x->buffer;
    d.job.t[1].type = x->type;
    for (int i = 0; i < rank; i++)
        d.job.t[1].step[i] = steps[perm ? perm[i] : rank - 1 - i];
    return done(add_copy(c, n, &d));
}

// Each dimension that is repeated becomes two: how often, and itself.
static enum cuda_result compile_tile(struct cuda *c, const struct node *n)
{
    const struct nn_shape *from = shape_of(c, n->in[0]), *to = shape_of(c, n->out[0]);
    const struct cuda_form *x = cuda_form(c, n->in[0]);
    struct cuda_draft d = cuda_draft(n, JOB_MAP);
    struct cuda_form made;
    int in[NN_MAX_RANK], out[NN_MAX_RANK], rank = 0;

    if (!x)
        return CUDA_FAILED;
    cuda_steps(from, x->last, in);
    cuda_steps(to, x->last, out);
    for (int i = 0; i < from->rank; i++) {
        int size = (int)from->dims[i], times = size ? (int)to->dims[i] / size : 0;

        for (int k = 0; k < 2; k++) {
            if ((k ? size : times) == 1)
                continue;
            if (rank == JOB_RANK)
                return CUDA_NOT_OURS;
            d.job.dims[rank] = k ? size : times;
            d.job.t[0].step[rank] = k ? out[i] : out[i] * size;
            d.job.t[1].step[rank++] = k ? in[i] : 0;
        }
    }
    d.job.rank = rank;
    made = (struct cuda_form){.type = cuda_type(c, n->out[0]), .last = x->last};
    d.buffers[0] = cuda_make(c, n->out[0], made.type, made.last);
    d.buffers[1] = x->buffer;
    d.job.t[0].type = made.type;
    d.job.t[1].type = x->type;
    return done(add_copy(c, n, &d));
}

// Six dimensions: n, channel, block row, block column, row, column.
static enum cuda_result compile_blocks(struct cuda *c, const struct node *n, bool to_space)
{
    int deep = to_space ? n->in[0] : n->out[0], flat = to_space ? n->out[0] : n->in[0];
    const struct nn_shape *shape = shape_of(c, deep);
    const struct cuda_form *x = cuda_form(c, n->in[0]);
    struct cuda_draft d = cuda_draft(n, JOB_MAP);
    int b = (int)node_int(n, "blocksize", 1), s[2][NN_MAX_RANK], of_deep = to_space ? 1 : 0;
    int channels = (int)shape->dims[1] / (b * b);
    bool crd = !strcmp(node_string(n, "mode", "DCR"), "CRD");

    if (!x)
        return CUDA_FAILED;
    cuda_steps(shape, x->last, s[0]);
    cuda_steps(shape_of(c, flat), x->last, s[1]);
    {
        const int dims[6] = {(int)shape->dims[0], channels,           b, b,
                             (int)shape->dims[2], (int)shape->dims[3]};
        int ch = s[0][1], block = crd ? ch : channels * ch;
        const int deep_steps[6] = {s[0][0], crd ? b * b * ch : ch, b * block, block, s[0][2],
                                   s[0][3]};
        const int flat_steps[6] = {s[1][0], s[1][1], s[1][2], s[1][3], b * s[1][2], b * s[1][3]};

        d.job.rank = 6;
        for (int i = 0; i < 6; i++) {
            d.job.dims[i] = dims[i];
            d.job.t[of_deep].step[i] = deep_steps[i];
            d.job.t[!of_deep].step[i] = flat_steps[i];
        }
    }
    d.job.t[0].type = cuda_type(c, n->out[0]);
    d.job.t[1].type = x->type;
    d.buffers[0] = cuda_make(c, n->out[0], d.job.t[0].type, x->last);
    d.buffers[1] = x->buffer;
    return done(add_copy(c, n, &d));
}

// Walks over what is before the axis, the indices, what is after.
static enum cuda_result compile_gather(struct cuda *c, const struct node *n)
{
    int axis = axis_of(c, n, 0), steps[NN_MAX_RANK], index_steps[NN_MAX_RANK];
    const struct nn_shape *shape = shape_of(c, n->in[0]), *indices = shape_of(c, n->in[1]);
    const struct cuda_form *x = cuda_form(c, n->in[0]);
    struct cuda_draft d = cuda_draft(n, JOB_GATHER);
    struct cuda_form made;

    if (!x || !bind_result(c, &d, n->out[0], false, &made))
        return CUDA_FAILED;
    cuda_steps(shape, x->last, steps);
    cuda_steps(indices, false, index_steps);
    d.buffers[1] = x->buffer;
    d.buffers[2] = cuda_want_rows(c, n->in[1]);
    d.job.t[1].type = x->type;
    d.job.t[2].type = cuda_type(c, n->in[1]);
    for (int i = 0; i < d.job.rank; i++) {
        bool before = i < axis, inside = !before && i < axis + indices->rank;

        d.job.t[1].step[i] = before ? steps[i] : inside ? 0 : steps[i - indices->rank + 1];
        d.job.t[2].step[i] = inside ? index_steps[i - axis] : 0;
    }
    d.job.u.gather = (struct job_gather){steps[axis], (int)shape->dims[axis]};
    cuda_tidy(&d.job, 0, d.job.rank, 0);
    cuda_count(&d.job, d.job.rank);
    return done(d.buffers[2] != GRAPH_NONE && cuda_add(c, n, &d, false));
}

// Dimensions in the order in which a form lies in memory.
static void memory_order(int rank, bool last, int *out)
{
    int at = 0;

    for (int i = 0; i < rank; i++)
        if (!last || i != 1)
            out[at++] = i;
    if (last)
        out[at] = 1;
}

static enum cuda_result compile_pad(struct cuda *c, const struct node *n)
{
    const struct nn_shape *x = shape_of(c, n->in[0]), *y = shape_of(c, n->out[0]);
    const struct tensor *pads = constant_of(c, n, 1), *axes = constant_of(c, n, 3);
    const struct cuda_form *form = cuda_form(c, n->in[0]);
    const char *mode = node_string(n, "mode", "constant");
    int begin[NN_MAX_RANK] = {0}, order[NN_MAX_RANK], in[NN_MAX_RANK], out[NN_MAX_RANK];
    struct cuda_draft d = cuda_draft(n, JOB_PAD);

    if (!pads || (node_in(c->graph, n, 3) && !axes))
        return CUDA_NOT_OURS;
    if (!form)
        return CUDA_FAILED;
    for (int i = 0; i < (axes ? (int)tensor_count(axes) : x->rank); i++) {
        int axis = axes ? (int)tensor_int(axes, i) : i;

        begin[axis + (axis < 0 ? x->rank : 0)] = (int)tensor_int(pads, i);
    }
    cuda_steps(x, form->last, in);
    cuda_steps(y, form->last, out);
    memory_order(x->rank, form->last, order);
    d.job.rank = x->rank;
    for (int i = 0; i < x->rank; i++) {
        d.job.dims[i] = (int)y->dims[order[i]];
        d.job.t[0].step[i] = out[order[i]];
        d.job.t[1].step[i] = in[order[i]];
        d.job.u.pad.in[i] = (int)x->dims[order[i]];
        d.job.u.pad.begin[i] = begin[order[i]];
    }
    d.job.u.pad.mode = *mode == 'e'   ? JOB_PAD_EDGE
                       : *mode == 'r' ? JOB_PAD_REFLECT
                       : *mode == 'w' ? JOB_PAD_WRAP
                                      : JOB_PAD_CONSTANT;
    d.job.t[0].type = cuda_type(c, n->out[0]);
    d.job.t[1].type = form->type;
    d.buffers[0] = cuda_make(c, n->out[0], d.job.t[0].type, form->last);
    d.buffers[1] = form->buffer;
    if (node_in(c->graph, n, 2)) {
        d.job.t[2].type = cuda_type(c, n->in[2]);
        d.buffers[2] = cuda_want_rows(c, n->in[2]);
        if (d.buffers[2] == GRAPH_NONE)
            return CUDA_FAILED;
    }
    cuda_count(&d.job, d.job.rank);
    return done(cuda_add(c, n, &d, false));
}

// Entries of a Resize's tables: an antialiased one reads a whole line for one result.
#define MAX_TABLES (1 << 24)
// And what one thread adds up.
#define MAX_TAPS (1 << 18)

// Places and weights of one axis, `taps` a result.
static void fill_axis(const struct resize *r, int axis, int taps, int32_t *places, float *weights)
{
    int64_t size = r->in.dims[axis];

    for (int64_t at = 0; at < r->out.dims[axis]; at++, places += taps, weights += taps) {
        double place = resize_place(r, axis, at), reach = resize_reach(r, axis), sum = 0;
        bool outside = r->coordinates == RESIZE_CROP && (place < 0 || place > (double)(size - 1));
        int used = 0;

        for (int k = 0; k < taps; k++) {
            places[k] = outside ? -1 : 0;
            weights[k] = 0;
        }
        if (outside)
            continue;
        if (r->mode == RESIZE_NEAREST) {
            places[0] = (int32_t)resize_nearest(r, axis, place);
            weights[0] = 1;
            continue;
        }
        for (int64_t i = (int64_t)ceil(place - reach); (double)i <= place + reach; i++) {
            double weight = resize_weight(r, axis, (double)i - place);
            int64_t inside = i < 0 ? 0 : i >= size ? size - 1 : i;

            if (weight == 0 || (r->exclude_outside && inside != i) || used == taps)
                continue;
            places[used] = (int32_t)inside;
            weights[used++] = (float)weight;
            sum += weight;
        }
        for (int k = 0; k < used && (r->exclude_outside || r->antialias); k++)
            weights[k] = (float)((double)weights[k] / sum);
    }
}

// Where each axis that changes has its table; all of them have *out_total entries. False: too many.
static bool lay_tables(const struct resize *r, struct job_resize *z, const int *axes,
                       int64_t *out_total)
{
    int64_t together = 1; // taps of one result

    *out_total = 0;
    for (int k = 0; k < z->axes; k++) {
        int64_t reach = (int64_t)ceil(resize_reach(r, axes[k])),
                taps = r->mode == RESIZE_NEAREST ? 1 : 2 * reach + 1, outs = r->out.dims[axes[k]];

        if (taps > MAX_TAPS / together || outs > (MAX_TABLES - *out_total) / taps)
            return false;
        together *= taps;
        z->taps[k] = (int)taps;
        z->table[k] = (int)*out_total;
        *out_total += outs * taps;
    }
    return true;
}

// The tables of all axes that change, one after another, on the device. False: logged.
static bool upload_tables(struct cuda *c, const struct resize *r, struct cuda_draft *d,
                          const int *axes, int64_t total)
{
    struct job_resize *z = &d->job.u.resize;
    size_t bytes = ((size_t)total + 1) * sizeof(float); // never none
    int32_t *places = mem_try_block(bytes);
    float *weights = mem_try_block(bytes);

    if (places && weights) {
        for (int k = 0; k < z->axes; k++)
            fill_axis(r, axes[k], z->taps[k], places + z->table[k], weights + z->table[k]);
        places[total] = 0;
        weights[total] = 0;
        d->job.t[2].type = NN_INT32;
        d->job.t[3].type = NN_FLOAT32;
        d->buffers[2] = cuda_upload(c, places, bytes);
        d->buffers[3] = cuda_upload(c, weights, bytes);
    } else {
        log_error("%s: no memory for %zu bytes of a Resize", c->graph->path, bytes);
    }
    mem_free(places);
    mem_free(weights);
    return d->buffers[2] != GRAPH_NONE && d->buffers[3] != GRAPH_NONE;
}

static enum cuda_result compile_resize(struct cuda *c, const struct node *n)
{
    bool upsample = node_is(n, "Upsample");
    const struct cuda_form *x = cuda_form(c, n->in[0]);
    struct cuda_draft d = cuda_draft(n, JOB_RESIZE);
    struct job_resize *z = &d.job.u.resize;
    int axes[JOB_RESIZE_AXES], order[NN_MAX_RANK], in[NN_MAX_RANK], out[NN_MAX_RANK];
    int64_t total;
    struct resize r;
    const char *reason;

    if (!resize_resolve(n, shape_of(c, n->in[0]), upsample ? NULL : constant_of(c, n, 1),
                        constant_of(c, n, upsample ? 1 : 2), upsample ? NULL : constant_of(c, n, 3),
                        &r, &reason))
        return CUDA_NOT_OURS;
    if (!x)
        return CUDA_FAILED;
    z->outside = r.extrapolation;
    z->weighted = r.mode != RESIZE_NEAREST;
    cuda_steps(&r.in, x->last, in);
    cuda_steps(&r.out, x->last, out);
    memory_order(r.in.rank, x->last, order);
    d.job.rank = r.in.rank;
    for (int i = 0; i < r.in.rank; i++) {
        int axis = order[i];

        d.job.dims[i] = (int)r.out.dims[axis];
        d.job.t[0].step[i] = out[axis];
        d.job.t[1].step[i] = resize_keeps(&r, axis) ? in[axis] : 0;
        if (resize_keeps(&r, axis))
            continue;
        if (z->axes == JOB_RESIZE_AXES)
            return CUDA_NOT_OURS;
        axes[z->axes] = axis;
        z->dim[z->axes] = i;
        z->step[z->axes++] = in[axis];
    }
    if (!lay_tables(&r, z, axes, &total))
        return CUDA_NOT_OURS;
    d.job.t[0].type = cuda_type(c, n->out[0]);
    d.job.t[1].type = x->type;
    d.buffers[0] = cuda_make(c, n->out[0], d.job.t[0].type, x->last);
    d.buffers[1] = x->buffer;
    cuda_count(&d.job, d.job.rank);
    return done(upload_tables(c, &r, &d, axes, total) && cuda_add(c, n, &d, false));
}

enum cuda_result cuda_compile_layout(struct cuda *c, const struct node *n)
{
    static const struct {
        const char *name;
        enum cuda_result (*compile)(struct cuda *, const struct node *);
    } table[] = {
        {"Concat", compile_concat}, {"Gather", compile_gather},       {"Pad", compile_pad},
        {"Resize", compile_resize}, {"Slice", compile_slice},         {"Split", compile_split},
        {"Tile", compile_tile},     {"Transpose", compile_transpose}, {"Upsample", compile_resize},
    };

    if (is_rename(n))
        return compile_rename(c, n);
    if (node_is(n, "DepthToSpace") || node_is(n, "SpaceToDepth"))
        return compile_blocks(c, n, node_is(n, "DepthToSpace"));
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (node_is(n, table[i].name))
            return table[i].compile(c, n);
    return CUDA_NOT_OURS;
}
