#include "kernels/cuda_decode.h"

#include <cuda_runtime.h>
#include <dlfcn.h>

typedef int get_current(void **context); // cuCtxGetCurrent: the runtime has nothing like it

static thread_local const char *last_error = "no error";

static bool done(cudaError_t result)
{
    if (result == cudaSuccess)
        return true;
    cudaGetLastError(); // it is told here; launches have failures of their own
    last_error = cudaGetErrorString(result);
    return false;
}

static const char *error(void)
{
    return last_error;
}

static void *context(void)
{
    void *driver = dlopen("libcuda.so.1", RTLD_NOW), *found = NULL;
    get_current *get = driver ? (get_current *)dlsym(driver, "cuCtxGetCurrent") : NULL;

    if (!done(cudaFree(NULL))) // makes it current
        return NULL;
    last_error = "the driver's library libcuda.so.1 is not found";
    return get && get(&found) == 0 ? found : NULL;
}

static void *stream_create(void)
{
    cudaStream_t stream = NULL;

    return done(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)) ? stream : NULL;
}

static void stream_destroy(void *stream)
{
    if (stream)
        done(cudaStreamDestroy((cudaStream_t)stream));
}

static bool stream_wait(void *stream)
{
    return done(cudaStreamSynchronize((cudaStream_t)stream));
}

const struct cuda_decode *deep3d_cuda_decode(void)
{
    static const struct cuda_decode table = {error, context, stream_create, stream_destroy,
                                             stream_wait};

    return &table;
}
