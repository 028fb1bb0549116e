// What the CUDA backend wants of a GPU: memory, jobs, and a run of jobs that is recorded once and
// replayed. One table, in the library that kernels/cuda_library.h finds at run time; tests have a
// twin of that library that runs on the processor.
//
// Fallible members return false or NULL, with the reason in error().
//
// Thread-safety: independent devices; one thread at a time each.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "engine/nn/cuda_job.h"

#ifdef __cplusplus
extern "C" {
#endif

struct nn_cuda_device; // one plan's stream, libraries and recording
struct CUstream_st;

// cudaStreamPerThread: the default stream of whichever thread calls.
#define NN_CUDA_PER_THREAD ((struct CUstream_st *)2)

struct nn_cuda {
    // half: matrix units multiply in half precision. stream NULL: one of its own.
    struct nn_cuda_device *(*open)(bool half, struct CUstream_st *stream);
    void (*close)(struct nn_cuda_device *device);
    // "CUDA on NVIDIA H200, cuDNN 9.19, cuBLASLt 13.0"; lives as long as the device.
    const char *(*describe)(const struct nn_cuda_device *device);
    // Of the calling thread's last failure.
    const char *(*error)(void);

    // Device memory, zeroed; NULL also for lack of it. give() accepts NULL.
    void *(*take)(size_t bytes);
    void (*give)(void *memory);
    // Host memory that copies run from and to while others compute.
    void *(*take_host)(size_t bytes);
    void (*give_host)(void *memory);
    // In order with the device's jobs; `device` memory and take_host()'s.
    bool (*upload)(struct nn_cuda_device *device, void *to, const void *from, size_t bytes);
    bool (*download)(struct nn_cuda_device *device, void *to, const void *from, size_t bytes);
    bool (*wait)(struct nn_cuda_device *device);
    // Orders the device's stream after all that is queued on NN_CUDA_PER_THREAD, and that one after
    // all that is queued on the device's.
    bool (*enter)(struct nn_cuda_device *device);
    bool (*leave)(struct nn_cuda_device *device);

    // Looks for the fastest way to do a JOB_CONV or JOB_PRODUCT that libraries have; sets plan and
    // workspace_bytes, or leaves the job to our own kernel. May run it a few times. Plans live as
    // long as the device.
    void (*prepare)(struct nn_cuda_device *device, struct job *job);
    // What does the job, for people; lives as long as the device.
    const char *(*way)(const struct job *job);
    bool (*launch)(struct nn_cuda_device *device, const struct job *job);

    // Between record() and recorded(), jobs and copies are noted and not run; replay() queues them
    // all: on the device's stream, or `here` on NN_CUDA_PER_THREAD.
    bool (*record)(struct nn_cuda_device *device);
    bool (*recorded)(struct nn_cuda_device *device);
    bool (*replay)(struct nn_cuda_device *device, bool here);
};

// The library's symbol for this table.
const struct nn_cuda *deep3d_nn_cuda(void);

#ifdef __cplusplus
}
#endif
