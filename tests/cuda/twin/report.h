// What a program has CUDA's twin copy between host and device, and allocate.
//
// With CUDA_TWIN_REPORT in the environment, a file of that name is written at the program's end:
// JSON with counts of copies, the largest of them in bytes, of allocations and imports, and of
// times that the host waited for a stream but the legacy one, or for all of them. Only what comes
// after the first CUDA_TWIN_REPORT_AFTER such times counts; default: all.
//
// Thread-safety: safe.
#pragma once
#include "cuda_runtime.h"

void cuda_twin_note_copy(enum cudaMemcpyKind kind, size_t bytes);
void cuda_twin_note_allocation(void);
// Returns how many there were, this one included.
long cuda_twin_note_wait(void);
