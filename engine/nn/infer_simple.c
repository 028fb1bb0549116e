// Shapes of element-wise operators.
#include <string.h>

#include "engine/nn/op.h"

bool infer_same(struct graph *g, struct node *n)
{
    return set_out(g, n, 0, in_type(g, n, 0), in_shape(g, n, 0));
}

bool infer_float_same(struct graph *g, struct node *n)
{
    return expect_type(g, n, 0, TYPES_FLOAT) && infer_same(g, n);
}

static bool broadcast(struct graph *g, struct node *n, int first, struct nn_shape *out)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];

    *out = *in_shape(g, n, first);
    for (int i = first + 1; i < n->in_count; i++)
        if (!shape_broadcast(out, in_shape(g, n, i), out))
            return node_fail(g, n, "its inputs of shape %s and %s do not fit together",
                             shape_text(out, a), shape_text(in_shape(g, n, i), b));
    return true;
}

static bool same_types(struct graph *g, struct node *n, int first)
{
    for (int i = first + 1; i < n->in_count; i++)
        if (in_type(g, n, i) != in_type(g, n, first))
            return node_fail(g, n, "its inputs have the types %s and %s",
                             type_name(in_type(g, n, first)), type_name(in_type(g, n, i)));
    return true;
}

bool infer_binary(struct graph *g, struct node *n)
{
    struct nn_shape shape;

    // Pow alone may mix types
    if (strcmp(n->op->name, "Pow") != 0 && !same_types(g, n, 0))
        return false;
    return expect_type(g, n, 0, TYPES_NUMBER | 1u << NN_UINT8 | 1u << NN_INT8) &&
           expect_type(g, n, 1, TYPES_NUMBER | 1u << NN_UINT8 | 1u << NN_INT8) &&
           broadcast(g, n, 0, &shape) && set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_variadic(struct graph *g, struct node *n)
{
    struct nn_shape shape;

    for (int i = 0; i < n->in_count; i++)
        if (!node_in(g, n, i))
            return node_fail(g, n, "input %d is missing", i);
    return expect_type(g, n, 0, TYPES_NUMBER | 1u << NN_UINT8 | 1u << NN_INT8) &&
           same_types(g, n, 0) && broadcast(g, n, 0, &shape) &&
           set_out(g, n, 0, in_type(g, n, 0), &shape);
}

bool infer_compare(struct graph *g, struct node *n)
{
    struct nn_shape shape;

    return same_types(g, n, 0) && broadcast(g, n, 0, &shape) && set_out(g, n, 0, NN_BOOL, &shape);
}

bool infer_logic_not(struct graph *g, struct node *n)
{
    return expect_type(g, n, 0, 1u << NN_BOOL) && infer_same(g, n);
}

bool infer_where(struct graph *g, struct node *n)
{
    struct nn_shape shape;

    return expect_type(g, n, 0, 1u << NN_BOOL) && same_types(g, n, 1) &&
           broadcast(g, n, 0, &shape) && set_out(g, n, 0, in_type(g, n, 1), &shape);
}

bool infer_cast(struct graph *g, struct node *n)
{
    // TensorProto.DataType; float16 stays itself: what it feeds is widened where it is read
    static const signed char types[] = {-1,       NN_FLOAT32, NN_UINT8, NN_INT8, -1,        -1,
                                        NN_INT32, NN_INT64,   -1,       NN_BOOL, NN_FLOAT16};
    int64_t to = node_int(n, "to", 0);

    if (to < 0 || to >= (int64_t)sizeof(types) || types[to] < 0)
        return node_fail(g, n, "type %d is not supported", (int)to);
    return set_out(g, n, 0, (enum nn_type)types[to], in_shape(g, n, 0));
}

bool infer_clip(struct graph *g, struct node *n)
{
    for (int i = 1; i < n->in_count; i++)
        if (node_in(g, n, i) &&
            (shape_count(in_shape(g, n, i)) != 1 || in_type(g, n, i) != in_type(g, n, 0)))
            return node_fail(g, n, "its limits are not single numbers of its input's type");
    return expect_type(g, n, 0, TYPES_NUMBER | 1u << NN_UINT8 | 1u << NN_INT8) && infer_same(g, n);
}

bool infer_prelu(struct graph *g, struct node *n)
{
    struct nn_shape shape;

    if (!expect_type(g, n, 0, TYPES_FLOAT) || !expect_type(g, n, 1, TYPES_FLOAT))
        return false;
    if (!shape_broadcast(in_shape(g, n, 0), in_shape(g, n, 1), &shape) ||
        !shape_equal(&shape, in_shape(g, n, 0)))
        return node_fail(g, n, "its slopes do not fit its input");
    return infer_same(g, n);
}

bool infer_dropout(struct graph *g, struct node *n)
{
    const struct tensor *training = in_constant(g, n, 2);

    if (node_in(g, n, 2) &&
        (!training || tensor_count(training) != 1 || tensor_number(training, 0)))
        return node_fail(g, n, "it is in training mode; export the network for inference");
    return infer_same(g, n) && set_out(g, n, 1, NN_BOOL, in_shape(g, n, 0));
}
