#include "viewer/vk_candidate.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "viewer/vk_export.h"

#define MAX_DEVICES 16
#define MAX_FAMILIES 32

static bool has_extension(VkPhysicalDevice physical, const char *name)
{
    uint32_t count = 0;
    VkExtensionProperties *extensions;
    bool found = false;

    if (vkEnumerateDeviceExtensionProperties(physical, NULL, &count, NULL) != VK_SUCCESS)
        return false;
    extensions = mem_new(count ? count : 1, sizeof(*extensions));
    if (vkEnumerateDeviceExtensionProperties(physical, NULL, &count, extensions) < 0)
        count = 0;
    for (uint32_t i = 0; i < count; i++)
        found = found || strcmp(extensions[i].extensionName, name) == 0;
    mem_free(extensions);
    return found;
}

static bool has_timeline(VkPhysicalDevice physical)
{
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
    };
    VkPhysicalDeviceFeatures2 features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = &timeline,
    };

    vkGetPhysicalDeviceFeatures2(physical, &features);
    return timeline.timelineSemaphore;
}

// A family with graphics (which includes transfer), one that can present where there is one.
static bool find_family(const struct vk_device_params *params, VkInstance instance,
                        struct vk_candidate *c, bool *out_presents)
{
    VkQueueFamilyProperties families[MAX_FAMILIES];
    uint32_t count = MAX_FAMILIES;
    bool found = false;

    *out_presents = false;
    vkGetPhysicalDeviceQueueFamilyProperties(c->physical, &count, families);
    for (uint32_t i = 0; i < count && !*out_presents; i++) {
        if (!(families[i].queueFlags & VK_QUEUE_GRAPHICS_BIT))
            continue;
        *out_presents = !params->can_present ||
                        params->can_present(params->can_present_user, instance, c->physical, i);
        if (!found || *out_presents) {
            c->family = i;
            c->queue_count = families[i].queueCount;
            found = true;
        }
    }
    return found;
}

static void examine_sharing(struct vk_candidate *c)
{
    VkPhysicalDeviceIDProperties id = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES,
    };
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .pNext = &id,
    };

    vkGetPhysicalDeviceProperties2(c->physical, &properties);
    memcpy(c->uuid, id.deviceUUID, sizeof(c->uuid));
    c->exports_memory =
        has_extension(c->physical, VK_EXPORT_MEMORY_EXTENSION) && vk_exports_memory(c->physical);
    c->exports_semaphores = has_extension(c->physical, VK_EXPORT_SEMAPHORE_EXTENSION) &&
                            vk_exports_semaphores(c->physical);
}

const char *vk_candidate_examine(const struct vk_device_params *params, VkInstance instance,
                                 VkPhysicalDevice physical, struct vk_candidate *out)
{
    bool presents;

    *out = (struct vk_candidate){.physical = physical};
    vkGetPhysicalDeviceProperties(physical, &out->properties);
    out->timeline_is_core = out->properties.apiVersion >= VK_API_VERSION_1_2;
    if (out->properties.apiVersion < VK_API_VERSION_1_1)
        return "Vulkan 1.1";
    if (!out->timeline_is_core &&
        !has_extension(physical, VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME))
        return "Vulkan 1.2 or " VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME;
    if (!has_timeline(physical))
        return "timeline semaphores";
    if (!find_family(params, instance, out, &presents))
        return "a graphics queue";
    out->swapchain =
        params->swapchain && presents && has_extension(physical, VK_KHR_SWAPCHAIN_EXTENSION_NAME);
    examine_sharing(out);
    return NULL;
}

static int rank(VkPhysicalDeviceType type)
{
    switch (type) {
    case VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU:
        return 4;
    case VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU:
        return 3;
    case VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU:
        return 2;
    default:
        return 1;
    }
}

bool vk_candidate_choose(const struct vk_device_params *params, VkInstance instance,
                         VkPhysicalDevice *out)
{
    VkPhysicalDevice devices[MAX_DEVICES];
    uint32_t count = MAX_DEVICES;
    int best = 0;
    VkResult result = vkEnumeratePhysicalDevices(instance, &count, devices);

    // drivers without a card of theirs give VK_ERROR_INITIALIZATION_FAILED
    if (result < 0 || count == 0) {
        log_error("no Vulkan device (%s): install the graphics card's driver, or "
                  "mesa-vulkan-drivers",
                  vk_result_name(result));
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct vk_candidate c;
        const char *lack = vk_candidate_examine(params, instance, devices[i], &c);

        if (!lack && params->swapchain && !c.swapchain)
            lack = "a way to draw into windows of this desktop";
        if (lack)
            log_info("Vulkan device %s is passed over: it lacks %s", c.properties.deviceName, lack);
        else if (rank(c.properties.deviceType) > best) {
            best = rank(c.properties.deviceType);
            *out = devices[i];
        }
    }
    if (best == 0)
        log_error("none of the %u Vulkan devices can be used: a newer driver may help", count);
    return best > 0;
}
