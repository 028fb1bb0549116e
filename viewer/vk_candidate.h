// A physical device that may become the one that shows the frames (vk_device.h): what it can do,
// and which of them is the best.
//
// Thread-safety: safe.
#pragma once
#include "viewer/vk_device.h"

struct vk_candidate {
    VkPhysicalDevice physical;
    VkPhysicalDeviceProperties properties;
    uint8_t uuid[VK_UUID_SIZE];
    uint32_t family, queue_count; // with graphics; presents in the window where any of them does
    bool timeline_is_core;        // else by its extension
    bool swapchain;               // asked for, and it can draw into the window
    bool exports_memory, exports_semaphores;
};

// NULL: the device fits (without a window where swapchain is false), else what it lacks. The
// properties are filled in either way.
const char *vk_candidate_examine(const struct vk_device_params *params, VkInstance instance,
                                 VkPhysicalDevice physical, struct vk_candidate *out);
// The best that fits, and draws into the window where that is asked for. False, logged: there is
// none.
bool vk_candidate_choose(const struct vk_device_params *params, VkInstance instance,
                         VkPhysicalDevice *out);
