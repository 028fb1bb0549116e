// CUDA's external memory and semaphores, on the processor: what kernels/share_cuda.cu uses of them.
// Included by cuda_runtime.h.
//
// An opaque descriptor of lavapipe's memory is a file of shared memory, which is mapped: both see
// the same bytes. Lavapipe exports no semaphores; a test may play their part.
//
// Thread-safety: safe on different objects.
#pragma once
#include <stdbool.h>

#include "cuda_runtime.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a test gives CUDA in a semaphore's place: the pointer to it, written into the pipe whose
// descriptor is imported. The members are called when the stream comes to it.
struct cuda_twin_semaphore {
    void *user;
    void (*signal)(void *user, uint64_t value);
    void (*wait)(void *user, uint64_t value);
};

typedef struct cuda_twin_external *cudaExternalMemory_t;
typedef const struct cuda_twin_semaphore *cudaExternalSemaphore_t;

enum { cudaExternalMemoryDedicated = 1 };
enum cudaExternalMemoryHandleType {
    cudaExternalMemoryHandleTypeOpaqueFd = 1,
    cudaExternalMemoryHandleTypeOpaqueWin32
};
enum cudaExternalSemaphoreHandleType {
    cudaExternalSemaphoreHandleTypeTimelineSemaphoreFd = 9,
    cudaExternalSemaphoreHandleTypeTimelineSemaphoreWin32
};

struct cuda_twin_handle {
    int fd;
    struct {
        void *handle;
    } win32;
};

struct cudaExternalMemoryHandleDesc {
    enum cudaExternalMemoryHandleType type;
    struct cuda_twin_handle handle;
    unsigned long long size;
    unsigned flags;
};

struct cudaExternalMemoryBufferDesc {
    unsigned long long offset, size;
    unsigned flags;
};

struct cudaExternalSemaphoreHandleDesc {
    enum cudaExternalSemaphoreHandleType type;
    struct cuda_twin_handle handle;
    unsigned flags;
};

struct cuda_twin_value {
    struct {
        unsigned long long value;
    } fence;
};

struct cudaExternalSemaphoreSignalParams {
    struct cuda_twin_value params;
    unsigned flags;
};

struct cudaExternalSemaphoreWaitParams {
    struct cuda_twin_value params;
    unsigned flags;
};

cudaError_t cudaImportExternalMemory(cudaExternalMemory_t *memory,
                                     const struct cudaExternalMemoryHandleDesc *desc);
cudaError_t cudaExternalMemoryGetMappedBuffer(void **pointer, cudaExternalMemory_t memory,
                                              const struct cudaExternalMemoryBufferDesc *desc);
cudaError_t cudaDestroyExternalMemory(cudaExternalMemory_t memory);
cudaError_t cudaImportExternalSemaphore(cudaExternalSemaphore_t *semaphore,
                                        const struct cudaExternalSemaphoreHandleDesc *desc);
cudaError_t cudaDestroyExternalSemaphore(cudaExternalSemaphore_t semaphore);
cudaError_t
cudaSignalExternalSemaphoresAsync(const cudaExternalSemaphore_t *semaphores,
                                  const struct cudaExternalSemaphoreSignalParams *params,
                                  unsigned count, cudaStream_t stream);
cudaError_t cudaWaitExternalSemaphoresAsync(const cudaExternalSemaphore_t *semaphores,
                                            const struct cudaExternalSemaphoreWaitParams *params,
                                            unsigned count, cudaStream_t stream);
// What is wrong from now on. Dead: nothing that is queued is ever done, and who waits is told.
enum cuda_twin_fault { CUDA_TWIN_WELL, CUDA_TWIN_WITHOUT_SEMAPHORES, CUDA_TWIN_DEAD };
void cuda_twin_be(enum cuda_twin_fault fault);
// For cudaStreamSynchronize() and cudaDeviceSynchronize().
cudaError_t cuda_twin_health(void);
// For cudaFree(): whether it was a mapped buffer, which its external memory frees.
bool cuda_twin_unmap(void *memory);

#ifdef __cplusplus
}
#endif
