// Device memory of CUDA's twin: nobody touches it but what runs on the device. To read or write it
// from elsewhere is a segmentation fault, as on a machine whose GPU has its own memory. Who writes
// behind a block is told when it is freed, and the program stopped.
//
// Thread-safety: safe. While one thread's work runs, another's touch goes unseen.
#pragma once
#include <stddef.h>

// 256-byte aligned, full of 0xA5; NULL: there is no more.
void *cuda_twin_take(size_t bytes);
// Accepts NULL.
void cuda_twin_give(void *memory);
// Whether a pointer is to such memory. With sanitizers: never.
bool cuda_twin_owns(const void *pointer);

// A kernel, a copy, or a row of them: as long as one lives, the memory is open.
struct cuda_twin_work {
    cuda_twin_work();
    ~cuda_twin_work();
};
