// Opaque handles to Vulkan's memory and timeline semaphores, by which another API on the same GPU
// opens them. Here they are file descriptors; another system has another file with these functions.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>
#include <vulkan/vulkan.h>

#include "kernels/cuda_share.h"

struct vk_device;

// The extensions to enable and the kinds of handle to create exportable objects for.
#define VK_EXPORT_MEMORY_EXTENSION VK_KHR_EXTERNAL_MEMORY_FD_EXTENSION_NAME
#define VK_EXPORT_SEMAPHORE_EXTENSION VK_KHR_EXTERNAL_SEMAPHORE_FD_EXTENSION_NAME
#define VK_EXPORT_MEMORY_TYPE VK_EXTERNAL_MEMORY_HANDLE_TYPE_OPAQUE_FD_BIT
#define VK_EXPORT_SEMAPHORE_TYPE VK_EXTERNAL_SEMAPHORE_HANDLE_TYPE_OPAQUE_FD_BIT

// Whether the driver exports memory of buffers that are copied from and to, and timeline
// semaphores; the extensions are there.
bool vk_exports_memory(VkPhysicalDevice physical);
bool vk_exports_semaphores(VkPhysicalDevice physical);

// Of an object that was created exportable; false, logged. The handle belongs to the caller, and
// goes to whoever imports it, else to vk_export_close().
bool vk_export_memory(const struct vk_device *device, VkDeviceMemory memory,
                      struct cuda_handle *out);
bool vk_export_semaphore(const struct vk_device *device, VkSemaphore semaphore,
                         struct cuda_handle *out);
void vk_export_close(const struct cuda_handle *handle);
