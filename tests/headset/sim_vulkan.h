// The application's Vulkan device, as XR_KHR_vulkan_enable2 hands it over, and the few functions
// used of it, all found through the application's own vkGetInstanceProcAddr.
//
// Thread-safety: call with the runtime's lock held. The queue is touched only inside functions
// where the specification lets a runtime do so: xrBeginFrame, xrEndFrame, xrAcquireSwapchainImage,
// xrReleaseSwapchainImage.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <vulkan/vulkan.h>
#include <openxr/openxr.h>
#include <openxr/openxr_platform.h>

#define SIM_VK_INSTANCE_FUNCTIONS(F)                                                               \
    F(GetDeviceProcAddr)                                                                           \
    F(EnumeratePhysicalDevices)                                                                    \
    F(GetPhysicalDeviceProperties)                                                                 \
    F(GetPhysicalDeviceMemoryProperties)                                                           \
    F(GetPhysicalDeviceFormatProperties)                                                           \
    F(GetPhysicalDeviceImageFormatProperties)                                                      \
    F(GetPhysicalDeviceQueueFamilyProperties)                                                      \
    F(CreateDevice)

#define SIM_VK_DEVICE_FUNCTIONS(F)                                                                 \
    F(GetDeviceQueue)                                                                              \
    F(CreateImage)                                                                                 \
    F(DestroyImage)                                                                                \
    F(GetImageMemoryRequirements)                                                                  \
    F(BindImageMemory)                                                                             \
    F(CreateBuffer)                                                                                \
    F(DestroyBuffer)                                                                               \
    F(GetBufferMemoryRequirements)                                                                 \
    F(BindBufferMemory)                                                                            \
    F(AllocateMemory)                                                                              \
    F(FreeMemory)                                                                                  \
    F(MapMemory)                                                                                   \
    F(CreateCommandPool)                                                                           \
    F(DestroyCommandPool)                                                                          \
    F(ResetCommandPool)                                                                            \
    F(AllocateCommandBuffers)                                                                      \
    F(BeginCommandBuffer)                                                                          \
    F(EndCommandBuffer)                                                                            \
    F(CmdPipelineBarrier)                                                                          \
    F(CmdBlitImage)                                                                                \
    F(CmdCopyImageToBuffer)                                                                        \
    F(QueueSubmit)                                                                                 \
    F(CreateFence)                                                                                 \
    F(DestroyFence)                                                                                \
    F(ResetFences)                                                                                 \
    F(GetFenceStatus)                                                                              \
    F(WaitForFences)

struct sim_vulkan {
    PFN_vkGetInstanceProcAddr get_instance_proc;
    VkInstance instance;
    VkPhysicalDevice physical; // what xrGetVulkanGraphicsDevice2KHR gave
    VkDevice device;
    uint32_t family;
    VkQueue queue;
    VkPhysicalDeviceMemoryProperties memory;
    VkPhysicalDeviceLimits limits;
#define SIM_VK_MEMBER(name) PFN_vk##name name;
    SIM_VK_INSTANCE_FUNCTIONS(SIM_VK_MEMBER)
    SIM_VK_DEVICE_FUNCTIONS(SIM_VK_MEMBER)
#undef SIM_VK_MEMBER
};

// Checks the binding against what the extension's own functions made, and gets the queue. Logs and
// returns the specified error.
XrResult sim_vulkan_bind(struct sim_vulkan *vk, const XrGraphicsBindingVulkan2KHR *binding);

// Commands recorded once in a while: a pool, one command buffer and the fence of its last
// submission.
struct sim_commands {
    VkCommandPool pool;
    VkCommandBuffer buffer;
    VkFence fence;
    bool pending; // submitted and not yet seen finished
};

// False, logged, where the device refuses.
bool sim_commands_create(struct sim_vulkan *vk, struct sim_commands *c);
// Waits for a pending submission. Accepts a half-made one.
void sim_commands_destroy(struct sim_vulkan *vk, struct sim_commands *c);
// Not while pending.
bool sim_commands_begin(struct sim_vulkan *vk, struct sim_commands *c);
bool sim_commands_submit(struct sim_vulkan *vk, struct sim_commands *c);
// Whether the last submission has finished, or there was none. timeout_ns 0: only looks.
bool sim_commands_finished(struct sim_vulkan *vk, struct sim_commands *c, int64_t timeout_ns);
// Waits some seconds for a submission, without a word about it in `c`: any thread may. False: it
// did not finish.
bool sim_commands_wait(struct sim_vulkan *vk, const struct sim_commands *c);

// An image with memory of its own.
struct sim_image {
    VkImage image;
    VkDeviceMemory memory;
};

bool sim_image_create(struct sim_vulkan *vk, const VkImageCreateInfo *info, struct sim_image *out);
void sim_image_destroy(struct sim_vulkan *vk, struct sim_image *image);
// A whole colour image from one layout to another, for all that came before and comes after on the
// queue.
void sim_image_barrier(struct sim_vulkan *vk, VkCommandBuffer commands, VkImage image,
                       VkImageLayout from, VkImageLayout to);

// A buffer that the host reads: transfer destination, mapped, coherent.
struct sim_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    void *mapped;
    size_t size;
};

bool sim_buffer_create(struct sim_vulkan *vk, size_t size, struct sim_buffer *out);
void sim_buffer_destroy(struct sim_vulkan *vk, struct sim_buffer *buffer);
