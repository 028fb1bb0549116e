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
#endif
