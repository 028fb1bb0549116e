// CUDA's twin: as much of CUDA's runtime as our kernels use, on the processor, so that every line
// of them is run and checked where there is no GPU. It is no model of a GPU's memory or speed.
//
// A launch runs its blocks one after another. By CUDA_LAUNCH_TOGETHER and CUDA_LAUNCH_SHARED the
// threads of a block are fibers, which go on until they wait for others (__syncthreads, shuffles);
// the first goes first in one block and last in the next, so that what is not waited for shows. A
// block whose threads wait for each other for ever stops the program and says so. Streams do
// everything at once; what is recorded as a graph is kept and done at each replay. Device memory
// faults when the host touches it (memory.h), but what is imported from Vulkan, the host's in truth.
//
// Thread-safety: calls from several threads are independent, as long as they share no stream.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUDART_VERSION 13000

typedef enum cudaError {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInsufficientDriver = 35,
    cudaErrorNoDevice = 100,
    cudaErrorLaunchFailure = 719,
    cudaErrorNotSupported = 801,
} cudaError_t;

enum cudaMemcpyKind {
    cudaMemcpyHostToDevice = 1,
    cudaMemcpyDeviceToHost,
    cudaMemcpyDeviceToDevice
};
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
enum { cudaStreamNonBlocking = 1 };
enum { cudaEventDisableTiming = 2 };

typedef struct {
    char bytes[16];
} cudaUUID_t;

enum cudaDeviceAttr {
    cudaDevAttrMultiProcessorCount = 16,
    cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };

struct cudaDeviceProp {
    char name[256];
    cudaUUID_t uuid; // what CUDA_TWIN_UUID in the environment says, in hexadecimal digits; else 0
    int multiProcessorCount, major, minor;
};

typedef struct CUstream_st *cudaStream_t;
typedef struct CUevent_st *cudaEvent_t;
#define cudaStreamPerThread ((cudaStream_t)2)
typedef struct cuda_twin_graph *cudaGraph_t, *cudaGraphExec_t;

cudaError_t cudaGetLastError(void);
const char *cudaGetErrorString(cudaError_t error);
cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaGetDevice(int *device);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device);
cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device);
cudaError_t cudaMalloc(void **memory, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMallocHost(void **memory, size_t bytes);
cudaError_t cudaFreeHost(void *memory);
cudaError_t cudaMemset(void *memory, int value, size_t bytes);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, enum cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemcpy2DAsync(void *to, size_t to_stride, const void *from, size_t from_stride,
                              size_t row_bytes, size_t rows, enum cudaMemcpyKind kind,
                              cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaEventCreate(cudaEvent_t *event);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventSynchronize(cudaEvent_t event);
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t from, cudaEvent_t to);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, enum cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *replay, cudaGraph_t graph,
                                 unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t replay, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t replay);

#include "cuda_external.h"

#ifdef __cplusplus
}

#include <cmath>
#include <cstring>
#include <functional>
#include <tuple>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __launch_bounds__(...)
#define __shared__ static thread_local
#define CUDA_LAUNCH(kernel, grid, block, stream, ...)                                              \
    cuda_twin_launch(kernel, dim3(grid), dim3(block), CUDA_TWIN_ALONE, stream, __VA_ARGS__)
#define CUDA_LAUNCH_TOGETHER(kernel, grid, block, stream, ...)                                     \
    cuda_twin_launch(kernel, dim3(grid), dim3(block), 0, stream, __VA_ARGS__)
#define CUDA_LAUNCH_SHARED(kernel, grid, block, bytes, stream, ...)                                \
    cuda_twin_launch(kernel, dim3(grid), dim3(block), (long)(bytes), stream, __VA_ARGS__)
#define CUDA_SHARED(name) float *name = (float *)cuda_twin_shared()

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned width = 1, unsigned height = 1, unsigned depth = 1)
        : x(width), y(height), z(depth)
    {
    }
};

struct uchar4 {
    uint8_t x, y, z, w;
};
struct uint2 {
    unsigned x, y;
};
struct uint4 {
    unsigned x, y, z, w;
};
struct int4 {
    int x, y, z, w;
};
struct float2 {
    float x, y;
};
struct float3 {
    float x, y, z;
};
struct float4 {
    float x, y, z, w;
};

static inline uchar4 make_uchar4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return {(uint8_t)x, (uint8_t)y, (uint8_t)z, (uint8_t)w};
}

static inline uint2 make_uint2(unsigned x, unsigned y)
{
    return {x, y};
}

static inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return {x, y, z, w};
}

static inline int4 make_int4(int x, int y, int z, int w)
{
    return {x, y, z, w};
}

static inline float2 make_float2(float x, float y)
{
    return {x, y};
}

static inline float4 make_float4(float x, float y, float z, float w)
{
    return {x, y, z, w};
}

extern thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;

// Fibers meet here.
void __syncthreads(void);
void __syncwarp(unsigned mask = 0xffffffffu);
float __shfl_xor_sync(unsigned mask, float value, int lane_mask);
float __shfl_up_sync(unsigned mask, float value, unsigned delta);
float __shfl_sync(unsigned mask, float value, int lane);
int __shfl_xor_sync(unsigned mask, int value, int lane_mask);
int __shfl_up_sync(unsigned mask, int value, unsigned delta);
int __shfl_down_sync(unsigned mask, int value, unsigned delta);
int __shfl_sync(unsigned mask, int value, int lane);
unsigned __ballot_sync(unsigned mask, int predicate);

// Blocks run one after another, and threads change places only where they wait.
template <class T> static inline T atomicAdd(T *at, T value)
{
    T before = *at;

    *at = before + value;
    return before;
}

template <class T> static inline T atomicMax(T *at, T value)
{
    T before = *at;

    *at = value > before ? value : before;
    return before;
}

static inline int min(int a, int b)
{
    return a < b ? a : b;
}

static inline int max(int a, int b)
{
    return a > b ? a : b;
}

static inline unsigned umin(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static inline float __fmaf_rn(float a, float b, float c)
{
    return fmaf(a, b, c);
}

static inline int __popc(unsigned v)
{
    return __builtin_popcount(v);
}

static inline int __ffs(int v)
{
    return __builtin_ffs(v);
}

static inline int __clz(int v)
{
    return v ? __builtin_clz((unsigned)v) : 32;
}

static inline float __uint_as_float(unsigned bits)
{
    float v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}

static inline int __float_as_int(float v)
{
    int bits;

    memcpy(&bits, &v, sizeof(bits));
    return bits;
}

// Rounded down.
static inline float __fadd_rd(float a, float b)
{
    double sum = (double)a + b;
    float near = (float)sum;

    return near > sum ? nextafterf(near, -INFINITY) : near;
}

static inline float __saturatef(float v)
{
    v = v > 0.0f ? v : 0.0f; // also for NaN
    return v < 1.0f ? v : 1.0f;
}

// Byte k of the result: that of b:a which bits 4k..4k+2 of the selector name.
static inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector)
{
    uint64_t both = (uint64_t)b << 32 | a;
    unsigned out = 0;

    for (int k = 0; k < 4; k++)
        out |= (unsigned)(both >> (selector >> 4 * k & 7) * 8 & 255) << 8 * k;
    return out;
}

// What CUDA_LAUNCH_SHARED asked for, 16-byte aligned; the same for all threads of a block.
void *cuda_twin_shared(void);

// Runs body for every thread, at once or when the stream's recording is replayed. shared: its
// bytes; CUDA_TWIN_ALONE: threads that never wait for each other.
#define CUDA_TWIN_ALONE (-1L)
void cuda_twin_run(dim3 grid, dim3 block, long shared, cudaStream_t stream,
                   std::function<void()> body);

template <class... P>
static inline cudaError_t cudaFuncSetAttribute(void (*kernel)(P...),
                                               enum cudaFuncAttribute attribute, int value)
{
    return cudaSuccess;
}

template <class... P, class... A>
static inline void cuda_twin_launch(void (*kernel)(P...), dim3 grid, dim3 block, long shared,
                                    cudaStream_t stream, A... arguments)
{
    std::tuple<std::decay_t<P>...> copies(arguments...);

    cuda_twin_run(grid, block, shared, stream, [kernel, copies] { std::apply(kernel, copies); });
}
#endif
