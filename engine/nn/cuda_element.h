// Elements on a GPU: reading, writing, finding them. For .cu files of this folder.
//
// Thread-safety: no state.
#pragma once
#include <cuda_fp16.h>

#include "engine/nn/cuda_job.h"
#include "kernels/cuda_launch.h"

#define CUDA_BLOCK 256

// The thread's place among all of a one-dimensional launch.
static __device__ inline int cuda_index(void)
{
    return (int)(blockIdx.x * blockDim.x + threadIdx.x);
}

static __device__ inline float half_of(unsigned short bits)
{
    return __half2float(__ushort_as_half(bits));
}

static __device__ inline float load_float(const struct job_tensor &t, int at)
{
    switch (t.type) {
    case NN_FLOAT32:
        return ((const float *)t.data)[at];
    case NN_FLOAT16:
        return half_of(((const unsigned short *)t.data)[at]);
    case NN_INT32:
        return (float)((const int32_t *)t.data)[at];
    case NN_INT64:
        return (float)((const int64_t *)t.data)[at];
    case NN_INT8:
        return (float)((const int8_t *)t.data)[at];
    default:
        return (float)((const uint8_t *)t.data)[at];
    }
}

// 0 for floats.
static __device__ inline int64_t load_int(const struct job_tensor &t, int at)
{
    switch (t.type) {
    case NN_INT32:
        return ((const int32_t *)t.data)[at];
    case NN_INT64:
        return ((const int64_t *)t.data)[at];
    case NN_INT8:
        return ((const int8_t *)t.data)[at];
    case NN_BOOL:
    case NN_UINT8:
        return ((const uint8_t *)t.data)[at];
    default:
        return 0;
    }
}

static __device__ inline void store_int(const struct job_tensor &t, int at, int64_t v)
{
    switch (t.type) {
    case NN_INT32:
        ((int32_t *)t.data)[at] = (int32_t)v;
        break;
    case NN_INT64:
        ((int64_t *)t.data)[at] = v;
        break;
    case NN_FLOAT32:
        ((float *)t.data)[at] = (float)v;
        break;
    case NN_FLOAT16:
        ((unsigned short *)t.data)[at] = __half_as_ushort(__float2half_rn((float)v));
        break;
    case NN_BOOL:
        ((uint8_t *)t.data)[at] = v != 0;
        break;
    default:
        ((uint8_t *)t.data)[at] = (uint8_t)v;
        break;
    }
}

// To an integer type: towards zero, the nearest there is, 0 for not a number, as ops_simple.c does.
static __device__ inline int64_t int_of(float v, enum nn_type type)
{
    int64_t least = type == NN_INT64 ? INT64_MIN : INT32_MIN;
    int64_t most = type == NN_INT64 ? INT64_MAX : INT32_MAX;

    if (v != v)
        return 0;
    if (v <= (float)least)
        return least;
    return v >= (float)most ? most : (int64_t)v;
}

static __device__ inline void store_float(const struct job_tensor &t, int at, float v)
{
    if (t.type == NN_FLOAT32)
        ((float *)t.data)[at] = v;
    else if (t.type == NN_FLOAT16)
        ((unsigned short *)t.data)[at] = __half_as_ushort(__float2half_rn(v));
    else if (t.type == NN_BOOL)
        ((uint8_t *)t.data)[at] = v != 0.0f;
    else
        store_int(t, at, int_of(v, t.type));
}

// Adds to at[k] where element `index` of dims[from..end) lies in tensor k.
template <int N>
static __device__ inline void find(const struct job &j, int from, int end, int index, int (&at)[N])
{
    unsigned rest = (unsigned)index;

    for (int d = end - 1; d >= from; d--) {
        unsigned size = (unsigned)j.dims[d], next = d > from ? rest / size : 0;
        int place = (int)(rest - next * size);

        for (int k = 0; k < N; k++)
            at[k] += place * j.t[k].step[d];
        rest = next;
    }
}

template <int N> static __device__ inline void find_first(const struct job &j, int (&at)[N])
{
    for (int k = 0; k < N; k++)
        at[k] = j.t[k].first;
}

// activation.c's functions.
static __device__ inline float activate(enum activation activation, float a, float b, float x)
{
    float y;

    switch (activation) {
    case ACTIVATION_NONE:
        return x;
    case ACTIVATION_RELU:
        return x < 0.0f ? 0.0f : x;
    case ACTIVATION_LEAKY:
        return x < 0.0f ? a * x : x;
    case ACTIVATION_CLIP:
        x = x < a ? a : x;
        return x > b ? b : x;
    case ACTIVATION_SIGMOID:
        return 1.0f / (1.0f + expf(-x));
    case ACTIVATION_TANH:
        return tanhf(x);
    case ACTIVATION_ELU:
        return x < 0.0f ? a * expm1f(x) : x;
    case ACTIVATION_GELU:
        return 0.5f * x * (1.0f + erff(x * 0.70710678f));
    case ACTIVATION_GELU_TANH:
        return 0.5f * x * (1.0f + tanhf(0.797884560802865f * (x + 0.044715f * x * x * x)));
    case ACTIVATION_SWISH:
        return x / (1.0f + expf(-x));
    case ACTIVATION_HARDSWISH:
        y = x / 6.0f + 0.5f;
        return x * (y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y);
    case ACTIVATION_HARDSIGMOID:
        y = a * x + b;
        return y < 0.0f ? 0.0f : y > 1.0f ? 1.0f : y;
    }
    return x;
}

// Each launches one kernel; errors are found by whoever calls.
void cuda_map(const struct job *job, cudaStream_t stream);
void cuda_gather(const struct job *job, cudaStream_t stream);
void cuda_pad(const struct job *job, cudaStream_t stream);
void cuda_resize(const struct job *job, cudaStream_t stream);
void cuda_pool(const struct job *job, cudaStream_t stream);
void cuda_conv(const struct job *job, cudaStream_t stream);
void cuda_product(const struct job *job, cudaStream_t stream);
void cuda_reduce(const struct job *job, cudaStream_t stream);
void cuda_softmax(const struct job *job, cudaStream_t stream);
void cuda_norm(const struct job *job, cudaStream_t stream);

static inline unsigned cuda_blocks(int count)
{
    return ((unsigned)count + CUDA_BLOCK - 1) / CUDA_BLOCK;
}
