// Memory and timeline semaphores that another API made on the same GPU (Vulkan, viewer/vk_cuda.h),
// as CUDA has them.
//
// A table in the CUDA library, found by kernels/cuda_library.h. What is imported belongs to the
// GPU that is current on the calling thread; work is queued on that thread's per-thread default
// stream (cudaStreamPerThread). Fallible members return false or NULL, with the reason in error().
//
// Thread-safety: safe on different objects.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUDA_UUID_BYTES 16

struct cuda_memory;
struct cuda_semaphore;

// What the other API exports: an opaque file descriptor on Linux, an opaque NT handle on Windows.
enum cuda_handle_kind { CUDA_HANDLE_FD, CUDA_HANDLE_WIN32 };

struct cuda_handle {
    enum cuda_handle_kind kind;
    int fd;
    void *win32;
};

struct cuda_share {
    // Of the calling thread's last failure; lives until its next one.
    const char *(*error)(void);
    // Which GPU is current on the calling thread.
    bool (*uuid)(uint8_t out[CUDA_UUID_BYTES]);

    // bytes: of the whole allocation, which was made for one buffer (dedicated). A descriptor that
    // was imported is CUDA's, else it stays the caller's; an NT handle always does.
    struct cuda_memory *(*import_memory)(struct cuda_handle handle, size_t bytes);
    // The device pointer to its first byte; lives as long as the import.
    void *(*map)(struct cuda_memory *memory);
    // Nothing uses it any more; the other API's object lives on. Accepts NULL.
    void (*release_memory)(struct cuda_memory *memory);

    // A timeline semaphore, which counts upwards. Handles as above.
    struct cuda_semaphore *(*import_semaphore)(struct cuda_handle handle);
    // As above. Accepts NULL.
    void (*release_semaphore)(struct cuda_semaphore *semaphore);
    // Queued: sets the semaphore to the value when all that was queued before is done.
    bool (*signal)(struct cuda_semaphore *semaphore, uint64_t value);
    // Queued: what is queued later waits until the semaphore has the value.
    bool (*wait)(struct cuda_semaphore *semaphore, uint64_t value);

    // The calling thread waits until all that it has queued is done.
    bool (*finish)(void);
    // The same for all work on the GPU, whoever queued it. False: the GPU has failed.
    bool (*settle)(void);
};

// The library's symbol for this table.
const struct cuda_share *deep3d_cuda_share(void);

#ifdef __cplusplus
}
#endif
