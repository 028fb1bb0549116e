// Resize and Upsample in plain C, and their shapes.
#include <math.h>
#include <string.h>

#include "engine/nn/resize.h"

static int scales_input(const struct node *n)
{
    return strcmp(n->op->name, "Upsample") ? 2 : 1;
}

bool infer_resize(struct graph *g, struct node *n)
{
    bool upsample = scales_input(n) == 1;
    const struct tensor *t[4] = {0};
    struct resize r;
    const char *reason;
    unsigned types = TYPES_FLOAT;

    for (int i = 1; i < n->in_count && i < 4; i++) {
        t[i] = in_constant(g, n, i);
        if (node_in(g, n, i) && !t[i])
            return node_fail(g, n, "input %d is not known before the picture is", i);
    }
    if (!strcmp(node_string(n, "mode", "nearest"), "nearest"))
        types |= TYPES_NUMBER | 1u << NN_UINT8 | 1u << NN_INT8;
    if (!expect_type(g, n, 0, types))
        return false;
    if (!resize_resolve(n, in_shape(g, n, 0), upsample ? NULL : t[1], t[scales_input(n)],
                        upsample ? NULL : t[3], &r, &reason))
        return node_fail(g, n, "%s", reason);
    return set_out(g, n, 0, in_type(g, n, 0), &r.out);
}

struct walk {
    const struct resize *r;
    const float *x;
    const int64_t *at;   // place in the result
    const int64_t *step; // of x
};

static float sample(const struct walk *w, int axis, int64_t offset)
{
    const struct resize *r = w->r;
    double place, reach, sum = 0, weights = 0;
    int64_t last = axis < r->in.rank ? r->in.dims[axis] - 1 : 0;

    if (axis == r->in.rank)
        return w->x[offset];
    if (resize_keeps(r, axis))
        return sample(w, axis + 1, offset + w->at[axis] * w->step[axis]);
    place = resize_place(r, axis, w->at[axis]);
    if (r->coordinates == RESIZE_CROP && (place < 0 || place > (double)last))
        return r->extrapolation;
    reach = resize_reach(r, axis);
    for (int64_t i = (int64_t)ceil(place - reach); (double)i <= place + reach; i++) {
        double weight = resize_weight(r, axis, (double)i - place);
        int64_t inside = i < 0 ? 0 : i > last ? last : i;

        if (weight == 0 || (r->exclude_outside && inside != i))
            continue;
        weights += weight;
        sum += weight * (double)sample(w, axis + 1, offset + inside * w->step[axis]);
    }
    return (float)(r->exclude_outside || r->antialias ? sum / weights : sum);
}

// Where in x the element lies; -1: outside a crop.
static int64_t nearest(const struct resize *r, const int64_t *at, const int64_t *step)
{
    int64_t offset = 0;

    for (int i = 0; i < r->in.rank; i++) {
        double place = resize_place(r, i, at[i]);

        if (r->coordinates == RESIZE_CROP && (place < 0 || place > (double)(r->in.dims[i] - 1)))
            return -1;
        offset += (resize_keeps(r, i) ? at[i] : resize_nearest(r, i, place)) * step[i];
    }
    return offset;
}

static void put_nearest(const struct resize *r, const struct tensor *x, struct tensor *y, int64_t i,
                        int64_t from)
{
    size_t size = nn_type_size(x->type);

    if (from >= 0)
        memcpy((char *)y->data + (size_t)i * size, (const char *)x->data + (size_t)from * size,
               size);
    else if (y->type == NN_FLOAT32)
        ((float *)y->data)[i] = r->extrapolation;
    else
        memset((char *)y->data + (size_t)i * size, 0, size);
}

void run_resize(const struct op_call *c)
{
    bool upsample = scales_input(c->node) == 1;
    int scales = scales_input(c->node);
    const struct tensor *t[4] = {0};
    int64_t at[NN_MAX_RANK] = {0}, step[NN_MAX_RANK], count = tensor_count(c->out);
    struct resize r;
    const char *reason;

    for (int i = 1; i < c->in_count && i < 4; i++)
        t[i] = c->in[i].data ? &c->in[i] : NULL;
    if (!resize_resolve(c->node, &c->in[0].shape, upsample ? NULL : t[1], t[scales],
                        upsample ? NULL : t[3], &r, &reason))
        return;
    shape_steps(&r.in, &r.in, step);
    for (int64_t i = 0; i < count; i++) {
        struct walk w = {&r, c->in[0].data, at, step};

        if (r.mode == RESIZE_NEAREST)
            put_nearest(&r, &c->in[0], c->out, i, nearest(&r, at, step));
        else
            ((float *)c->out->data)[i] = sample(&w, 0, 0);
        for (int k = r.out.rank - 1; k >= 0 && ++at[k] == r.out.dims[k]; k--)
            at[k] = 0;
    }
}
