#include "kernels/cuda_share.h"

#include <cstring>
#include <cuda_runtime.h>
#include <new>

struct cuda_memory {
    cudaExternalMemory_t external;
    size_t bytes;
    void *mapped;
};

struct cuda_semaphore {
    cudaExternalSemaphore_t external;
};

static thread_local cudaError_t last_error = cudaSuccess;

static bool done(cudaError_t result)
{
    if (result != cudaSuccess) {
        last_error = result;
        cudaGetLastError(); // it is told here; launches have failures of their own
    }
    return result == cudaSuccess;
}

static const char *error_text(void)
{
    return cudaGetErrorString(last_error);
}

static bool uuid(uint8_t out[CUDA_UUID_BYTES])
{
    cudaDeviceProp properties;
    int device;

    if (!done(cudaGetDevice(&device)) || !done(cudaGetDeviceProperties(&properties, device)))
        return false;
    memcpy(out, &properties.uuid, CUDA_UUID_BYTES);
    return true;
}

static void release_memory(struct cuda_memory *memory)
{
    if (!memory)
        return;
    if (memory->mapped)
        done(cudaFree(memory->mapped));
    done(cudaDestroyExternalMemory(memory->external));
    delete memory;
}

static struct cuda_memory *import_memory(struct cuda_handle handle, size_t bytes)
{
    struct cuda_memory *memory = new (std::nothrow) cuda_memory{NULL, bytes, NULL};
    cudaExternalMemoryHandleDesc desc = {};

    desc.size = bytes;
    desc.flags = cudaExternalMemoryDedicated;
    if (handle.kind == CUDA_HANDLE_FD) {
        desc.type = cudaExternalMemoryHandleTypeOpaqueFd;
        desc.handle.fd = handle.fd;
    } else {
        desc.type = cudaExternalMemoryHandleTypeOpaqueWin32;
        desc.handle.win32.handle = handle.win32;
    }
    if (memory && done(cudaImportExternalMemory(&memory->external, &desc)))
        return memory;
    delete memory;
    return NULL;
}

static void *map(struct cuda_memory *memory)
{
    cudaExternalMemoryBufferDesc whole = {};

    whole.size = memory->bytes;
    if (!memory->mapped &&
        !done(cudaExternalMemoryGetMappedBuffer(&memory->mapped, memory->external, &whole)))
        memory->mapped = NULL;
    return memory->mapped;
}

static void release_semaphore(struct cuda_semaphore *semaphore)
{
    if (!semaphore)
        return;
    done(cudaDestroyExternalSemaphore(semaphore->external));
    delete semaphore;
}

static struct cuda_semaphore *import_semaphore(struct cuda_handle handle)
{
    struct cuda_semaphore *semaphore = new (std::nothrow) cuda_semaphore{};
    cudaExternalSemaphoreHandleDesc desc = {};

    if (handle.kind == CUDA_HANDLE_FD) {
        desc.type = cudaExternalSemaphoreHandleTypeTimelineSemaphoreFd;
        desc.handle.fd = handle.fd;
    } else {
        desc.type = cudaExternalSemaphoreHandleTypeTimelineSemaphoreWin32;
        desc.handle.win32.handle = handle.win32;
    }
    if (semaphore && done(cudaImportExternalSemaphore(&semaphore->external, &desc)))
        return semaphore;
    delete semaphore;
    return NULL;
}

static bool queue_signal(struct cuda_semaphore *semaphore, uint64_t value)
{
    cudaExternalSemaphoreSignalParams params = {};

    params.params.fence.value = value;
    return done(
        cudaSignalExternalSemaphoresAsync(&semaphore->external, &params, 1, cudaStreamPerThread));
}

static bool queue_wait(struct cuda_semaphore *semaphore, uint64_t value)
{
    cudaExternalSemaphoreWaitParams params = {};

    params.params.fence.value = value;
    return done(
        cudaWaitExternalSemaphoresAsync(&semaphore->external, &params, 1, cudaStreamPerThread));
}

static bool finish(void)
{
    return done(cudaStreamSynchronize(cudaStreamPerThread));
}

static bool settle(void)
{
    return done(cudaDeviceSynchronize());
}

const struct cuda_share *deep3d_cuda_share(void)
{
    static const struct cuda_share table = {
        error_text,        uuid,         import_memory, map,    release_memory, import_semaphore,
        release_semaphore, queue_signal, queue_wait,    finish, settle,
    };

    return &table;
}
