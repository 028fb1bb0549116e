// Operators: what they are called, which shapes they make, and how they are computed in plain C.
//
// Shape inference is where an operator is checked: once infer() has said yes, run() may trust its
// node. Semantics are those of github.com/onnx/onnx/blob/main/docs/Operators.md and, for older
// opsets, Changelog.md.
//
// Thread-safety: tables are constant; calls are independent.
#pragma once
#include <stdint.h>

#include "engine/nn/graph.h"

// One run of a node over dense tensors. in[i].data is NULL where the input was left out; the same
// for out.
struct op_call {
    const struct node *node;
    int opset;
    int in_count, out_count;
    const struct tensor *in;
    struct tensor *out; // shapes as inferred
};

// Sets type and shape of the node's outputs from its inputs', all of which are known. False,
// logged: they do not fit.
typedef bool op_infer(struct graph *graph, struct node *node);
// Allocates nothing, cannot fail.
typedef void op_run(const struct op_call *call);

struct op {
    const char *name;
    int since;          // the oldest opset in which the operator means what ours does
    int in_min, in_max; // inputs; the first in_min cannot be left out
    int out_max;
    uint32_t shape_inputs; // bit i: the *value* of input i decides shapes: it must be known when
                           // planning
    op_infer *infer;
    op_run *run;
};

#define OP_ANY 4096 // in_max, out_max: no limit of its own

// NULL: we have no operator of that name.
const struct op *op_find(const char *name);

// Helpers for op_infer functions. Shape and type of input i, which must be there.
const struct nn_shape *in_shape(const struct graph *graph, const struct node *node, int i);
enum nn_type in_type(const struct graph *graph, const struct node *node, int i);
// NULL: left out or not a constant.
const struct tensor *in_constant(const struct graph *graph, const struct node *node, int i);
// False, logged, where the shape has more than TENSOR_MAX_ELEMENTS. Output i that nobody asked for:
// true.
bool set_out(struct graph *graph, struct node *node, int i, enum nn_type type,
             const struct nn_shape *shape);
// axis counted from the back where negative; false, logged, outside rank.
bool resolve_axis(const struct graph *graph, const struct node *node, int64_t axis, int rank,
                  int *out_axis);
// True where the type is one of the bits (1 << NN_...); else logged.
bool expect_type(const struct graph *graph, const struct node *node, int i, unsigned types);

#define TYPES_FLOAT (1u << NN_FLOAT32)
#define TYPES_NUMBER (1u << NN_FLOAT32 | 1u << NN_INT32 | 1u << NN_INT64)

// What a sliding window over the picture is made of: Conv, ConvTranspose and the pools.
#define WINDOW_MAX 3 // spatial dimensions
struct window {
    int spatial;
    int64_t in[WINDOW_MAX], out[WINDOW_MAX], kernel[WINDOW_MAX], stride[WINDOW_MAX];
    int64_t dilation[WINDOW_MAX], begin[WINDOW_MAX], end[WINDOW_MAX]; // begin, end: padding
    int64_t group;
};
// x: the input. kernel: kernel shape from the weights, NULL: from the attribute. False: reason is
// set, nothing logged.
bool window_resolve(const struct node *node, const struct nn_shape *x, const int64_t *kernel,
                    bool transpose, struct window *out, const char **out_reason);

// Families, one file each: infer_X.c and ops_X.c.
op_infer infer_same, infer_float_same, infer_binary, infer_compare, infer_where, infer_cast,
    infer_variadic, infer_clip, infer_prelu, infer_dropout, infer_logic_not;
op_infer infer_conv, infer_conv_transpose, infer_pool, infer_global_pool, infer_resize,
    infer_depth_to_space, infer_space_to_depth;
op_infer infer_concat, infer_split, infer_slice, infer_gather, infer_transpose, infer_reshape,
    infer_flatten, infer_squeeze, infer_unsqueeze, infer_shape, infer_constant_of_shape,
    infer_expand, infer_tile, infer_pad;
op_infer infer_matmul, infer_gemm, infer_softmax, infer_reduce, infer_arg_max, infer_norm,
    infer_layer_norm;

op_run run_copy, run_unary, run_binary, run_compare, run_where, run_cast, run_variadic, run_clip,
    run_prelu, run_dropout;
op_run run_conv, run_conv_transpose, run_max_pool, run_average_pool, run_global_pool, run_resize,
    run_depth_to_space, run_space_to_depth;
op_run run_concat, run_split, run_slice, run_gather, run_transpose, run_shape,
    run_constant_of_shape, run_expand, run_tile, run_pad;
op_run run_matmul, run_gemm, run_softmax, run_reduce, run_arg_max, run_batch_norm,
    run_instance_norm, run_layer_norm;

// Attention is no operator of files: softmax(scale Q K + mask) V, the softmax along the last
// dimension. Inputs: Q [...][rows][width], K [...][width][columns] (transposed, as a product reads
// it), V [...][columns][depth], all of the same leading dimensions; a mask, or left out, that
// broadcasts to [...][rows][columns]. Attribute scale, 1 where absent. Result
// [...][rows][depth].
op_run run_attention;

// Where a slice starts, how far it steps and how much it takes, per dimension of x.
struct slice {
    int64_t start[NN_MAX_RANK], step[NN_MAX_RANK], count[NN_MAX_RANK];
};
// starts..steps: integer tensors; axes and steps may be NULL. False: reason set.
bool slice_resolve(const struct nn_shape *x, const struct tensor *starts, const struct tensor *ends,
                   const struct tensor *axes, const struct tensor *steps, struct slice *out,
                   const char **out_reason);
