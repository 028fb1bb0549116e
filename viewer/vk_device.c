#include "viewer/vk_device.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/vk_candidate.h"
#include "viewer/vk_export.h"

#define VALIDATION_LAYER "VK_LAYER_KHRONOS_validation"
#define MAX_EXTENSIONS 32
// far longer than any copy or draw of ours: what is not ready by then never will be
#define WAIT_LIMIT_NS (5 * NS_PER_S)

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

static bool loader_choose_physical(void *user, VkInstance instance, VkPhysicalDevice *out)
{
    return vk_candidate_choose(user, instance, out);
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

static bool create_device(struct vk_device *d, const struct vk_candidate *c,
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
    struct vk_candidate c;
    const char *lack;

    pthread_mutex_init(&d->queues[0].lock, NULL);
    pthread_mutex_init(&d->queues[1].lock, NULL);
    if (!create_instance(d, params, maker) ||
        !maker->choose_physical(maker->user, d->instance, &d->physical))
        goto fail;
    lack = vk_candidate_examine(params, d->instance, d->physical, &c);
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
