// What a program has CUDA's twin copy between host and device, and allocate.
//
// With CUDA_TWIN_REPORT in the environment, a file of that name is written at the program's end:
// JSON with counts of copies, the largest of them in bytes, and of allocations and imports. Only
// what happens CUDA_TWIN_REPORT_FROM_MS after the start counts; default: all.
//
// Thread-safety: safe.
#pragma once
#include "cuda_runtime.h"

void cuda_twin_note_copy(enum cudaMemcpyKind kind, size_t bytes);
void cuda_twin_note_allocation(void);
