#include "viewer/vk_export.h"

#include <unistd.h>

#include "viewer/vk_device.h"

bool vk_exports_memory(VkPhysicalDevice physical)
{
    VkPhysicalDeviceExternalBufferInfo info = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_BUFFER_INFO,
        .usage = VK_BUFFER_USAGE_TRANSFER_SRC_BIT | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
        .handleType = VK_EXPORT_MEMORY_TYPE,
    };
    VkExternalBufferProperties properties = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_BUFFER_PROPERTIES,
    };

    vkGetPhysicalDeviceExternalBufferProperties(physical, &info, &properties);
    return properties.externalMemoryProperties.externalMemoryFeatures &
           VK_EXTERNAL_MEMORY_FEATURE_EXPORTABLE_BIT;
}

bool vk_exports_semaphores(VkPhysicalDevice physical)
{
    VkSemaphoreTypeCreateInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    VkPhysicalDeviceExternalSemaphoreInfo info = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_EXTERNAL_SEMAPHORE_INFO,
        .pNext = &timeline,
        .handleType = VK_EXPORT_SEMAPHORE_TYPE,
    };
    VkExternalSemaphoreProperties properties = {
        .sType = VK_STRUCTURE_TYPE_EXTERNAL_SEMAPHORE_PROPERTIES,
    };

    vkGetPhysicalDeviceExternalSemaphoreProperties(physical, &info, &properties);
    return properties.externalSemaphoreFeatures & VK_EXTERNAL_SEMAPHORE_FEATURE_EXPORTABLE_BIT;
}

bool vk_export_memory(const struct vk_device *device, VkDeviceMemory memory,
                      struct cuda_handle *out)
{
    PFN_vkGetMemoryFdKHR get =
        (PFN_vkGetMemoryFdKHR)vkGetDeviceProcAddr(device->device, "vkGetMemoryFdKHR");
    VkMemoryGetFdInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_GET_FD_INFO_KHR,
        .memory = memory,
        .handleType = VK_EXPORT_MEMORY_TYPE,
    };

    *out = (struct cuda_handle){.kind = CUDA_HANDLE_FD};
    return vk_check(get(device->device, &info, &out->fd), "vkGetMemoryFdKHR", __FILE__, __LINE__);
}

bool vk_export_semaphore(const struct vk_device *device, VkSemaphore semaphore,
                         struct cuda_handle *out)
{
    PFN_vkGetSemaphoreFdKHR get =
        (PFN_vkGetSemaphoreFdKHR)vkGetDeviceProcAddr(device->device, "vkGetSemaphoreFdKHR");
    VkSemaphoreGetFdInfoKHR info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_GET_FD_INFO_KHR,
        .semaphore = semaphore,
        .handleType = VK_EXPORT_SEMAPHORE_TYPE,
    };

    *out = (struct cuda_handle){.kind = CUDA_HANDLE_FD};
    return vk_check(get(device->device, &info, &out->fd), "vkGetSemaphoreFdKHR", __FILE__,
                    __LINE__);
}

void vk_export_close(const struct cuda_handle *handle)
{
    close(handle->fd);
}
