// A way to do a convolution or a product by one of NVIDIA's libraries. The libraries offer ways;
// cuda_libraries.cu measures them, compares their answer with our own kernel's, and keeps the best.
//
// Thread-safety: each belongs to one device.
#pragma once
#include <cuda_runtime.h>
#include <memory>
#include <vector>

#include "engine/nn/cuda_job.h"

struct cuda_way {
    char name[256] = ""; // of which the library can make the way again
    size_t workspace_bytes = 0;
    bool bare = false; // leaves bias, residual and activation to cuda_epilogue()

    virtual ~cuda_way()
    {
    }
    // False: the library failed.
    virtual bool run(const struct job *job, cudaStream_t stream) = 0;
};

using cuda_ways = std::vector<std::unique_ptr<cuda_way>>;

// Memory that a way may ask for.
#define CUDA_WORKSPACE_MAX ((size_t)64 << 20)

struct cuda_cudnn;
// NULL: not here; text says why. properties: of a GPU that is not here, as cuDNN writes them in
// JSON (CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION); ways can then be asked for and not be run. Else
// NULL.
struct cuda_cudnn *cuda_cudnn_open(cudaStream_t stream, const char *properties, char *text,
                                   size_t size);
void cuda_cudnn_close(struct cuda_cudnn *cudnn);
// The ways for a JOB_CONV, the library's favourites first; none where it cannot do it. name: only
// the way of that name; NULL: all.
cuda_ways cuda_cudnn_ways(struct cuda_cudnn *cudnn, const struct job *job, const char *name);

struct cuda_cublas;
struct cuda_cublas *cuda_cublas_open(char *text, size_t size);
void cuda_cublas_close(struct cuda_cublas *cublas);
// The same for a JOB_PRODUCT.
cuda_ways cuda_cublas_ways(struct cuda_cublas *cublas, const struct job *job, const char *name);

struct cuda_symbol {
    const char *name;
    void **out;
};
// Loads a library, found by its name or where the build found it, for good. False: it or one of the
// symbols is not there.
bool cuda_library_load(const char *name, const char *folder,
                       const std::vector<cuda_symbol> &symbols);

// t[0] = activation(t[0] + t[3] + t[4]); of a product beta * t[3].
void cuda_epilogue(const struct job *job, cudaStream_t stream);
