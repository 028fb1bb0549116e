// What Vulkan and CUDA share on one GPU: buffers that both work on, and the order between them.
//
// Vulkan allocates and exports a buffer's memory, CUDA maps it as a plain device pointer: no byte
// is copied. CUDA's work is that which the calling thread queues on its per-thread default stream.
// Two timeline semaphores order it: Vulkan's submits wait for what CUDA has written, and CUDA for
// what Vulkan has done; nobody waits on the host. Where semaphores cannot be shared, or fail, the
// calling thread waits in their place.
//
// Thread-safety: one thread at a time, with the converter's GPU current in CUDA, as it is on the
// thread that made the converter and on the one that converts.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "viewer/vk_device.h"

struct vk_cuda;
struct cuda_memory;

struct vk_cuda_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory; // device local, of this buffer alone
    struct cuda_memory *imported;
    uint8_t *pointer; // CUDA's
};

// done: the timeline semaphore that Vulkan's submits signal, of vk_timeline_create(); outlives it.
// NULL, logged in one line: no CUDA here, another GPU, or a driver that does not export memory.
struct vk_cuda *vk_cuda_create(struct vk_device *device, VkSemaphore done);
// Its buffers are gone. Accepts a pointer to NULL; sets it to NULL.
void vk_cuda_destroy(struct vk_cuda **cuda);
// Semaphores do the ordering.
bool vk_cuda_has_semaphores(const struct vk_cuda *cuda);

// Only for copies from it and to it. False, logged: no memory, or CUDA does not take it; nothing is
// left behind.
bool vk_cuda_buffer_create(struct vk_cuda *cuda, size_t bytes, struct vk_cuda_buffer *out);
// Neither API uses it any more. Accepts an all-zero one.
void vk_cuda_buffer_destroy(struct vk_cuda *cuda, struct vk_cuda_buffer *buffer);

// A command buffer's first and last word about a buffer: between them it is the queue family's, and
// copies may read and write it; else it is CUDA's.
void vk_cuda_begin(VkCommandBuffer commands, const struct vk_cuda_buffer *buffer, uint32_t family);
void vk_cuda_end(VkCommandBuffer commands, const struct vk_cuda_buffer *buffer, uint32_t family);

// All that was queued in CUDA so far is what Vulkan's next submit reads. value: counts upwards over
// all calls. *out_wait: the semaphore that has the value when it is done; VK_NULL_HANDLE: it is
// done. False, logged: the GPU has failed.
bool vk_cuda_written(struct vk_cuda *cuda, uint64_t value, VkSemaphore *out_wait);
// What is queued in CUDA from now on waits until `done` has the value. False, logged: the device is
// lost.
bool vk_cuda_wait(struct vk_cuda *cuda, uint64_t value);
// Waits until CUDA does nothing any more. Where it has failed, its last value is signalled in its
// place, so that Vulkan does not wait for ever.
void vk_cuda_settle(struct vk_cuda *cuda);
