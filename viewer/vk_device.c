#include "viewer/vk_device.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/vk_export.h"

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"
#define MAX_EXTENSIONS 32
#define MAX_DEVICES 16
#define MAX_FAMILIES 32
// far longer than any copy or draw of ours: what is not ready by then never will be
#define WAIT_LIMIT_NS (5 * NS_PER_S)

// What was found out about a physical device.
struct candidate {
    VkPhysicalDevice physical;
    VkPhysicalDeviceProperties properties;
    uint8_t uuid[VK_UUID_SIZE];
    uint32_t family, queue_count;
    bool timeline_is_core; // else by its extension
    bool swapchain, exports_memory, exports_semaphores;
};

static atomic_int validation_messages;

int vk_validation_messages(void)
{
    return atomic_load(&validation_messages);
}

static VKAPI_ATTR VkBool32 VKAPI_CALL validation_message(
    VkDebugUtilsMessageSeverityFlagBitsEXT severity, VkDebugUtilsMessageTypeFlagsEXT types,
    const VkDebugUtilsMessengerCallbackDataEXT *data, void *user)
{
    (void)severity, (void)types, (void)user;
    atomic_fetch_add(&validation_messages, 1);
    log_error("Vulkan validation: %s", data->pMessage);
    return VK_FALSE;
}

static VkDebugUtilsMessengerCreateInfoEXT messenger_info(void)
{
    return (VkDebugUtilsMessengerCreateInfoEXT){
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                           VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        // the loader's own talk about drivers (GENERAL) is not about us
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = validation_message,
    };
}

// Asked for and there; one warning where asked for and not there.
static bool validation_wanted(void)
{
    const char *setting = getenv("DEEP3D_VK_VALIDATION");
    uint32_t count = 0;
    VkLayerProperties *layers;
    bool found = false;

    if (!setting || strcmp(setting, "1") != 0)
        return false;
    if (vkEnumerateInstanceLayerProperties(&count, NULL) != VK_SUCCESS)
        count = 0;
    layers = mem_new(count ? count : 1, sizeof(*layers));
    // VK_INCOMPLETE can only mean that a layer was installed in between
    if (vkEnumerateInstanceLayerProperties(&count, layers) < 0)
        count = 0;
    for (uint32_t i = 0; i < count; i++)
        found = found || strcmp(layers[i].layerName, VALIDATION_LAYER) == 0;
    mem_free(layers);
    if (!found)
        log_warn("DEEP3D_VK_VALIDATION=1, but " VALIDATION_LAYER
                 " is not installed: install vulkan-validationlayers");
    return found;
}

// --- the maker for the Vulkan loader; user: the parameters

static bool loader_create_instance(void *user, const VkInstanceCreateInfo *info, VkInstance *out)
{
    VkResult result = vkCreateInstance(info, NULL, out);

    (void)user;
    if (result == VK_SUCCESS)
        return true;
    // without any driver the extensions of windows are missing as well
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER || result == VK_ERROR_EXTENSION_NOT_PRESENT)
        log_error("no Vulkan driver (%s): install the graphics card's, or mesa-vulkan-drivers",
                  vk_result_name(result));
    else
        log_error("vkCreateInstance: %s", vk_result_name(result));
    return false;
}

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
                        struct candidate *c, bool *out_presents)
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

static void examine_sharing(struct candidate *c)
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

// NULL: the device fits (without a window where swapchain is false), else what it lacks.
static const char *examine(const struct vk_device_params *params, VkInstance instance,
                           VkPhysicalDevice physical, struct candidate *out)
{
    bool presents;

    *out = (struct candidate){.physical = physical};
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

static bool loader_choose_physical(void *user, VkInstance instance, VkPhysicalDevice *out)
{
    const struct vk_device_params *params = user;
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
        struct candidate c;
        const char *lack = examine(params, instance, devices[i], &c);

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

static bool loader_create_device(void *user, VkPhysicalDevice physical,
                                 const VkDeviceCreateInfo *info, VkDevice *out)
{
    (void)user;
    return VK(vkCreateDevice(physical, info, NULL, out));
}

// --- creation

static bool create_instance(struct vk_device *d, const struct vk_device_params *params,
                            const struct vk_maker *maker)
{
    bool validation = validation_wanted();
    VkDebugUtilsMessengerCreateInfoEXT messenger = messenger_info();
    const char *layers[] = {VALIDATION_LAYER};
    const char *extensions[MAX_EXTENSIONS];
    uint32_t extension_count = 0, version = VK_API_VERSION_1_1;
    VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "deep3d",
        .applicationVersion = 1,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pNext = validation ? &messenger : NULL,
        .pApplicationInfo = &application,
        .enabledLayerCount = validation ? 1 : 0,
        .ppEnabledLayerNames = layers,
        .ppEnabledExtensionNames = extensions,
    };
    PFN_vkCreateDebugUtilsMessengerEXT create_messenger;

    assert(params->instance_extension_count < MAX_EXTENSIONS);
    for (uint32_t i = 0; i < params->instance_extension_count; i++)
        extensions[extension_count++] = params->instance_extensions[i];
    if (validation)
        extensions[extension_count++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    info.enabledExtensionCount = extension_count;
    if (vkEnumerateInstanceVersion(&version) != VK_SUCCESS || version > VK_API_VERSION_1_2)
        version = VK_API_VERSION_1_2;
    application.apiVersion = version;

    if (!maker->create_instance(maker->user, &info, &d->instance))
        return false;
    create_messenger = (PFN_vkCreateDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
        d->instance, "vkCreateDebugUtilsMessengerEXT");
    return !validation || !create_messenger ||
           VK(create_messenger(d->instance, &messenger, NULL, &d->messenger));
}

static bool create_device(struct vk_device *d, const struct candidate *c,
                          const struct vk_maker *maker)
{
    uint32_t queue_count = c->queue_count >= 2 ? 2 : 1;
    const char *extensions[4];
    // the headset's work goes first
    VkDeviceQueueCreateInfo queues = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = c->family,
        .queueCount = queue_count,
        .pQueuePriorities = (const float[]){1.0f, 0.5f},
    };
    VkPhysicalDeviceTimelineSemaphoreFeatures timeline = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_TIMELINE_SEMAPHORE_FEATURES,
        .timelineSemaphore = VK_TRUE,
    };
    VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &timeline,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queues,
        .ppEnabledExtensionNames = extensions,
    };

    if (c->swapchain)
        extensions[info.enabledExtensionCount++] = VK_KHR_SWAPCHAIN_EXTENSION_NAME;
    if (!c->timeline_is_core)
        extensions[info.enabledExtensionCount++] = VK_KHR_TIMELINE_SEMAPHORE_EXTENSION_NAME;
    if (c->exports_memory)
        extensions[info.enabledExtensionCount++] = VK_EXPORT_MEMORY_EXTENSION;
    if (c->exports_semaphores)
        extensions[info.enabledExtensionCount++] = VK_EXPORT_SEMAPHORE_EXTENSION;
    if (!maker->create_device(maker->user, c->physical, &info, &d->device))
        return false;
    for (uint32_t i = 0; i < queue_count; i++) {
        vkGetDeviceQueue(d->device, c->family, i, &d->queues[i].handle);
        d->queues[i].family = c->family;
        d->queues[i].index = i;
    }
    d->main_queue = &d->queues[0];
    d->window_queue = &d->queues[queue_count - 1];
    d->wait_semaphores = (PFN_vkWaitSemaphores)vkGetDeviceProcAddr(
        d->device, c->timeline_is_core ? "vkWaitSemaphores" : "vkWaitSemaphoresKHR");
    d->signal_semaphore = (PFN_vkSignalSemaphore)vkGetDeviceProcAddr(
        d->device, c->timeline_is_core ? "vkSignalSemaphore" : "vkSignalSemaphoreKHR");
    d->semaphore_value = (PFN_vkGetSemaphoreCounterValue)vkGetDeviceProcAddr(
        d->device,
        c->timeline_is_core ? "vkGetSemaphoreCounterValue" : "vkGetSemaphoreCounterValueKHR");
    return true;
}

static void describe(const struct vk_device *d)
{
    char uuid[2 * VK_UUID_SIZE + 1];

    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", d->uuid[i]);
    log_debug("Vulkan device: %s, Vulkan %u.%u.%u, %s, UUID %s, exports%s%s%s",
              d->properties.deviceName, VK_API_VERSION_MAJOR(d->properties.apiVersion),
              VK_API_VERSION_MINOR(d->properties.apiVersion),
              VK_API_VERSION_PATCH(d->properties.apiVersion),
              d->main_queue == d->window_queue ? "one queue" : "two queues", uuid,
              d->exports_memory ? " memory" : "", d->exports_semaphores ? " semaphores" : "",
              d->exports_memory || d->exports_semaphores ? "" : " nothing");
}

struct vk_device *vk_device_create(const struct vk_device_params *params)
{
    const struct vk_maker loader = {
        .user = (void *)params,
        .create_instance = loader_create_instance,
        .choose_physical = loader_choose_physical,
        .create_device = loader_create_device,
    };
    const struct vk_maker *maker = params->maker ? params->maker : &loader;
    struct vk_device *d = mem_new(1, sizeof(*d));
    struct candidate c;
    const char *lack;

    pthread_mutex_init(&d->queues[0].lock, NULL);
    pthread_mutex_init(&d->queues[1].lock, NULL);
    if (!create_instance(d, params, maker) ||
        !maker->choose_physical(maker->user, d->instance, &d->physical))
        goto fail;
    lack = examine(params, d->instance, d->physical, &c);
    if (lack) {
        log_error("Vulkan device %s lacks %s: a newer driver may help", c.properties.deviceName,
                  lack);
        goto fail;
    }
    if (params->swapchain && !c.swapchain)
        log_warn("Vulkan device %s cannot draw into windows of this desktop",
                 c.properties.deviceName);
    d->properties = c.properties;
    d->swapchain = c.swapchain;
    memcpy(d->uuid, c.uuid, sizeof(d->uuid));
    d->exports_memory = c.exports_memory;
    d->exports_semaphores = c.exports_semaphores;
    vkGetPhysicalDeviceMemoryProperties(d->physical, &d->memory);
    if (!create_device(d, &c, maker))
        goto fail;
    describe(d);
    return d;
fail:
    vk_device_destroy(&d);
    return NULL;
}

void vk_device_destroy(struct vk_device **device)
{
    struct vk_device *d = *device;

    if (!d)
        return;
    if (d->device)
        vkDestroyDevice(d->device, NULL);
    if (d->messenger) {
        PFN_vkDestroyDebugUtilsMessengerEXT destroy_messenger =
            (PFN_vkDestroyDebugUtilsMessengerEXT)vkGetInstanceProcAddr(
                d->instance, "vkDestroyDebugUtilsMessengerEXT");

        destroy_messenger(d->instance, d->messenger, NULL);
    }
    if (d->instance)
        vkDestroyInstance(d->instance, NULL);
    pthread_mutex_destroy(&d->queues[0].lock);
    pthread_mutex_destroy(&d->queues[1].lock);
    mem_free(d);
    *device = NULL;
}

// --- use

void vk_queue_lock(struct vk_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
}

void vk_queue_unlock(struct vk_queue *queue)
{
    pthread_mutex_unlock(&queue->lock);
}

uint32_t vk_memory_type(const struct vk_device *device, uint32_t bits,
                        VkMemoryPropertyFlags properties)
{
    for (uint32_t i = 0; i < device->memory.memoryTypeCount; i++)
        if (bits & (UINT32_C(1) << i) &&
            (device->memory.memoryTypes[i].propertyFlags & properties) == properties)
            return i;
    return UINT32_MAX;
}

bool vk_timeline_create(const struct vk_device *device, VkSemaphore *out)
{
    VkExportSemaphoreCreateInfo export = {
        .sType = VK_STRUCTURE_TYPE_EXPORT_SEMAPHORE_CREATE_INFO,
        .handleTypes = VK_EXPORT_SEMAPHORE_TYPE,
    };
    VkSemaphoreTypeCreateInfo timeline = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO,
        .pNext = device->exports_semaphores ? &export : NULL,
        .semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE,
    };
    VkSemaphoreCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO,
        .pNext = &timeline,
    };

    return VK(vkCreateSemaphore(device->device, &info, NULL, out));
}

bool vk_timeline_wait(const struct vk_device *device, VkSemaphore semaphore, uint64_t value)
{
    VkSemaphoreWaitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO,
        .semaphoreCount = 1,
        .pSemaphores = &semaphore,
        .pValues = &value,
    };

    return VK(device->wait_semaphores(device->device, &info, WAIT_LIMIT_NS));
}
