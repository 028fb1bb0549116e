// How .cu files launch: one spelling that nvcc and the tests' twin of CUDA (tests/cuda/twin) both
// understand.
//
// Thread-safety: as CUDA's launches.
#pragma once
#include <cuda_runtime.h>

#ifndef CUDA_LAUNCH
#define CUDA_LAUNCH(kernel, grid, block, stream, ...)                                              \
    kernel<<<grid, block, 0, stream>>>(__VA_ARGS__)
// The same for kernels whose threads wait for each other.
#define CUDA_LAUNCH_TOGETHER CUDA_LAUNCH
// The same, with `bytes` of memory that the block shares; the kernel finds it by CUDA_SHARED.
#define CUDA_LAUNCH_SHARED(kernel, grid, block, bytes, stream, ...)                                \
    kernel<<<grid, block, bytes, stream>>>(__VA_ARGS__)
// Declares `float *name`, aligned to 16 bytes.
#define CUDA_SHARED(name)                                                                          \
    extern __shared__ float4 cuda_shared_memory[];                                                 \
    float *name = (float *)cuda_shared_memory
#endif
