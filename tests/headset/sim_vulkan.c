#include "tests/headset/sim_vulkan.h"

#include <stdio.h>

#include "base/mem.h"
#include "tests/headset/sim_check.h"
#include "tests/headset/sim_config.h"
#include "tests/headset/sim_instance.h"
#include "tests/headset/sim_report.h"

#define MIN_VERSION XR_MAKE_VERSION(1, 0, 0)
#define MAX_VERSION XR_MAKE_VERSION(1, 4, 0)

static bool ok(VkResult result, const char *what)
{
    if (result != VK_SUCCESS)
        fprintf(stderr, "sim_headset: %s failed: VkResult %d\n", what, (int)result);
    return result == VK_SUCCESS;
}

// The extension's functions

static XrResult requirements(struct sim_instance *i, XrSystemId system,
                             XrGraphicsRequirementsVulkan2KHR *out)
{
    SIM_TRY(sim_check_struct(out, XR_TYPE_GRAPHICS_REQUIREMENTS_VULKAN2_KHR,
                             "XrGraphicsRequirementsVulkan2KHR"));
    SIM_TRY(sim_instance_check_system(i, system));
    out->minApiVersionSupported = MIN_VERSION;
    out->maxApiVersionSupported = MAX_VERSION;
    i->requirements_asked = true;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetVulkanGraphicsRequirements2KHR(
    XrInstance instance, XrSystemId system, XrGraphicsRequirementsVulkan2KHR *out)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = requirements(i, system, out);
    return sim_leave(result);
}

static void load_instance(struct sim_vulkan *vk)
{
#define LOAD(name) vk->name = (PFN_vk##name)vk->get_instance_proc(vk->instance, "vk" #name);
    SIM_VK_INSTANCE_FUNCTIONS(LOAD)
#undef LOAD
}

static XrResult create_vk_instance(struct sim_instance *i,
                                   const XrVulkanInstanceCreateInfoKHR *info, VkInstance *out,
                                   VkResult *out_result)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_VULKAN_INSTANCE_CREATE_INFO_KHR,
                             "XrVulkanInstanceCreateInfoKHR"));
    SIM_TRY(sim_instance_check_system(i, info->systemId));
    if (!out || !out_result || !info->pfnGetInstanceProcAddr || !info->vulkanCreateInfo)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null",
                         "an argument or a member is NULL");
    if (info->createFlags)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "flags_zero", "createFlags must be 0");
    PFN_vkCreateInstance create =
        (PFN_vkCreateInstance)info->pfnGetInstanceProcAddr(VK_NULL_HANDLE, "vkCreateInstance");
    if (!create)
        return sim_wrong(XR_ERROR_RUNTIME_FAILURE, "vulkan_loader",
                         "vkCreateInstance is not found");
    *out_result = create(info->vulkanCreateInfo, info->vulkanAllocator, out);
    if (*out_result != VK_SUCCESS)
        return XR_SUCCESS;
    i->vulkan =
        (struct sim_vulkan){.get_instance_proc = info->pfnGetInstanceProcAddr, .instance = *out};
    load_instance(&i->vulkan);
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateVulkanInstanceKHR(XrInstance instance,
                                                         const XrVulkanInstanceCreateInfoKHR *info,
                                                         VkInstance *vk_instance,
                                                         VkResult *vk_result)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = create_vk_instance(i, info, vk_instance, vk_result);
    return sim_leave(result);
}

static XrResult choose_device(struct sim_instance *i, const XrVulkanGraphicsDeviceGetInfoKHR *info,
                              VkPhysicalDevice *out)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_VULKAN_GRAPHICS_DEVICE_GET_INFO_KHR,
                             "XrVulkanGraphicsDeviceGetInfoKHR"));
    SIM_TRY(sim_instance_check_system(i, info->systemId));
    struct sim_vulkan *vk = &i->vulkan;
    if (!out || info->vulkanInstance == VK_NULL_HANDLE)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null",
                         "an argument or a member is NULL");
    if (info->vulkanInstance != vk->instance)
        return sim_wrong(XR_ERROR_HANDLE_INVALID, "vulkan_instance",
                         "vulkanInstance was not made by xrCreateVulkanInstanceKHR");
    VkPhysicalDevice devices[16];
    uint32_t count = 16;
    VkResult result = vk->EnumeratePhysicalDevices(vk->instance, &count, devices);
    if ((result != VK_SUCCESS && result != VK_INCOMPLETE) || count == 0) {
        fprintf(stderr, "sim_headset: no Vulkan device is there\n");
        return XR_ERROR_RUNTIME_FAILURE;
    }
    uint32_t wanted = (uint32_t)sim_config()->gpu;
    vk->physical = devices[wanted < count ? wanted : 0];
    VkPhysicalDeviceProperties properties;
    vk->GetPhysicalDeviceProperties(vk->physical, &properties);
    vk->limits = properties.limits;
    vk->GetPhysicalDeviceMemoryProperties(vk->physical, &vk->memory);
    sim_report_gpu(properties.deviceName);
    *out = vk->physical;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetVulkanGraphicsDevice2KHR(
    XrInstance instance, const XrVulkanGraphicsDeviceGetInfoKHR *info, VkPhysicalDevice *device)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = choose_device(i, info, device);
    return sim_leave(result);
}

static XrResult create_vk_device(struct sim_instance *i, const XrVulkanDeviceCreateInfoKHR *info,
                                 VkDevice *out, VkResult *out_result)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_VULKAN_DEVICE_CREATE_INFO_KHR,
                             "XrVulkanDeviceCreateInfoKHR"));
    SIM_TRY(sim_instance_check_system(i, info->systemId));
    if (!out || !out_result || !info->pfnGetInstanceProcAddr || !info->vulkanCreateInfo)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null",
                         "an argument or a member is NULL");
    if (info->createFlags)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "flags_zero", "createFlags must be 0");
    if (!i->vulkan.physical || info->vulkanPhysicalDevice != i->vulkan.physical)
        return sim_wrong(XR_ERROR_HANDLE_INVALID, "vulkan_device",
                         "vulkanPhysicalDevice is not what xrGetVulkanGraphicsDevice2KHR gave");
    *out_result = i->vulkan.CreateDevice(i->vulkan.physical, info->vulkanCreateInfo,
                                         info->vulkanAllocator, out);
    if (*out_result == VK_SUCCESS)
        i->vulkan.device = *out;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateVulkanDeviceKHR(XrInstance instance,
                                                       const XrVulkanDeviceCreateInfoKHR *info,
                                                       VkDevice *device, VkResult *vk_result)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = create_vk_device(i, info, device, vk_result);
    return sim_leave(result);
}

XrResult sim_vulkan_bind(struct sim_vulkan *vk, const XrGraphicsBindingVulkan2KHR *binding)
{
    if (!vk->instance || binding->instance != vk->instance)
        return sim_wrong(XR_ERROR_GRAPHICS_DEVICE_INVALID, "graphics_binding",
                         "instance was not made by xrCreateVulkanInstanceKHR");
    if (!vk->physical || binding->physicalDevice != vk->physical)
        return sim_wrong(XR_ERROR_GRAPHICS_DEVICE_INVALID, "graphics_binding",
                         "physicalDevice is not what xrGetVulkanGraphicsDevice2KHR gave");
    if (!vk->device || binding->device != vk->device)
        return sim_wrong(XR_ERROR_GRAPHICS_DEVICE_INVALID, "graphics_binding",
                         "device was not made by xrCreateVulkanDeviceKHR");
    VkQueueFamilyProperties families[32];
    uint32_t count = 32;
    vk->GetPhysicalDeviceQueueFamilyProperties(vk->physical, &count, families);
    uint32_t family = binding->queueFamilyIndex;
    if (family >= count || binding->queueIndex >= families[family].queueCount ||
        !(families[family].queueFlags & VK_QUEUE_GRAPHICS_BIT))
        return sim_wrong(XR_ERROR_GRAPHICS_DEVICE_INVALID, "graphics_binding",
                         "queue %u of family %u cannot draw", binding->queueIndex, family);
#define LOAD(name)                                                                                 \
    vk->name = (PFN_vk##name)vk->GetDeviceProcAddr(vk->device, "vk" #name);                        \
    if (!vk->name)                                                                                 \
        return sim_wrong(XR_ERROR_RUNTIME_FAILURE, "vulkan_loader", "vk" #name " is not found");
    SIM_VK_DEVICE_FUNCTIONS(LOAD)
#undef LOAD
    vk->family = family;
    vk->GetDeviceQueue(vk->device, family, binding->queueIndex, &vk->queue);
    return XR_SUCCESS;
}

// Commands

bool sim_commands_create(struct sim_vulkan *vk, struct sim_commands *c)
{
    *c = (struct sim_commands){0};
    VkCommandPoolCreateInfo pool = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
                                    .queueFamilyIndex = vk->family};
    if (!ok(vk->CreateCommandPool(vk->device, &pool, NULL, &c->pool), "vkCreateCommandPool"))
        goto fail;
    VkCommandBufferAllocateInfo allocate = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                            .commandPool = c->pool,
                                            .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
                                            .commandBufferCount = 1};
    if (!ok(vk->AllocateCommandBuffers(vk->device, &allocate, &c->buffer),
            "vkAllocateCommandBuffers"))
        goto fail;
    VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    if (!ok(vk->CreateFence(vk->device, &fence, NULL, &c->fence), "vkCreateFence"))
        goto fail;
    return true;
fail:
    sim_commands_destroy(vk, c);
    return false;
}

void sim_commands_destroy(struct sim_vulkan *vk, struct sim_commands *c)
{
    if (c->pending)
        sim_commands_finished(vk, c, 2000000000);
    if (c->fence)
        vk->DestroyFence(vk->device, c->fence, NULL);
    if (c->pool)
        vk->DestroyCommandPool(vk->device, c->pool, NULL);
    *c = (struct sim_commands){0};
}

bool sim_commands_begin(struct sim_vulkan *vk, struct sim_commands *c)
{
    VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
                                      .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT};
    return ok(vk->ResetCommandPool(vk->device, c->pool, 0), "vkResetCommandPool") &&
           ok(vk->BeginCommandBuffer(c->buffer, &begin), "vkBeginCommandBuffer");
}

bool sim_commands_submit(struct sim_vulkan *vk, struct sim_commands *c)
{
    VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
                           .commandBufferCount = 1,
                           .pCommandBuffers = &c->buffer};
    if (!ok(vk->EndCommandBuffer(c->buffer), "vkEndCommandBuffer") ||
        !ok(vk->ResetFences(vk->device, 1, &c->fence), "vkResetFences") ||
        !ok(vk->QueueSubmit(vk->queue, 1, &submit, c->fence), "vkQueueSubmit"))
        return false;
    c->pending = true;
    return true;
}

bool sim_commands_finished(struct sim_vulkan *vk, struct sim_commands *c, int64_t timeout_ns)
{
    if (!c->pending)
        return true;
    VkResult result =
        timeout_ns > 0 ? vk->WaitForFences(vk->device, 1, &c->fence, VK_TRUE, (uint64_t)timeout_ns)
                       : vk->GetFenceStatus(vk->device, c->fence);
    if (result == VK_TIMEOUT || result == VK_NOT_READY)
        return false;
    c->pending = false; // also where the device is lost: nothing will ever finish then
    return true;
}

bool sim_commands_wait(struct sim_vulkan *vk, const struct sim_commands *c)
{
    return vk->WaitForFences(vk->device, 1, &c->fence, VK_TRUE, 5000000000) == VK_SUCCESS;
}

// Memory

static bool allocate(struct sim_vulkan *vk, VkMemoryRequirements need, VkMemoryPropertyFlags wanted,
                     VkDeviceMemory *out)
{
    for (uint32_t type = 0; type < vk->memory.memoryTypeCount; type++) {
        if (!(need.memoryTypeBits & 1u << type) ||
            (vk->memory.memoryTypes[type].propertyFlags & wanted) != wanted)
            continue;
        VkMemoryAllocateInfo info = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO,
                                     .allocationSize = need.size,
                                     .memoryTypeIndex = type};
        if (vk->AllocateMemory(vk->device, &info, NULL, out) == VK_SUCCESS)
            return true;
    }
    return false;
}

bool sim_image_create(struct sim_vulkan *vk, const VkImageCreateInfo *info, struct sim_image *out)
{
    *out = (struct sim_image){0};
    if (!ok(vk->CreateImage(vk->device, info, NULL, &out->image), "vkCreateImage"))
        return false;
    VkMemoryRequirements need;
    vk->GetImageMemoryRequirements(vk->device, out->image, &need);
    if (!allocate(vk, need, VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT, &out->memory) &&
        !allocate(vk, need, 0, &out->memory)) {
        fprintf(stderr, "sim_headset: no memory for an image of %ux%u\n", info->extent.width,
                info->extent.height);
        goto fail;
    }
    if (!ok(vk->BindImageMemory(vk->device, out->image, out->memory, 0), "vkBindImageMemory"))
        goto fail;
    return true;
fail:
    sim_image_destroy(vk, out);
    return false;
}

void sim_image_destroy(struct sim_vulkan *vk, struct sim_image *image)
{
    if (image->image)
        vk->DestroyImage(vk->device, image->image, NULL);
    if (image->memory)
        vk->FreeMemory(vk->device, image->memory, NULL);
    *image = (struct sim_image){0};
}

void sim_image_barrier(struct sim_vulkan *vk, VkCommandBuffer commands, VkImage image,
                       VkImageLayout from, VkImageLayout to)
{
    VkImageMemoryBarrier barrier = {
        .sType = VK_STRUCTURE_TYPE_IMAGE_MEMORY_BARRIER,
        .srcAccessMask = VK_ACCESS_MEMORY_WRITE_BIT,
        .dstAccessMask = VK_ACCESS_MEMORY_READ_BIT | VK_ACCESS_MEMORY_WRITE_BIT,
        .oldLayout = from,
        .newLayout = to,
        .srcQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .dstQueueFamilyIndex = VK_QUEUE_FAMILY_IGNORED,
        .image = image,
        .subresourceRange = {VK_IMAGE_ASPECT_COLOR_BIT, 0, VK_REMAINING_MIP_LEVELS, 0,
                             VK_REMAINING_ARRAY_LAYERS},
    };
    vk->CmdPipelineBarrier(commands, VK_PIPELINE_STAGE_ALL_COMMANDS_BIT,
                           VK_PIPELINE_STAGE_ALL_COMMANDS_BIT, 0, 0, NULL, 0, NULL, 1, &barrier);
}

bool sim_buffer_create(struct sim_vulkan *vk, size_t size, struct sim_buffer *out)
{
    *out = (struct sim_buffer){.size = size};
    VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                               .size = size,
                               .usage = VK_BUFFER_USAGE_TRANSFER_DST_BIT,
                               .sharingMode = VK_SHARING_MODE_EXCLUSIVE};
    if (!ok(vk->CreateBuffer(vk->device, &info, NULL, &out->buffer), "vkCreateBuffer"))
        return false;
    VkMemoryRequirements need;
    vk->GetBufferMemoryRequirements(vk->device, out->buffer, &need);
    VkMemoryPropertyFlags host =
        VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    if (!allocate(vk, need, host | VK_MEMORY_PROPERTY_HOST_CACHED_BIT, &out->memory) &&
        !allocate(vk, need, host, &out->memory)) {
        fprintf(stderr, "sim_headset: no memory for %zu bytes\n", size);
        goto fail;
    }
    if (!ok(vk->BindBufferMemory(vk->device, out->buffer, out->memory, 0), "vkBindBufferMemory") ||
        !ok(vk->MapMemory(vk->device, out->memory, 0, VK_WHOLE_SIZE, 0, &out->mapped),
            "vkMapMemory"))
        goto fail;
    return true;
fail:
    sim_buffer_destroy(vk, out);
    return false;
}

void sim_buffer_destroy(struct sim_vulkan *vk, struct sim_buffer *buffer)
{
    if (buffer->buffer)
        vk->DestroyBuffer(vk->device, buffer->buffer, NULL);
    if (buffer->memory)
        vk->FreeMemory(vk->device, buffer->memory, NULL);
    *buffer = (struct sim_buffer){0};
}
