// CUDA's twin: as much of CUDA's runtime as our kernels use, on the processor, so that every line
// of them is run and checked where there is no GPU. It is no model of a GPU's memory or speed.
//
// A launch runs its blocks one after another. By CUDA_LAUNCH_TOGETHER the threads of a block are
// fibers, which go on until they wait for others (__syncthreads, shuffles); a block whose threads
// wait for each other for ever stops the program and says so. Streams do everything at once; what
// is recorded as a graph is kept and done at each replay. Device memory is the heap's, filled with
// 0xA5, so that sanitizers watch it.
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
    cuda_twin_launch(kernel, dim3(grid), dim3(block), false, stream, __VA_ARGS__)
#define CUDA_LAUNCH_TOGETHER(kernel, grid, block, stream, ...)                                     \
    cuda_twin_launch(kernel, dim3(grid), dim3(block), true, stream, __VA_ARGS__)

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

static inline int __ffs(int v)
{
    return __builtin_ffs(v);
}

// Runs body for every thread, at once or when the stream's recording is replayed.
void cuda_twin_run(dim3 grid, dim3 block, bool together, cudaStream_t stream,
                   std::function<void()> body);

template <class... P, class... A>
static inline void cuda_twin_launch(void (*kernel)(P...), dim3 grid, dim3 block, bool together,
                                    cudaStream_t stream, A... arguments)
{
    std::tuple<std::decay_t<P>...> copies(arguments...);

    cuda_twin_run(grid, block, together, stream, [kernel, copies] { std::apply(kernel, copies); });
}
#endif
