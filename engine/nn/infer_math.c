// Shapes of products, sums and normalisations.
#include <string.h>

#include "engine/nn/op.h"

bool infer_matmul(struct graph *g, struct node *n)
{
    const struct nn_shape *a = in_shape(g, n, 0), *b = in_shape(g, n, 1);
    struct nn_shape left = *a, right = *b, shape;
    int64_t inner = a->rank ? a->dims[a->rank - 1] : -1;
    char ta[SHAPE_TEXT], tb[SHAPE_TEXT];

    if (!expect_type(g, n, 0, TYPES_NUMBER) || !expect_type(g, n, 1, TYPES_NUMBER))
        return false;
    if (!a->rank || !b->rank || inner != b->dims[b->rank < 2 ? 0 : b->rank - 2] ||
        in_type(g, n, 0) != in_type(g, n, 1))
        goto fail;
    left.rank = a->rank < 2 ? 0 : a->rank - 2;
    right.rank = b->rank < 2 ? 0 : b->rank - 2;
    if (!shape_broadcast(&left, &right, &shape))
        goto fail;
    if (a->rank > 1)
        shape.dims[shape.rank++] = a->dims[a->rank - 2];
    if (b->rank > 1)
        shape.dims[shape.rank++] = b->dims[b->rank - 1];
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
fail:
    return node_fail(g, n, "matrices of shape %s and %s cannot be multiplied", shape_text(a, ta),
                     shape_text(b, tb));
}

bool infer_gemm(struct graph *g, struct node *n)
{
    const struct nn_shape *a = in_shape(g, n, 0), *b = in_shape(g, n, 1);
    bool ta = node_int(n, "transA", 0), tb = node_int(n, "transB", 0);
    struct nn_shape shape = {.rank = 2}, sum;

    for (int i = 0; i < 3; i++)
        if (node_in(g, n, i) && !expect_type(g, n, i, TYPES_FLOAT))
            return false;
    if (a->rank != 2 || b->rank != 2 || a->dims[!ta] != b->dims[tb])
        return node_fail(g, n, "its matrices do not fit together");
    shape.dims[0] = a->dims[ta];
    shape.dims[1] = b->dims[!tb];
    if (node_in(g, n, 2) &&
        (!shape_broadcast(&shape, in_shape(g, n, 2), &sum) || !shape_equal(&shape, &sum)))
        return node_fail(g, n, "its third input does not fit the product");
    return set_out(g, n, 0, NN_FLOAT32, &shape);
}

bool infer_softmax(struct graph *g, struct node *n)
{
    int rank = in_shape(g, n, 0)->rank, axis;

    if (rank && !resolve_axis(g, n, node_int(n, "axis", g->opset < 13 ? 1 : -1), rank, &axis))
        return false;
    return infer_float_same(g, n);
}

bool infer_reduce(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);
    const struct tensor *axes = in_constant(g, n, 1);
    struct nn_shape shape = {0};
    unsigned bits = 0;
    int count, axis;
    const int64_t *ints = node_ints(n, "axes", &count);
    int64_t named = axes ? tensor_count(axes) : count;
    unsigned types = TYPES_NUMBER | 1u << NN_UINT8 | 1u << NN_INT8;

    if (!strcmp(n->op->name, "ReduceMax") || !strcmp(n->op->name, "ReduceMin"))
        types |= 1u << NN_BOOL;
    if (!expect_type(g, n, 0, types))
        return false;
    if (node_in(g, n, 1) && (!axes || !expect_type(g, n, 1, 1u << NN_INT64)))
        return node_fail(g, n, "its axes are not known integers");
    for (int64_t i = 0; i < named; i++) {
        if (!resolve_axis(g, n, axes ? tensor_int(axes, i) : ints[i], x->rank, &axis))
            return false;
        bits |= 1u << axis;
    }
    if (!named && !node_int(n, "noop_with_empty_axes", 0))
        bits = ~0u;
    for (int i = 0; i < x->rank; i++) {
        bool gone = bits >> i & 1;

        if (gone && x->dims[i] == 0 && !strcmp(n->op->name, "ReduceMean"))
            return node_fail(g, n, "it has nothing to reduce");
        if (!gone || node_int(n, "keepdims", 1))
            shape.dims[shape.rank++] = gone ? 1 : x->dims[i];
    }
    return set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_arg_max(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);
    struct nn_shape shape = {0};
    int axis;

    if (!expect_type(g, n, 0, TYPES_NUMBER) ||
        !resolve_axis(g, n, node_int(n, "axis", 0), x->rank, &axis))
        return false;
    if (x->dims[axis] == 0)
        return node_fail(g, n, "it has nothing to choose from");
    for (int i = 0; i < x->rank; i++)
        if (i != axis || node_int(n, "keepdims", 1))
            shape.dims[shape.rank++] = i == axis ? 1 : x->dims[i];
    return set_out(g, n, 0, NN_INT64, &shape);
}

bool infer_norm(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);

    if (node_int(n, "training_mode", 0))
        return node_fail(g, n, "it is in training mode; export the network for inference");
    if (x->rank < 2)
        return node_fail(g, n, "its input has no channels");
    for (int i = 0; i < n->in_count; i++)
        if (!expect_type(g, n, i, TYPES_FLOAT))
            return false;
    for (int i = 1; i < n->in_count; i++)
        if (in_shape(g, n, i)->rank != 1 || in_shape(g, n, i)->dims[0] != x->dims[1])
            return node_fail(g, n, "input %d has not one value a channel", i);
    return set_out(g, n, 0, NN_FLOAT32, x);
}

bool infer_layer_norm(struct graph *g, struct node *n)
{
    const struct nn_shape *x = in_shape(g, n, 0);
    struct nn_shape part = {0}, sum, mean = *x;
    int axis;

    if (!resolve_axis(g, n, node_int(n, "axis", -1), x->rank, &axis))
        return false;
    for (int i = axis; i < x->rank; i++) {
        part.dims[part.rank++] = x->dims[i];
        mean.dims[i] = 1;
    }
    for (int i = 0; i < n->in_count; i++) {
        if (!node_in(g, n, i))
            continue;
        if (!expect_type(g, n, i, TYPES_FLOAT))
            return false;
        if (i && (!shape_broadcast(&part, in_shape(g, n, i), &sum) || !shape_equal(&part, &sum)))
            return node_fail(g, n, "input %d does not fit the normalised dimensions", i);
    }
    return set_out(g, n, 0, NN_FLOAT32, x) && set_out(g, n, 1, NN_FLOAT32, &mean) &&
           set_out(g, n, 2, NN_FLOAT32, &mean);
}
