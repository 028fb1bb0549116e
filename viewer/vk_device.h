// The Vulkan device that shows the frames: made by ourselves, or through an OpenXR runtime that
// insists on its own.
//
// Asks for Vulkan 1.2 with timeline semaphores, or 1.1 with VK_KHR_timeline_semaphore; works on
// lavapipe. Validation: DEEP3D_VK_VALIDATION=1 in the environment turns
// VK_LAYER_KHRONOS_validation on; each message is logged as an error and counted.
//
// Where nobody chooses the device, a discrete GPU is taken before an integrated one, a virtual one,
// and the processor.
//
// Thread-safety: the handles are read-only; a queue is used between vk_queue_lock() and
// vk_queue_unlock().
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

// Logs "call: VK_ERROR_... (file:line)" where the call failed; yields bool.
#define VK(call) vk_check((call), #call, __FILE__, __LINE__)
bool vk_check(VkResult result, const char *call, const char *file, int line);
const char *vk_result_name(VkResult result);

// Makes instance and device in the place of the Vulkan loader (XR_KHR_vulkan_enable2). Every member
// is needed. Each logs its own failure and yields bool.
struct vk_maker {
    void *user;
    bool (*create_instance)(void *user, const VkInstanceCreateInfo *info, VkInstance *out);
    bool (*choose_physical)(void *user, VkInstance instance, VkPhysicalDevice *out);
    bool (*create_device)(void *user, VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                          VkDevice *out);
};

struct vk_device_params {
    const struct vk_maker *maker;           // NULL: the Vulkan loader
    const char *const *instance_extensions; // what the window system needs; NULL: no window
    uint32_t instance_extension_count;
    bool swapchain; // enable VK_KHR_swapchain
    // Whether queues of this family can show pictures in the window. Optional: NULL means any can.
    bool (*can_present)(void *user, VkInstance instance, VkPhysicalDevice physical,
                        uint32_t family);
    void *can_present_user;
};

struct vk_queue {
    VkQueue handle;
    uint32_t family, index;
    pthread_mutex_t lock;
};

struct vk_device {
    VkInstance instance;
    VkPhysicalDevice physical;
    VkDevice device;
    VkPhysicalDeviceProperties properties;
    VkPhysicalDeviceMemoryProperties memory;
    // Both of one family with graphics and transfer. The same queue twice where the device has only
    // one (lavapipe).
    struct vk_queue *main_queue;   // uploads, and everything of OpenXR
    struct vk_queue *window_queue; // drawing and presenting of the window
    struct vk_queue queues[2];
    bool swapchain; // VK_KHR_swapchain is enabled, and the window can be drawn to as far as known
    // for sharing with another API on the same GPU (vk_export.h): which one it is, in every API;
    // what can be exported
    uint8_t uuid[VK_UUID_SIZE];
    bool exports_memory, exports_semaphores;
    // core or KHR: use vk_timeline_wait()
    PFN_vkWaitSemaphores wait_semaphores;
    PFN_vkSignalSemaphore signal_semaphore;
    PFN_vkGetSemaphoreCounterValue semaphore_value;
    VkDebugUtilsMessengerEXT messenger; // with validation only
};

// NULL, logged: no driver, no device that fits. A device that the maker chose and that cannot draw
// into windows is taken all the same, with a warning and swapchain false.
struct vk_device *vk_device_create(const struct vk_device_params *params);
// Everything made from it is gone. Accepts a pointer to NULL; sets it to NULL.
void vk_device_destroy(struct vk_device **device);

void vk_queue_lock(struct vk_queue *queue);
void vk_queue_unlock(struct vk_queue *queue);
// Memory type with these properties, else UINT32_MAX. bits: VkMemoryRequirements.memoryTypeBits.
uint32_t vk_memory_type(const struct vk_device *device, uint32_t bits,
                        VkMemoryPropertyFlags properties);
// A timeline semaphore that counts from 0; one that can be exported, where the device can. False,
// logged.
bool vk_timeline_create(const struct vk_device *device, VkSemaphore *out);
// Waits until the timeline semaphore has reached the value. False, logged: the device is lost, or
// five seconds have passed.
bool vk_timeline_wait(const struct vk_device *device, VkSemaphore semaphore, uint64_t value);
// Validation messages of this process so far.
int vk_validation_messages(void);
