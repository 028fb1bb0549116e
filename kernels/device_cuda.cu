// struct device on CUDA's runtime.
#include <cstdio>
#include <cstring>

#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

static thread_local cudaError_t last_error = cudaSuccess;
static thread_local bool failed; // and not told yet

// Keeps what is to be told later.
static bool keep(cudaError_t result)
{
    if (result == cudaSuccess)
        return true;
    cudaGetLastError(); // else the next launch reports it again
    last_error = result;
    failed = true;
    return false;
}

bool kernels_cuda_launched(void)
{
    return keep(cudaGetLastError());
}

static const char *error(void)
{
    return cudaGetErrorString(last_error);
}

static bool enter(int index)
{
    return keep(cudaSetDevice(index));
}

// What memory there is is no failure of what was queued.
static void *taken(cudaError_t result, void *memory)
{
    if (result == cudaSuccess)
        return memory;
    cudaGetLastError();
    last_error = result;
    return NULL;
}

static void *take(size_t bytes)
{
    void *memory = NULL;
    cudaError_t result = cudaMalloc(&memory, bytes ? bytes : 1);

    return taken(result, memory);
}

static void give(void *memory)
{
    keep(cudaFree(memory));
}

static void *take_host(size_t bytes)
{
    void *memory = NULL;
    cudaError_t result = cudaMallocHost(&memory, bytes ? bytes : 1);

    return taken(result, memory);
}

static void give_host(void *memory)
{
    keep(cudaFreeHost(memory));
}

static void upload(void *to, const void *from, size_t bytes)
{
    keep(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, cudaStreamPerThread));
}

static void download(void *to, const void *from, size_t bytes)
{
    keep(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, cudaStreamPerThread));
}

static void upload_rows(void *to, size_t to_stride, const void *from, size_t from_stride,
                        size_t row_bytes, int rows)
{
    keep(cudaMemcpy2DAsync(to, to_stride, from, from_stride, row_bytes, rows,
                           cudaMemcpyHostToDevice, cudaStreamPerThread));
}

static void download_rows(void *to, size_t to_stride, const void *from, size_t from_stride,
                          size_t row_bytes, int rows)
{
    keep(cudaMemcpy2DAsync(to, to_stride, from, from_stride, row_bytes, rows,
                           cudaMemcpyDeviceToHost, cudaStreamPerThread));
}

static void copy(void *to, const void *from, size_t bytes)
{
    keep(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, cudaStreamPerThread));
}

static void clear(void *to, size_t bytes)
{
    keep(cudaMemsetAsync(to, 0, bytes, cudaStreamPerThread));
}

static bool check(void)
{
    bool ok = !failed;

    failed = false;
    return ok;
}

static bool wait(void)
{
    keep(cudaStreamSynchronize(cudaStreamPerThread));
    return check();
}

static bool wait_for(const struct device_stamp *s)
{
    if (s->event)
        keep(cudaEventSynchronize((cudaEvent_t)s->event));
    return check();
}

static void stamp(struct device_stamp *s)
{
    if (!s->event && !keep(cudaEventCreate((cudaEvent_t *)&s->event)))
        return;
    keep(cudaEventRecord((cudaEvent_t)s->event, cudaStreamPerThread));
}

static int64_t between_ns(const struct device_stamp *from, const struct device_stamp *to)
{
    float ms = 0;

    keep(cudaEventElapsedTime(&ms, (cudaEvent_t)from->event, (cudaEvent_t)to->event));
    return (int64_t)((double)ms * 1e6);
}

static void stamp_finish(struct device_stamp *s)
{
    if (s->event)
        keep(cudaEventDestroy((cudaEvent_t)s->event));
    s->event = NULL;
}

extern "C" const struct device kernels_cuda_device = {
    true,     enter,       take,          give,       take_host,    give_host, upload,
    download, upload_rows, download_rows, copy,       clear,        wait,      wait_for,
    check,    error,       stamp,         between_ns, stamp_finish,
};
