// Jobs: what the CUDA backend asks a GPU to do. A job is one launch of one kernel, described by
// plain numbers; the C side (cuda_ops_*.c) makes them, the CUDA side (cuda_device.cu) runs them.
//
// A job walks over dims[0..rank), outermost first, and finds each tensor's element by that tensor's
// steps: layouts, broadcasting, slices and transposes are nothing but steps. Kinds that look at
// several elements for one result (reductions, lines) walk over dims[0..outer) and look at
// dims[outer..rank). Elements are counted in int: no tensor on a GPU has more than JOB_MAX_COUNT.
//
// Thread-safety: no state.
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/nn/graph.h"

#define JOB_MAX_COUNT (INT_MAX / 2)
#define JOB_RANK 8
#define JOB_TENSORS 6

// What stands at data + (first + sum place[i] * step[i]) elements. data NULL: not there.
struct job_tensor {
    void *data;
    enum nn_type type;
    int first;
    int step[JOB_RANK];
};

enum job_kind {
    JOB_MAP,     // t[0] = function(t[1], t[2], t[3])
    JOB_GATHER,  // t[0] = t[1] at index t[2] along one dimension
    JOB_PAD,     // t[0] = t[1] with a border; t[2]: the constant, or not there
    JOB_RESIZE,  // t[0] = t[1]; t[2], t[3]: places (INT32) and weights, see job_resize
    JOB_POOL,    // t[0] = t[1]; t[2]: INT64 indices of the maxima, or not there
    JOB_REDUCE,  // t[0] = t[1] over dims[outer..rank)
    JOB_SOFTMAX, // t[0] = t[1] over dims[outer..rank)
    JOB_NORM,    // t[0] = normalised t[1] * t[2] + t[3]; t[4], t[5]: mean and 1 / deviation out
    JOB_CONV,    // t[0] = act(t[1] * t[2] + t[3] + t[4]): weights, bias, residual; see job_window
    JOB_PRODUCT, // t[0] = act(alpha t[1] t[2] + beta t[3] + t[4]): bias, residual
    // t[5], for libraries: a transposed convolution's weights as [input][...][output of the group];
    // another convolution's bias, and a product's where it is one number a column, in t[0]'s type
};

enum job_function {
    MAP_COPY, // with a change of type: ONNX's Cast
    MAP_ACTIVATION,
    MAP_ABS,
    MAP_CEIL,
    MAP_ERF,
    MAP_EXP,
    MAP_FLOOR,
    MAP_LOG,
    MAP_NEG,
    MAP_NOT,
    MAP_RECIPROCAL,
    MAP_ROUND,
    MAP_SOFTPLUS,
    MAP_SQRT,
    MAP_ADD,
    MAP_SUB,
    MAP_MUL,
    MAP_DIV,
    MAP_MIN,
    MAP_MAX,
    MAP_POW,
    MAP_PRELU,
    MAP_EQUAL,
    MAP_GREATER,
    MAP_GREATER_EQUAL,
    MAP_LESS,
    MAP_LESS_EQUAL,
    MAP_WHERE,
    MAP_CLAMP,             // t[2], t[3]: limits, or not there
    MAP_MULTIPLY_ADD,      // t[1] * t[2] + t[3]
    MAP_INVERSE_DEVIATION, // 1 / sqrt(t[1] + a)
    MAP_FILL_ONE,
};

struct job_map {
    enum job_function function;
    bool integers; // computed in 64-bit integers, else in single precision
    enum activation activation;
    float a, b;
};

struct job_gather {
    int step, size; // of t[1] along the dimension that is gathered
};

enum job_pad_mode { JOB_PAD_CONSTANT, JOB_PAD_EDGE, JOB_PAD_REFLECT, JOB_PAD_WRAP };

struct job_pad {
    enum job_pad_mode mode;
    int in[JOB_RANK], begin[JOB_RANK];
};

#define JOB_RESIZE_AXES 3

// Up to JOB_RESIZE_AXES dimensions change; t[1].step is 0 there. Result `at` along axis k is the
// sum over taps i of weight[table + at * taps + i] * element place[table + at * taps + i]; a place
// of -1 makes the whole result `outside`.
struct job_resize {
    int axes;
    int dim[JOB_RESIZE_AXES], taps[JOB_RESIZE_AXES], table[JOB_RESIZE_AXES], step[JOB_RESIZE_AXES];
    float outside;
    bool weighted; // false: one tap each, copied as it is
};

// Convolutions and pools walk over n, depth, height, width, channels; missing ones are of size 1.
// Weights lie as [output][depth][height][width][input of the group].
struct job_window {
    int in[3], kernel[3], stride[3], dilation[3], begin[3], end[3];
    int group, inputs, outputs; // channels of a group
    bool transpose;
    // pools:
    bool max, count_padding, column_major; // column_major: of indices
};

enum job_reduction {
    REDUCE_SUM,
    REDUCE_MEAN,
    REDUCE_MAX,
    REDUCE_MIN,
    REDUCE_ARG_MAX,
    REDUCE_ARG_MAX_LAST
};

// rows and columns are the last two of dims; inner is what is summed over.
struct job_product {
    int inner, a_step, b_step;
    float alpha, beta;
    bool integers;
};

struct job {
    enum job_kind kind;
    int count; // results, or lines of results
    int rank, outer;
    int dims[JOB_RANK];
    struct job_tensor t[JOB_TENSORS];
    union {
        struct job_map map;
        struct job_gather gather;
        struct job_pad pad;
        struct job_resize resize;
        struct job_window window;
        enum job_reduction reduction;
        bool log_of;   // JOB_SOFTMAX
        float epsilon; // JOB_NORM
        struct job_product product;
    } u;
    // JOB_CONV, JOB_PRODUCT: applied last
    enum activation activation;
    float a, b;
    // how a library does it, from nn_cuda.prepare(), and its memory; NULL: our own kernel
    void *plan, *workspace;
    size_t workspace_bytes;
};
