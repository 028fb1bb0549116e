// NVIDIA's libraries for convolutions and matrix products, found at run time: cuDNN 9 (backend
// graph API) and cuBLASLt. What they do not have, or are slower at, our own kernels do.
//
// Thread-safety: each belongs to one device.
#pragma once
#include <cuda_runtime.h>
#include <stddef.h>

#include "engine/nn/cuda_job.h"

struct cuda_libraries;

// Never NULL; both libraries may be missing.
struct cuda_libraries *cuda_libraries_open(bool half, cudaStream_t stream);
void cuda_libraries_close(struct cuda_libraries *libraries);
// ", cuDNN 9.19.0, cuBLASLt 13.0.2", or what is missing.
void cuda_libraries_describe(const struct cuda_libraries *libraries, char *text, size_t size);
// As nn_cuda.prepare(). Tensors have no memory yet.
void cuda_libraries_prepare(struct cuda_libraries *libraries, struct job *job);
// The name of what does a job with a plan; lives as long as the libraries.
const char *cuda_libraries_way(const struct job *job);
// Of a job with a plan. False: the library failed; its reason is in text.
bool cuda_libraries_launch(struct cuda_libraries *libraries, const struct job *job, char *text,
                           size_t size);
