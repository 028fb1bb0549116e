// The table of nn_cuda.h on CUDA's runtime.
#include <cstdio>
#include <cstring>

#include "engine/nn/cuda_element.h"
#include "engine/nn/cuda_libraries.h"
#include "engine/nn/nn_cuda.h"

struct nn_cuda_device {
    cudaStream_t stream;
    bool own_stream;
    cudaEvent_t order; // of enter() and leave()
    cudaGraph_t graph;
    cudaGraphExec_t replay;
    struct cuda_libraries *libraries;
    char text[192];
};

static thread_local char last_error[256];

// Remembers what failed.
static bool succeeded(cudaError_t result, const char *what)
{
    if (result == cudaSuccess)
        return true;
    cudaGetLastError(); // else the next launch reports it again
    snprintf(last_error, sizeof(last_error), "%s: %s (error %d)", what, cudaGetErrorString(result),
             (int)result);
    return false;
}

static const char *error(void)
{
    return last_error;
}

static void forget_recording(struct nn_cuda_device *d)
{
    if (d->replay)
        cudaGraphExecDestroy(d->replay);
    if (d->graph)
        cudaGraphDestroy(d->graph);
    d->replay = NULL;
    d->graph = NULL;
}

static void close(struct nn_cuda_device *d)
{
    if (d->stream)
        cudaStreamSynchronize(d->stream);
    forget_recording(d);
    if (d->libraries)
        cuda_libraries_close(d->libraries);
    if (d->order)
        cudaEventDestroy(d->order);
    if (d->own_stream && d->stream)
        cudaStreamDestroy(d->stream);
    delete d;
}

static void set_text(struct nn_cuda_device *d)
{
    struct cudaDeviceProp properties;
    int device = 0, used;

    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaGetDeviceProperties(&properties, device) != cudaSuccess)
        properties.name[0] = '\0';
    used = snprintf(d->text, sizeof(d->text), "CUDA on %.80s", properties.name);
    cuda_libraries_describe(d->libraries, d->text + used, sizeof(d->text) - (size_t)used);
}

static struct nn_cuda_device *open(bool half, struct CUstream_st *stream)
{
    struct nn_cuda_device *d = new nn_cuda_device();

    d->stream = stream;
    d->own_stream = !stream;
    if (!stream && !succeeded(cudaStreamCreateWithFlags(&d->stream, cudaStreamNonBlocking),
                              "cudaStreamCreate")) {
        close(d);
        return NULL;
    }
    if (!succeeded(cudaEventCreateWithFlags(&d->order, cudaEventDisableTiming),
                   "cudaEventCreate")) {
        close(d);
        return NULL;
    }
    d->libraries = cuda_libraries_open(half, d->stream);
    set_text(d);
    return d;
}

static const char *describe(const struct nn_cuda_device *d)
{
    return d->text;
}

static void give(void *memory)
{
    cudaFree(memory);
}

static void *take(size_t bytes)
{
    void *memory = NULL;

    if (!succeeded(cudaMalloc(&memory, bytes ? bytes : 1), "cudaMalloc"))
        return NULL;
    // cudaMemset() may return before it is done, and is in no order with the device's own stream,
    // on which weights are uploaded
    if (succeeded(cudaMemset(memory, 0, bytes), "cudaMemset") &&
        succeeded(cudaStreamSynchronize(NULL), "cudaMemset"))
        return memory;
    give(memory);
    return NULL;
}

static void *take_host(size_t bytes)
{
    void *memory = NULL;

    if (!succeeded(cudaMallocHost(&memory, bytes ? bytes : 1), "cudaMallocHost"))
        return NULL;
    memset(memory, 0, bytes);
    return memory;
}

static void give_host(void *memory)
{
    cudaFreeHost(memory);
}

static bool upload(struct nn_cuda_device *d, void *to, const void *from, size_t bytes)
{
    return succeeded(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, d->stream),
                     "copy to the GPU");
}

static bool download(struct nn_cuda_device *d, void *to, const void *from, size_t bytes)
{
    return succeeded(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, d->stream),
                     "copy from the GPU");
}

static bool wait(struct nn_cuda_device *d)
{
    return succeeded(cudaStreamSynchronize(d->stream), "waiting for the GPU");
}

static bool order(struct nn_cuda_device *d, cudaStream_t first, cudaStream_t second)
{
    return succeeded(cudaEventRecord(d->order, first), "cudaEventRecord") &&
           succeeded(cudaStreamWaitEvent(second, d->order, 0), "cudaStreamWaitEvent");
}

static bool enter(struct nn_cuda_device *d)
{
    return order(d, NN_CUDA_PER_THREAD, d->stream);
}

static bool leave(struct nn_cuda_device *d)
{
    return order(d, d->stream, NN_CUDA_PER_THREAD);
}

static void prepare(struct nn_cuda_device *d, struct job *job)
{
    cuda_libraries_prepare(d->libraries, job);
}

static const char *way(const struct job *job)
{
    return job->plan ? cuda_libraries_way(job) : "own";
}

static bool launch(struct nn_cuda_device *d, const struct job *job)
{
    static const struct {
        const char *name;
        void (*launch)(const struct job *, cudaStream_t);
    } kernels[] = {
        {"map", cuda_map},         {"gather", cuda_gather}, {"pad", cuda_pad},
        {"resize", cuda_resize},   {"pool", cuda_pool},     {"reduce", cuda_reduce},
        {"softmax", cuda_softmax}, {"norm", cuda_norm},     {"convolution", cuda_conv},
        {"product", cuda_product},
    };

    if (job->plan)
        return cuda_libraries_launch(d->libraries, job, last_error, sizeof(last_error));
    kernels[job->kind].launch(job, d->stream);
    return succeeded(cudaGetLastError(), kernels[job->kind].name);
}

static bool record(struct nn_cuda_device *d)
{
    forget_recording(d);
    return succeeded(cudaStreamBeginCapture(d->stream, cudaStreamCaptureModeThreadLocal),
                     "beginning a CUDA graph");
}

static bool recorded(struct nn_cuda_device *d)
{
    return succeeded(cudaStreamEndCapture(d->stream, &d->graph), "ending a CUDA graph") &&
           succeeded(cudaGraphInstantiate(&d->replay, d->graph, 0), "making a CUDA graph");
}

static bool replay(struct nn_cuda_device *d, bool here)
{
    return succeeded(cudaGraphLaunch(d->replay, here ? NN_CUDA_PER_THREAD : d->stream),
                     "running a CUDA graph");
}

const struct nn_cuda *deep3d_nn_cuda(void)
{
    static const struct nn_cuda table = {
        open, close, describe, error,   take, give,   take_host, give_host, upload, download,
        wait, enter, leave,    prepare, way,  launch, record,    recorded,  replay,
    };

    return &table;
}
