// Operators that move elements, in plain C. Elements are copied by size, whatever their type.
#include <string.h>

#include "engine/nn/op.h"

// Copies x's elements to dense y: element at place p of y comes from x[start + sum p[i] * step[i]].
static void gather_steps(const struct tensor *x, struct tensor *y, int64_t start,
                         const int64_t *step)
{
    size_t size = nn_type_size(x->type);
    int64_t at[NN_MAX_RANK] = {0}, count = tensor_count(y), line = 1;
    const char *from = (const char *)x->data + start * (int64_t)size;
    char *to = y->data;
    int rank = y->shape.rank;

    // what is dense at the end is copied as one
    while (rank > 0 && (step[rank - 1] == line || y->shape.dims[rank - 1] == 1))
        line *= y->shape.dims[--rank];
    for (int64_t i = 0; i < count; i += line, to += line * (int64_t)size) {
        memcpy(to, from, (size_t)line * size);
        for (int k = rank - 1; k >= 0; k--) {
            from += step[k] * (int64_t)size;
            if (++at[k] < y->shape.dims[k])
                break;
            from -= step[k] * (int64_t)size * y->shape.dims[k];
            at[k] = 0;
        }
    }
}

static int axis_of(const struct op_call *c, int64_t fallback)
{
    int64_t axis = node_int(c->node, "axis", fallback);

    return (int)(axis < 0 ? axis + c->in[0].shape.rank : axis);
}

void run_concat(const struct op_call *c)
{
    int axis = axis_of(c, 0), rank = c->out->shape.rank;
    size_t size = nn_type_size(c->out->type);
    int64_t outer = shape_span(&c->out->shape, 0, axis);
    size_t row = (size_t)shape_span(&c->out->shape, axis, rank) * size, offset = 0;

    for (int i = 0; i < c->in_count; i++) {
        size_t part = (size_t)shape_span(&c->in[i].shape, axis, rank) * size;

        for (int64_t k = 0; k < outer && part; k++)
            memcpy((char *)c->out->data + (size_t)k * row + offset,
                   (const char *)c->in[i].data + (size_t)k * part, part);
        offset += part;
    }
}

void run_split(const struct op_call *c)
{
    int axis = axis_of(c, 0), rank = c->in[0].shape.rank;
    size_t size = nn_type_size(c->in[0].type);
    int64_t outer = shape_span(&c->in[0].shape, 0, axis);
    size_t row = (size_t)shape_span(&c->in[0].shape, axis, rank) * size, offset = 0;

    for (int i = 0; i < c->out_count; i++) {
        size_t part = (size_t)shape_span(&c->out[i].shape, axis, rank) * size;

        for (int64_t k = 0; k < outer && part && c->out[i].data; k++)
            memcpy((char *)c->out[i].data + (size_t)k * part,
                   (const char *)c->in[0].data + (size_t)k * row + offset, part);
        offset += part;
    }
}

static const struct tensor *optional(const struct op_call *c, int i)
{
    return i < c->in_count && c->in[i].data ? &c->in[i] : NULL;
}

void run_slice(const struct op_call *c)
{
    int64_t step[NN_MAX_RANK], start = 0;
    struct slice slice;
    const char *reason;

    if (!slice_resolve(&c->in[0].shape, &c->in[1], &c->in[2], optional(c, 3), optional(c, 4),
                       &slice, &reason) ||
        !tensor_count(c->out))
        return;
    for (int64_t i = c->in[0].shape.rank - 1, dense = 1; i >= 0; i--) {
        step[i] = dense * slice.step[i];
        start += dense * slice.start[i];
        // one element does not step, and a huge step must not overflow
        step[i] = slice.count[i] > 1 ? step[i] : 0;
        dense *= c->in[0].shape.dims[i];
    }
    gather_steps(&c->in[0], c->out, start, step);
}

void run_gather(const struct op_call *c)
{
    const struct nn_shape *x = &c->in[0].shape;
    int axis = axis_of(c, 0);
    int64_t outer = shape_span(x, 0, axis), indices = tensor_count(&c->in[1]), dim = x->dims[axis];
    size_t inner = (size_t)shape_span(x, axis + 1, x->rank) * nn_type_size(c->in[0].type);
    const char *from = c->in[0].data;
    char *to = c->out->data;

    for (int64_t o = 0; o < outer; o++, from += (size_t)dim * inner)
        for (int64_t i = 0; i < indices; i++, to += inner) {
            int64_t index = tensor_int(&c->in[1], i);

            index += index < 0 ? dim : 0;
            index = index < 0 ? 0 : index >= dim ? dim - 1 : index; // known only now
            memcpy(to, from + (size_t)index * inner, inner);
        }
}

void run_transpose(const struct op_call *c)
{
    int rank = c->in[0].shape.rank, count;
    const int64_t *perm = node_ints(c->node, "perm", &count);
    int64_t dense[NN_MAX_RANK], step[NN_MAX_RANK];

    for (int64_t i = rank - 1, each = 1; i >= 0; i--) {
        dense[i] = each;
        each *= c->in[0].shape.dims[i];
    }
    for (int i = 0; i < rank; i++)
        step[i] = dense[perm ? perm[i] : rank - 1 - i];
    gather_steps(&c->in[0], c->out, 0, step);
}

void run_shape(const struct op_call *c)
{
    int rank = c->in[0].shape.rank;
    int64_t start = node_int(c->node, "start", 0), count = tensor_count(c->out);

    start += start < 0 ? rank : 0;
    start = start < 0 ? 0 : start;
    for (int64_t i = 0; i < count; i++)
        ((int64_t *)c->out->data)[i] = c->in[0].shape.dims[start + i];
}

void run_constant_of_shape(const struct op_call *c)
{
    const struct attribute *value = node_attribute(c->node, "value");
    int64_t count = tensor_count(c->out);
    size_t size = nn_type_size(c->out->type);

    if (!value) {
        memset(c->out->data, 0, (size_t)count * size);
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        if (c->out->type == NN_FLOAT32) // the value itself may be of half precision
            ((float *)c->out->data)[i] = (float)tensor_number(value->t, 0);
        else
            memcpy((char *)c->out->data + (size_t)i * size, value->t->data, size);
    }
}

void run_expand(const struct op_call *c)
{
    int64_t step[NN_MAX_RANK];

    shape_steps(&c->in[0].shape, &c->out->shape, step);
    gather_steps(&c->in[0], c->out, 0, step);
}

void run_tile(const struct op_call *c)
{
    size_t size = nn_type_size(c->out->type);
    const struct nn_shape *x = &c->in[0].shape;
    int64_t count = tensor_count(c->out), at[NN_MAX_RANK] = {0}, dense[NN_MAX_RANK];

    for (int64_t i = x->rank - 1, each = 1; i >= 0; i--) {
        dense[i] = each;
        each *= x->dims[i];
    }
    for (int64_t i = 0; i < count; i++) {
        int64_t from = 0;

        for (int k = 0; k < x->rank; k++)
            from += at[k] % x->dims[k] * dense[k];
        memcpy((char *)c->out->data + (size_t)i * size,
               (const char *)c->in[0].data + (size_t)from * size, size);
        for (int k = x->rank - 1; k >= 0 && ++at[k] == c->out->shape.dims[k]; k--)
            at[k] = 0;
    }
}

enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP };

// Where in 0..dim-1 padded place `at` is taken from; -1: the constant.
static int64_t padded_place(int64_t at, int64_t dim, enum pad_mode mode)
{
    if (at >= 0 && at < dim)
        return at;
    switch (mode) {
    case PAD_CONSTANT:
        return -1;
    case PAD_EDGE:
        return at < 0 ? 0 : dim - 1;
    case PAD_WRAP:
        return (at % dim + dim) % dim;
    case PAD_REFLECT:
        break;
    }
    if (dim == 1)
        return 0;
    at = (at % (2 * dim - 2) + 2 * dim - 2) % (2 * dim - 2);
    return at < dim ? at : 2 * dim - 2 - at;
}

static enum pad_mode pad_mode_of(const struct node *n)
{
    const char *mode = node_string(n, "mode", "constant");

    return *mode == 'e'   ? PAD_EDGE
           : *mode == 'r' ? PAD_REFLECT
           : *mode == 'w' ? PAD_WRAP
                          : PAD_CONSTANT;
}

void run_pad(const struct op_call *c)
{
    const struct nn_shape *x = &c->in[0].shape;
    const struct tensor *axes = optional(c, 3), *value = optional(c, 2);
    int64_t begin[NN_MAX_RANK] = {0}, at[NN_MAX_RANK] = {0}, count = tensor_count(c->out);
    int64_t named = axes ? tensor_count(axes) : x->rank;
    enum pad_mode mode = pad_mode_of(c->node);
    size_t size = nn_type_size(c->out->type);

    for (int i = 0; i < named; i++) {
        int64_t axis = axes ? tensor_int(axes, i) : i;

        begin[axis + (axis < 0 ? x->rank : 0)] = tensor_int(&c->in[1], i);
    }
    for (int64_t i = 0; i < count; i++) {
        char *to = (char *)c->out->data + (size_t)i * size;
        int64_t from = 0;

        for (int k = 0; k < x->rank && from >= 0; k++) {
            int64_t place = padded_place(at[k] - begin[k], x->dims[k], mode);

            from = place < 0 ? -1 : from * x->dims[k] + place;
        }
        if (from >= 0)
            memcpy(to, (const char *)c->in[0].data + (size_t)from * size, size);
        else if (value)
            memcpy(to, value->data, size);
        else
            memset(to, 0, size);
        for (int k = x->rank - 1; k >= 0 && ++at[k] == c->out->shape.dims[k]; k--)
            at[k] = 0;
    }
}

// Both directions walk over the picture of many channels: [N][b][b][C'] or [N][C'][b][b] against [b
// h][b w].
static void blocks(const struct op_call *c, bool to_space)
{
    const struct nn_shape *deep = to_space ? &c->in[0].shape : &c->out->shape;
    int64_t b = node_int(c->node, "blocksize", 1), h = deep->dims[2], w = deep->dims[3];
    int64_t channels = deep->dims[1] / (b * b), i = 0;
    bool crd = !strcmp(node_string(c->node, "mode", "DCR"), "CRD");
    size_t size = nn_type_size(c->out->type);

    for (int64_t n = 0; n < deep->dims[0]; n++)
        for (int64_t k = 0; k < deep->dims[1]; k++) {
            int64_t channel = crd ? k / (b * b) : k % channels,
                    block = crd ? k % (b * b) : k / channels;

            for (int64_t y = 0; y < h; y++)
                for (int64_t x = 0; x < w; x++, i++) {
                    int64_t flat = ((n * channels + channel) * h * b + y * b + block / b) * w * b +
                                   x * b + block % b;

                    memcpy((char *)c->out->data + (size_t)(to_space ? flat : i) * size,
                           (const char *)c->in[0].data + (size_t)(to_space ? i : flat) * size,
                           size);
                }
        }
}

void run_depth_to_space(const struct op_call *c)
{
    blocks(c, true);
}

void run_space_to_depth(const struct op_call *c)
{
    blocks(c, false);
}
