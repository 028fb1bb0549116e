#include "cuda_external.h"

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

// How the file begins in which Mesa keeps what it exports (its os_memory_fd.c): how long it is, and
// where the memory begins.
struct mesa_header {
    size_t file_bytes, offset;
};

struct cuda_twin_external {
    uint8_t *file;
    size_t file_bytes, offset, bytes;
};

static std::atomic<enum cuda_twin_fault> fault{CUDA_TWIN_WELL};
static std::mutex lock;
static std::set<void *> mapped; // guarded by lock

void cuda_twin_be(enum cuda_twin_fault now)
{
    fault = now;
}

// CUDA_TWIN_DIES_AT=N in the environment: the N-th wait finds it dead.
cudaError_t cuda_twin_health(void)
{
    static const char *at = getenv("CUDA_TWIN_DIES_AT");

    if (cuda_twin_note_wait() == (at ? atol(at) : 0))
        fault = CUDA_TWIN_DEAD;
    return fault == CUDA_TWIN_DEAD ? cudaErrorLaunchFailure : cudaSuccess;
}

cudaError_t cudaImportExternalMemory(cudaExternalMemory_t *memory,
                                     const struct cudaExternalMemoryHandleDesc *desc)
{
    struct stat about;
    void *file;
    mesa_header header;

    cuda_twin_note_allocation();
    if (desc->type != cudaExternalMemoryHandleTypeOpaqueFd)
        return cudaErrorNotSupported;
    if (fstat(desc->handle.fd, &about) != 0 || (size_t)about.st_size < sizeof(header))
        return cudaErrorInvalidValue;
    file =
        mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, desc->handle.fd, 0);
    if (file == MAP_FAILED)
        return cudaErrorInvalidValue;
    header = *(const mesa_header *)file;
    if (header.file_bytes != (size_t)about.st_size || header.offset > header.file_bytes ||
        header.file_bytes - header.offset < desc->size) {
        munmap(file, (size_t)about.st_size);
        return cudaErrorInvalidValue;
    }
    close(desc->handle.fd);
    *memory = new cuda_twin_external{(uint8_t *)file, header.file_bytes, header.offset, desc->size};
    return cudaSuccess;
}

cudaError_t cudaExternalMemoryGetMappedBuffer(void **pointer, cudaExternalMemory_t memory,
                                              const struct cudaExternalMemoryBufferDesc *desc)
{
    std::lock_guard<std::mutex> guard(lock);

    if (desc->offset > memory->bytes || desc->size > memory->bytes - desc->offset)
        return cudaErrorInvalidValue;
    *pointer = memory->file + memory->offset + desc->offset;
    mapped.insert(*pointer);
    return cudaSuccess;
}

bool cuda_twin_unmap(void *memory)
{
    std::lock_guard<std::mutex> guard(lock);

    return mapped.erase(memory) > 0;
}

cudaError_t cudaDestroyExternalMemory(cudaExternalMemory_t memory)
{
    munmap(memory->file, memory->file_bytes);
    delete memory;
    return cudaSuccess;
}

cudaError_t cudaImportExternalSemaphore(cudaExternalSemaphore_t *semaphore,
                                        const struct cudaExternalSemaphoreHandleDesc *desc)
{
    if (desc->type != cudaExternalSemaphoreHandleTypeTimelineSemaphoreFd ||
        read(desc->handle.fd, semaphore, sizeof(*semaphore)) != sizeof(*semaphore))
        return cudaErrorNotSupported;
    close(desc->handle.fd);
    return cudaSuccess;
}

cudaError_t cudaDestroyExternalSemaphore(cudaExternalSemaphore_t semaphore)
{
    return cudaSuccess;
}

cudaError_t
cudaSignalExternalSemaphoresAsync(const cudaExternalSemaphore_t *semaphores,
                                  const struct cudaExternalSemaphoreSignalParams *params,
                                  unsigned count, cudaStream_t stream)
{
    if (fault == CUDA_TWIN_WITHOUT_SEMAPHORES)
        return cudaErrorNotSupported;
    for (unsigned i = 0; i < count && fault != CUDA_TWIN_DEAD; i++)
        semaphores[i]->signal(semaphores[i]->user, params[i].params.fence.value);
    return cudaSuccess;
}

cudaError_t cudaWaitExternalSemaphoresAsync(const cudaExternalSemaphore_t *semaphores,
                                            const struct cudaExternalSemaphoreWaitParams *params,
                                            unsigned count, cudaStream_t stream)
{
    if (fault == CUDA_TWIN_WITHOUT_SEMAPHORES)
        return cudaErrorNotSupported;
    for (unsigned i = 0; i < count && fault != CUDA_TWIN_DEAD; i++)
        semaphores[i]->wait(semaphores[i]->user, params[i].params.fence.value);
    return cudaSuccess;
}
