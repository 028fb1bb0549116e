// Shapes of operators that move elements without changing them.
#include <string.h>

#include "base/mem.h"
#include "engine/nn/op.h"

#define INTEGERS (1u << NN_INT32 | 1u << NN_INT64)

// Integers given as an attribute in old opsets and as constant input i in new ones. count -1:
// neither is there.
struct ints {
    int count;
    int64_t at[NN_MAX_RANK];
};

static bool read_ints(struct graph *g, struct node *n, int i, const char *name, struct ints *out)
{
    const struct tensor *t = in_constant(g, n, i);
    int count;
    const int64_t *ints = node_ints(n, name, &count);
    int64_t have = ints ? count : -1;

    if (node_in(g, n, i)) {
        if (!t || t->shape.rank > 1 || !expect_type(g, n, i, INTEGERS))
            return node_fail(g, n, "input %d is not a known list of integers", i);
        have = tensor_count(t);
        ints = NULL;
    }
    if (have > NN_MAX_RANK)
        return node_fail(g, n, "more than %d dimensions are not supported", NN_MAX_RANK);
    out->count = (int)have;
    for (int k = 0; k < out->count; k++)
        out->at[k] = ints ? ints[k] : tensor_int(t, k);
    return true;
}

bool infer_concat(struct graph *g, struct node *n)
{
    struct nn_shape shape = *in_shape(g, n, 0);
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    int axis;

    if (!resolve_axis(g, n, node_int(n, "axis", 0), shape.rank, &axis))
        return false;
    for (int i = 1; i < n->in_count; i++) {
        const struct nn_shape *other;

        if (!node_in(g, n, i))
            return node_fail(g, n, "input %d is missing", i);
        other = in_shape(g, n, i);
        for (int k = 0; k < shape.rank; k++)
            if (other->rank != shape.rank || (k != axis && other->dims[k] != shape.dims[k]))
                return node_fail(g, n, "its inputs of shape %s and %s do not fit together",
                                 shape_text(&shape, a), shape_text(other, b));
        if (in_type(g, n, i) != in_type(g, n, 0))
            return node_fail(g, n, "its inputs have different types");
        shape.dims[axis] += other->dims[axis]; // at most 4096 times 2^40
    }
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

// Sizes of the parts, which must add up.
static bool split_sizes(struct graph *g, struct node *n, int64_t whole, int64_t *out)
{
    const struct tensor *t = in_constant(g, n, 1);
    int count, parts = n->out_count;
    const int64_t *ints = node_ints(n, "split", &count);
    int64_t sum = 0, each = parts ? (whole + parts - 1) / parts : 0;

    if (t)
        count = tensor_count(t) == parts && expect_type(g, n, 1, INTEGERS) ? parts : -1;
    if ((t || ints) && count != parts)
        return node_fail(g, n, "it has %d outputs and another number of sizes", parts);
    for (int i = 0; i < parts; i++) {
        out[i] = t ? tensor_int(t, i) : ints ? ints[i] : whole - sum < each ? whole - sum : each;
        if (out[i] < 0 || out[i] > whole - sum)
            return node_fail(g, n, "the sizes of its parts do not add up");
        sum += out[i];
    }
    return sum == whole || node_fail(g, n, "the sizes of its parts do not add up");
}

bool infer_split(struct graph *g, struct node *n)
{
    struct nn_shape shape = *in_shape(g, n, 0);
    int64_t *sizes;
    int axis;
    bool ok;

    if (!resolve_axis(g, n, node_int(n, "axis", 0), shape.rank, &axis))
        return false;
    sizes = mem_new((size_t)n->out_count, sizeof(*sizes));
    ok = split_sizes(g, n, shape.dims[axis], sizes);
    for (int i = 0; i < n->out_count && ok; i++) {
        shape.dims[axis] = sizes[i];
        ok = set_out(g, n, i, in_type(g, n, 0), &shape);
    }
    mem_free(sizes);
    return ok;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

bool slice_resolve(const struct nn_shape *x, const struct tensor *starts, const struct tensor *ends,
                   const struct tensor *axes, const struct tensor *steps, struct slice *out,
                   const char **out_reason)
{
    int64_t count = tensor_count(starts);
    unsigned seen = 0;

    *out_reason = "its starts, ends, axes and steps do not fit together";
    if (count > x->rank || tensor_count(ends) != count || (axes && tensor_count(axes) != count) ||
        (steps && tensor_count(steps) != count))
        return false;
    for (int i = 0; i < x->rank; i++) {
        out->start[i] = 0;
        out->step[i] = 1;
        out->count[i] = x->dims[i];
    }
    for (int k = 0; k < count; k++) {
        int64_t axis = axes ? tensor_int(axes, k) : k, step = steps ? tensor_int(steps, k) : 1;
        int64_t start = tensor_int(starts, k), end = tensor_int(ends, k), dim;

        if (axis < -x->rank || axis >= x->rank || step == 0 || step < -TENSOR_MAX_ELEMENTS)
            return false;
        axis += axis < 0 ? x->rank : 0;
        step = step > TENSOR_MAX_ELEMENTS ? TENSOR_MAX_ELEMENTS : step;
        if (seen >> axis & 1)
            return false;
        seen |= 1u << axis;
        dim = x->dims[axis];
        start += start < 0 ? dim : 0;
        end += end < 0 ? dim : 0;
        // of an empty dimension, which has no element 0, nothing is taken
        start = step > 0 ? clamp(start, 0, dim) : clamp(start, dim > 0 ? 0 : -1, dim - 1);
        end = step > 0 ? clamp(end, 0, dim) : clamp(end, -1, dim - 1);
        out->start[axis] = start;
        out->step[axis] = step;
        out->count[axis] =
            step > 0 ? (end - start + step - 1) / step : (end - start + step + 1) / step;
        out->count[axis] = out->count[axis] < 0 ? 0 : out->count[axis];
    }
    return true;
}

bool infer_slice(struct graph *g, struct node *n)
{
    struct nn_shape shape = *in_shape(g, n, 0);
    const struct tensor *t[5] = {0};
    struct slice slice;
    const char *reason;

    for (int i = 1; i < 5; i++) {
        t[i] = in_constant(g, n, i);
        if ((i < 3 || node_in(g, n, i)) && (!t[i] || !expect_type(g, n, i, INTEGERS)))
            return node_fail(g, n, "input %d must be a known list of integers", i);
    }
    if (!slice_resolve(&shape, t[1], t[2], t[3], t[4], &slice, &reason))
        return node_fail(g, n, "%s", reason);
    memcpy(shape.dims, slice.count, sizeof(slice.count));
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_gather(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0), *index = in_shape(g, n, 1);
    struct nn_shape shape = {.rank = x->rank - 1 + index->rank};
    const struct tensor *t = in_constant(g, n, 1);
    int axis, to = 0;

    if (!resolve_axis(g, n, node_int(n, "axis", 0), x->rank, &axis) ||
        !expect_type(g, n, 1, INTEGERS))
        return false;
    if (shape.rank > NN_MAX_RANK)
        return node_fail(g, n, "more than %d dimensions are not supported", NN_MAX_RANK);
    for (int i = 0; i < x->rank; i++) {
        for (int k = 0; i == axis && k < index->rank; k++)
            shape.dims[to++] = index->dims[k];
        if (i != axis)
            shape.dims[to++] = x->dims[i];
    }
    for (int64_t i = 0; t && i < tensor_count(t); i++)
        if (tensor_int(t, i) < -x->dims[axis] || tensor_int(t, i) >= x->dims[axis])
            return node_fail(g, n, "its index %lld is outside 0..%lld", (long long)tensor_int(t, i),
                             (long long)x->dims[axis] - 1);
    if (!t && x->dims[axis] == 0)
        return node_fail(g, n, "it picks from nothing");
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_transpose(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);
    struct nn_shape shape = {.rank = x->rank};
    unsigned seen = 0;
    int count;
    const int64_t *perm = node_ints(n, "perm", &count);

    if (perm && count != x->rank)
        return node_fail(g, n, "perm has not one entry a dimension");
    for (int i = 0; i < x->rank; i++) {
        int64_t from = perm ? perm[i] : x->rank - 1 - i;

        if (from < 0 || from >= x->rank || seen >> from & 1)
            return node_fail(g, n, "perm is no permutation");
        seen |= 1u << from;
        shape.dims[i] = x->dims[from];
    }
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_reshape(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);
    struct nn_shape shape = {0};
    struct ints dims;
    int64_t count = shape_count(x), known;
    int free_dim = -1;
    char a[SHAPE_TEXT], b[SHAPE_TEXT];

    if (!read_ints(g, n, 1, "shape", &dims))
        return false;
    if (dims.count < 0)
        return node_fail(g, n, "its shape depends on the picture, which is not supported");
    shape.rank = dims.count;
    for (int i = 0; i < dims.count; i++) {
        shape.dims[i] = dims.at[i];
        if (dims.at[i] == 0 && !node_int(n, "allowzero", 0))
            shape.dims[i] = i < x->rank ? x->dims[i] : -2;
        if (dims.at[i] == -1 && free_dim < 0) {
            free_dim = i;
            shape.dims[i] = 1;
        }
    }
    known = shape_count(&shape);
    if (free_dim >= 0 && known > 0 && count % known == 0) {
        shape.dims[free_dim] = count / known;
        known = count;
    }
    if (known != count || (free_dim >= 0 && known == 0 && shape.dims[free_dim] != 0 && count))
        return node_fail(g, n, "its input of shape %s does not fit into %s", shape_text(x, a),
                         shape_text(&shape, b));
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_flatten(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);
    int64_t axis = node_int(n, "axis", 1);
    struct nn_shape shape = {.rank = 2};

    if (axis < -x->rank || axis > x->rank)
        return node_fail(g, n, "axis %lld does not exist", (long long)axis);
    axis += axis < 0 ? x->rank : 0;
    shape.dims[0] = shape_span(x, 0, (int)axis);
    shape.dims[1] = shape_span(x, (int)axis, x->rank);
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

// Bits of the axes in `axes`; false, logged.
static bool axis_bits(struct graph *g, struct node *n, const struct ints *axes, int rank,
                      unsigned *out)
{
    *out = 0;
    for (int i = 0; i < axes->count; i++) {
        int axis;

        if (!resolve_axis(g, n, axes->at[i], rank, &axis))
            return false;
        if (*out >> axis & 1)
            return node_fail(g, n, "axis %d is named twice", axis);
        *out |= 1u << axis;
    }
    return true;
}

bool infer_squeeze(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);
    struct nn_shape shape = {0};
    struct ints axes;
    unsigned bits;

    if (!read_ints(g, n, 1, "axes", &axes) || !axis_bits(g, n, &axes, x->rank, &bits))
        return false;
    for (int i = 0; i < x->rank; i++) {
        bool drop = axes.count < 0 ? x->dims[i] == 1 : bits >> i & 1;

        if (drop && x->dims[i] != 1)
            return node_fail(g, n, "dimension %d is not 1", i);
        if (!drop)
            shape.dims[shape.rank++] = x->dims[i];
    }
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_unsqueeze(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);
    struct nn_shape shape = {0};
    struct ints axes;
    unsigned bits;
    int from = 0;

    if (!read_ints(g, n, 1, "axes", &axes))
        return false;
    if (axes.count < 0 || x->rank + axes.count > NN_MAX_RANK)
        return node_fail(g, n, "it has no axes, or makes more than %d dimensions", NN_MAX_RANK);
    shape.rank = x->rank + axes.count;
    if (!axis_bits(g, n, &axes, shape.rank, &bits))
        return false;
    for (int i = 0; i < shape.rank; i++)
        shape.dims[i] = bits >> i & 1 ? 1 : x->dims[from++];
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_shape(struct graph *g, struct node *n)
{
    int rank = in_shape(g, n, 0)->rank;
    int64_t start = node_int(n, "start", 0), end = node_int(n, "end", rank);
    struct nn_shape shape = {.rank = 1};

    start = clamp(start + (start < 0 ? rank : 0), 0, rank);
    end = clamp(end + (end < 0 ? rank : 0), 0, rank);
    shape.dims[0] = end > start ? end - start : 0;
    return set_out(g, n, 0, NN_INT64, &shape);
}

static bool shape_from_ints(struct graph *g, struct node *n, int i, struct nn_shape *out)
{
    struct ints dims;

    if (!read_ints(g, n, i, "", &dims))
        return false;
    *out = (struct nn_shape){.rank = dims.count};
    for (int k = 0; k < dims.count; k++)
        out->dims[k] = dims.at[k];
    return true;
}

bool infer_constant_of_shape(struct graph *g, struct node *n)
{
    const struct attribute *value = node_attribute(n, "value");
    enum nn_type type = value && value->t ? value->t->type : NN_FLOAT32;
    struct nn_shape shape;

    if (value && (!value->t || tensor_count(value->t) != 1))
        return node_fail(g, n, "its value is not one number");
    if (!shape_from_ints(g, n, 0, &shape))
        return false;
    // half precision is computed in single; see widen in pass.h
    return set_out(g, n, 0, type == NN_FLOAT16 ? NN_FLOAT32 : type, &shape);
}

bool infer_expand(struct graph *g, struct node *n)
{
    struct nn_shape shape;
    char a[SHAPE_TEXT], b[SHAPE_TEXT];

    if (!shape_from_ints(g, n, 1, &shape))
        return false;
    if (shape_count(&shape) < 0 || !shape_broadcast(in_shape(g, n, 0), &shape, &shape))
        return node_fail(g, n, "its input of shape %s does not expand to %s",
                         shape_text(in_shape(g, n, 0), a), shape_text(&shape, b));
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_tile(struct graph *g, struct node *n)
{
    struct nn_shape shape = *in_shape(g, n, 0);
    struct ints repeats;

    if (!read_ints(g, n, 1, "", &repeats))
        return false;
    if (repeats.count != shape.rank)
        return node_fail(g, n, "it has not one number of repeats a dimension");
    for (int i = 0; i < shape.rank; i++) {
        if (repeats.at[i] < 0 ||
            (shape.dims[i] && repeats.at[i] > TENSOR_MAX_ELEMENTS / shape.dims[i]))
            return node_fail(g, n, "its repeats are impossible");
        shape.dims[i] *= repeats.at[i];
    }
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

static bool check_pad(struct graph *g, struct node *n, int64_t dim, int64_t begin, int64_t end)
{
    const char *mode = node_string(n, "mode", "constant");
    int64_t most;

    if (begin < -TENSOR_MAX_ELEMENTS || end < -TENSOR_MAX_ELEMENTS || begin > TENSOR_MAX_ELEMENTS ||
        end > TENSOR_MAX_ELEMENTS)
        return node_fail(g, n, "its pads are impossible");
    most = dim + (begin < 0 ? begin : 0) + (end < 0 ? end : 0);
    if (most < 0)
        return node_fail(g, n, "its pads do not fit its input");
    if (!strcmp(mode, "constant") || !(begin > 0 || end > 0))
        return true;
    if (!strcmp(mode, "wrap") || !strcmp(mode, "edge"))
        return most > 0 || node_fail(g, n, "it repeats what is empty");
    if (strcmp(mode, "reflect") != 0)
        return node_fail(g, n, "mode '%.20s' is not supported", mode);
    return most > 0 || node_fail(g, n, "it reflects what is empty");
}

bool infer_pad(struct graph *g, struct node *n)
{
    struct nn_shape shape = *in_shape(g, n, 0);
    const struct tensor *pads = in_constant(g, n, 1), *axes = in_constant(g, n, 3);
    int count, axis;
    int64_t axes_count = axes ? tensor_count(axes) : shape.rank;
    unsigned seen = 0;

    node_ints(n, "pads", &count);
    if (!pads || !expect_type(g, n, 1, INTEGERS) || (axes && !expect_type(g, n, 3, INTEGERS)))
        return node_fail(g, n, "its pads are not known integers%s",
                         count ? "; export with opset 11 or newer" : "");
    if (axes_count > shape.rank || tensor_count(pads) != 2 * axes_count)
        return node_fail(g, n, "its pads do not fit its input");
    if (node_in(g, n, 2) &&
        (shape_count(in_shape(g, n, 2)) != 1 || in_type(g, n, 2) != in_type(g, n, 0)))
        return node_fail(g, n, "its value is not one number of its input's type");
    for (int i = 0; i < axes_count; i++) {
        int64_t begin = tensor_int(pads, i), end = tensor_int(pads, axes_count + i);

        if (!resolve_axis(g, n, axes ? tensor_int(axes, i) : i, shape.rank, &axis))
            return false;
        if (seen >> axis & 1)
            return node_fail(g, n, "axis %d is named twice", axis);
        seen |= 1u << axis;
        if (!check_pad(g, n, shape.dims[axis], begin, end))
            return false;
        shape.dims[axis] += begin + end;
    }
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

static bool blocks(struct graph *g, struct node *n, bool to_space)
{
    struct nn_shape shape = *in_shape(g, n, 0);
    int64_t b = node_int(n, "blocksize", 0);

    if (shape.rank != 4 || b < 1 || b > 4096)
        return node_fail(g, n, "its input is not [N,C,H,W], or its blocksize is missing");
    if (to_space ? shape.dims[1] % (b * b) : shape.dims[2] % b || shape.dims[3] % b)
        return node_fail(g, n, "its input does not divide into blocks of %lld", (long long)b);
    for (int i = 1; i < 4; i++)
        if (shape.dims[i] > TENSOR_MAX_ELEMENTS / (b * b))
            return node_fail(g, n, "its blocks of %lld are impossible", (long long)b);
    shape.dims[1] = to_space ? shape.dims[1] / (b * b) : shape.dims[1] * b * b;
    shape.dims[2] = to_space ? shape.dims[2] * b : shape.dims[2] / b;
    shape.dims[3] = to_space ? shape.dims[3] * b : shape.dims[3] / b;
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_depth_to_space(struct graph *g, struct node *n)
{
    return blocks(g, n, true);
}

bool infer_space_to_depth(struct graph *g, struct node *n)
{
    return blocks(g, n, false);
}
