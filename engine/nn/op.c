#include "engine/nn/op.h"

#include <limits.h>
#include <string.h>

// shape_inputs of operators whose axes, shapes or pads are inputs
#define VALUE(i) (1u << (i))
// Of no file: pass_recognise() makes it, and its result has the shape of what it replaces.
#define MADE_HERE INT_MAX

static const struct op ops[] = {
    {"Abs", 6, 1, 1, 1, 0, infer_same, run_unary},
    {"Add", 7, 2, 2, 1, 0, infer_binary, run_binary},
    {"ArgMax", 1, 1, 1, 1, 0, infer_arg_max, run_arg_max},
    {"Attention", MADE_HERE, 3, 4, 1, 0, NULL, run_attention},
    {"AveragePool", 7, 1, 1, 1, 0, infer_pool, run_average_pool},
    {"BatchNormalization", 9, 5, 5, 5, 0, infer_norm, run_batch_norm},
    {"Cast", 6, 1, 1, 1, 0, infer_cast, run_cast},
    {"Ceil", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Clip", 11, 1, 3, 1, 0, infer_clip, run_clip},
    {"Concat", 4, 1, OP_ANY, 1, 0, infer_concat, run_concat},
    {"ConstantOfShape", 9, 1, 1, 1, VALUE(0), infer_constant_of_shape, run_constant_of_shape},
    {"Conv", 1, 2, 3, 1, 0, infer_conv, run_conv},
    {"ConvTranspose", 1, 2, 3, 1, 0, infer_conv_transpose, run_conv_transpose},
    {"DepthToSpace", 1, 1, 1, 1, 0, infer_depth_to_space, run_depth_to_space},
    {"Div", 7, 2, 2, 1, 0, infer_binary, run_binary},
    {"Dropout", 7, 1, 3, 2, VALUE(2), infer_dropout, run_dropout},
    {"Elu", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Equal", 7, 2, 2, 1, 0, infer_compare, run_compare},
    {"Erf", 9, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Exp", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Expand", 8, 2, 2, 1, VALUE(1), infer_expand, run_expand},
    {"Flatten", 1, 1, 1, 1, 0, infer_flatten, run_copy},
    {"Floor", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Gather", 1, 2, 2, 1, 0, infer_gather, run_gather},
    {"Gelu", 11, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Gemm", 7, 2, 3, 1, 0, infer_gemm, run_gemm},
    {"GlobalAveragePool", 1, 1, 1, 1, 0, infer_global_pool, run_global_pool},
    {"GlobalMaxPool", 1, 1, 1, 1, 0, infer_global_pool, run_global_pool},
    {"Greater", 7, 2, 2, 1, 0, infer_compare, run_compare},
    {"GreaterOrEqual", 11, 2, 2, 1, 0, infer_compare, run_compare},
    {"HardSigmoid", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"HardSwish", 11, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Identity", 1, 1, 1, 1, 0, infer_same, run_copy},
    {"InstanceNormalization", 6, 3, 3, 1, 0, infer_norm, run_instance_norm},
    {"LayerNormalization", 11, 2, 3, 3, 0, infer_layer_norm, run_layer_norm},
    {"LeakyRelu", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Less", 7, 2, 2, 1, 0, infer_compare, run_compare},
    {"LessOrEqual", 11, 2, 2, 1, 0, infer_compare, run_compare},
    {"Log", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"LogSoftmax", 1, 1, 1, 1, 0, infer_softmax, run_softmax},
    {"MatMul", 1, 2, 2, 1, 0, infer_matmul, run_matmul},
    {"Max", 8, 1, OP_ANY, 1, 0, infer_variadic, run_variadic},
    {"MaxPool", 8, 1, 1, 2, 0, infer_pool, run_max_pool},
    {"Min", 8, 1, OP_ANY, 1, 0, infer_variadic, run_variadic},
    {"Mul", 7, 2, 2, 1, 0, infer_binary, run_binary},
    {"Neg", 6, 1, 1, 1, 0, infer_same, run_unary},
    {"Not", 1, 1, 1, 1, 0, infer_logic_not, run_unary},
    {"PRelu", 7, 2, 2, 1, 0, infer_prelu, run_prelu},
    {"Pad", 11, 1, 4, 1, VALUE(1) | VALUE(3), infer_pad, run_pad},
    {"Pow", 7, 2, 2, 1, 0, infer_binary, run_binary},
    {"Reciprocal", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"ReduceMax", 1, 1, 2, 1, VALUE(1), infer_reduce, run_reduce},
    {"ReduceMean", 1, 1, 2, 1, VALUE(1), infer_reduce, run_reduce},
    {"ReduceMin", 1, 1, 2, 1, VALUE(1), infer_reduce, run_reduce},
    {"ReduceSum", 1, 1, 2, 1, VALUE(1), infer_reduce, run_reduce},
    {"Relu", 6, 1, 1, 1, 0, infer_same, run_unary},
    {"Reshape", 5, 2, 2, 1, VALUE(1), infer_reshape, run_copy},
    {"Resize", 11, 1, 4, 1, VALUE(1) | VALUE(2) | VALUE(3), infer_resize, run_resize},
    {"Round", 11, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Shape", 1, 1, 1, 1, 0, infer_shape, run_shape},
    {"Sigmoid", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Slice", 10, 1, 5, 1, VALUE(1) | VALUE(2) | VALUE(3) | VALUE(4), infer_slice, run_slice},
    {"Softmax", 1, 1, 1, 1, 0, infer_softmax, run_softmax},
    {"Softplus", 1, 1, 1, 1, 0, infer_float_same, run_unary},
    {"SpaceToDepth", 1, 1, 1, 1, 0, infer_space_to_depth, run_space_to_depth},
    {"Split", 2, 1, 2, OP_ANY, VALUE(1), infer_split, run_split},
    {"Sqrt", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Squeeze", 1, 1, 2, 1, VALUE(1), infer_squeeze, run_copy},
    {"Sub", 7, 2, 2, 1, 0, infer_binary, run_binary},
    {"Sum", 8, 1, OP_ANY, 1, 0, infer_variadic, run_variadic},
    {"Tanh", 6, 1, 1, 1, 0, infer_float_same, run_unary},
    {"Tile", 6, 2, 2, 1, VALUE(1), infer_tile, run_tile},
    {"Transpose", 1, 1, 1, 1, 0, infer_transpose, run_transpose},
    {"Unsqueeze", 1, 1, 2, 1, VALUE(1), infer_unsqueeze, run_copy},
    {"Upsample", 9, 1, 2, 1, VALUE(1), infer_resize, run_resize},
    {"Where", 9, 3, 3, 1, 0, infer_where, run_where},
};

const struct op *op_find(const char *name)
{
    size_t low = 0, high = sizeof(ops) / sizeof(*ops); // sorted by name

    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(name, ops[middle].name);

        if (order == 0)
            return &ops[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

const struct nn_shape *in_shape(const struct graph *g, const struct node *n, int i)
{
    return &node_in(g, n, i)->shape;
}

enum nn_type in_type(const struct graph *g, const struct node *n, int i)
{
    return node_in(g, n, i)->type;
}

const struct tensor *in_constant(const struct graph *g, const struct node *n, int i)
{
    const struct value *v = node_in(g, n, i);

    return v ? v->constant : NULL;
}

bool set_out(struct graph *g, struct node *n, int i, enum nn_type type,
             const struct nn_shape *shape)
{
    struct value *v;
    char text[SHAPE_TEXT];

    if (i >= n->out_count || n->out[i] == GRAPH_NONE)
        return true;
    if (shape_count(shape) < 0)
        return node_fail(g, n, "its result of shape %s is too large", shape_text(shape, text));
    v = &g->values[n->out[i]];
    v->type = type;
    v->shape = *shape;
    v->typed = v->shaped = true;
    return true;
}

bool resolve_axis(const struct graph *g, const struct node *n, int64_t axis, int rank,
                  int *out_axis)
{
    if (axis < -rank || axis >= rank)
        return node_fail(g, n, "axis %lld does not exist in %d dimensions", (long long)axis, rank);
    *out_axis = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

bool expect_type(const struct graph *g, const struct node *n, int i, unsigned types)
{
    enum nn_type type = in_type(g, n, i);

    if (types >> type & 1)
        return true;
    return node_fail(g, n, "input %d has type %s, which it is not supported for", i,
                     type_name(type));
}
