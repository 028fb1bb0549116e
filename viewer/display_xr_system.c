#include "viewer/display_xr_system.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openxr/openxr_reflection.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/display_xr_presence.h"

// The version we speak, not that of the headers: a 1.0 runtime refuses newer ones.
#define API_VERSION XR_MAKE_VERSION(1, 0, 20)

const char *xr_result_name(XrResult result)
{
    switch (result) {
#define NAME(name, value)                                                                          \
    case value:                                                                                    \
        return #name;
        XR_LIST_ENUM_XrResult(NAME)
#undef NAME
    }
    return "unknown XrResult";
}

void xr_system_lose(struct xr_system *system, enum xr_lost what)
{
    if (system->lost < what)
        system->lost = what;
}

static atomic_bool left_behind;

bool xr_left_behind(void)
{
    return atomic_load(&left_behind);
}

void xr_system_leave_behind(const struct xr_system *system)
{
    log_error("headset: %s does not answer: leaving it behind; restart it before the next film",
              system->runtime_name);
    atomic_store(&left_behind, true);
}

bool xr_result_lost(XrResult result)
{
    return result == XR_ERROR_SESSION_LOST || result == XR_ERROR_INSTANCE_LOST;
}

bool xr_check(struct xr_system *system, XrResult result, const char *call, const char *file,
              int line)
{
    enum log_level level = LOG_ERROR;

    if (XR_SUCCEEDED(result))
        return true;
    if (result == XR_ERROR_INSTANCE_LOST) {
        xr_system_lose(system, XR_LOST_INSTANCE);
        level = LOG_WARN;
    } else {
        xr_system_lose(system, XR_LOST_SESSION);
        if (result == XR_ERROR_SESSION_LOST)
            level = LOG_WARN;
    }
    log_write(level, "%.*s: %s (%s:%d)", (int)strcspn(call, "("), call, xr_result_name(result),
              file, line);
    return false;
}

// Why there is no headset.
#define SAY(system, ...) log_write((system)->why_not, __VA_ARGS__)

static bool has_extension(const XrExtensionProperties *have, uint32_t count, const char *name)
{
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(have[i].extensionName, name) == 0)
            return true;
    return false;
}

// The runtime's and the layers' extensions, to be freed; NULL, logged.
static XrExtensionProperties *enumerate_extensions(struct xr_system *s, uint32_t *out_count)
{
    XrExtensionProperties *list = NULL;
    uint32_t count = 0;
    XrResult result = xrEnumerateInstanceExtensionProperties(NULL, 0, &count, NULL);

    if (XR_SUCCEEDED(result)) {
        list = mem_new(count + 1, sizeof(*list));
        for (uint32_t i = 0; i < count; i++)
            list[i].type = XR_TYPE_EXTENSION_PROPERTIES;
        result = xrEnumerateInstanceExtensionProperties(NULL, count, out_count, list);
    }
    if (XR_SUCCEEDED(result))
        return list;
    mem_free(list);
    if (getenv("XR_RUNTIME_JSON"))
        SAY(s,
            "headset: the OpenXR runtime of XR_RUNTIME_JSON=%s does not load (%s): check the path "
            "in the variable and in the file",
            getenv("XR_RUNTIME_JSON"), xr_result_name(result));
    else if (result == XR_ERROR_RUNTIME_UNAVAILABLE)
        SAY(s, "headset: no OpenXR runtime is active: start SteamVR, Monado, WiVRn or Meta Link, "
               "or set XR_RUNTIME_JSON to the runtime's manifest");
    else
        SAY(s, "headset: the OpenXR runtime does not load (%s): start it or install it again",
            xr_result_name(result));
    return NULL;
}

struct wanted {
    const char *names[8];
    uint32_t count;
    bool timespec, refresh_rate;
};

static bool choose_extensions(struct xr_system *s, struct wanted *out)
{
    uint32_t count = 0;
    XrExtensionProperties *have = enumerate_extensions(s, &count);
    bool good = true;

    if (!have)
        return false;
    memset(out, 0, sizeof(*out));
    if (!has_extension(have, count, XR_KHR_VULKAN_ENABLE2_EXTENSION_NAME)) {
        SAY(s, "headset: the active OpenXR runtime has no " XR_KHR_VULKAN_ENABLE2_EXTENSION_NAME
               ": update it, or make another runtime active");
        good = false;
    }
    out->timespec = has_extension(have, count, XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME);
    out->refresh_rate = has_extension(have, count, XR_FB_DISPLAY_REFRESH_RATE_EXTENSION_NAME);
    out->names[out->count++] = XR_KHR_VULKAN_ENABLE2_EXTENSION_NAME;
    if (out->timespec)
        out->names[out->count++] = XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME;
    if (out->refresh_rate)
        out->names[out->count++] = XR_FB_DISPLAY_REFRESH_RATE_EXTENSION_NAME;
    if (has_extension(have, count, XR_EXT_USER_PRESENCE_EXTENSION_NAME))
        out->names[out->count++] = XR_EXT_USER_PRESENCE_EXTENSION_NAME;
    mem_free(have);
    return good;
}

static bool create_instance(struct xr_system *s, const struct wanted *wanted)
{
    XrInstanceCreateInfo info = {
        .type = XR_TYPE_INSTANCE_CREATE_INFO,
        .applicationInfo = {.applicationName = "deep3d",
                            .applicationVersion = 1,
                            .engineName = "deep3d",
                            .engineVersion = 1,
                            .apiVersion = API_VERSION},
        .enabledExtensionCount = wanted->count,
        .enabledExtensionNames = wanted->names,
    };
    XrInstanceProperties properties = {.type = XR_TYPE_INSTANCE_PROPERTIES};
    XrResult result = xrCreateInstance(&info, &s->instance);

    if (XR_FAILED(result)) {
        s->instance = XR_NULL_HANDLE;
        if (result == XR_ERROR_API_LAYER_NOT_PRESENT)
            SAY(s, "headset: an OpenXR layer named in XR_ENABLE_API_LAYERS is not installed");
        else
            SAY(s,
                "headset: the OpenXR runtime does not answer (%s): start its service (SteamVR, "
                "monado-service, WiVRn, Meta Link)",
                xr_result_name(result));
        return false;
    }
    if (!XR(s, xrGetInstanceProperties(s->instance, &properties)))
        return false;
    snprintf(s->runtime_name, sizeof(s->runtime_name), "%s %d.%d.%d", properties.runtimeName,
             (int)XR_VERSION_MAJOR(properties.runtimeVersion),
             (int)XR_VERSION_MINOR(properties.runtimeVersion),
             (int)XR_VERSION_PATCH(properties.runtimeVersion));
    return true;
}

// NULL, logged: the runtime lacks a function of an extension that it lists.
static PFN_xrVoidFunction load(struct xr_system *s, const char *name)
{
    PFN_xrVoidFunction function = NULL;
    XrResult result = xrGetInstanceProcAddr(s->instance, name, &function);

    if (XR_SUCCEEDED(result) && function)
        return function;
    SAY(s, "headset: %s has no function %s: %s", s->runtime_name, name, xr_result_name(result));
    return NULL;
}

#define LOAD(system, name) (PFN_##name) load((system), #name)

static bool load_functions(struct xr_system *s, const struct wanted *wanted)
{
    s->get_requirements = LOAD(s, xrGetVulkanGraphicsRequirements2KHR);
    s->create_vulkan_instance = LOAD(s, xrCreateVulkanInstanceKHR);
    s->get_vulkan_device = LOAD(s, xrGetVulkanGraphicsDevice2KHR);
    s->create_vulkan_device = LOAD(s, xrCreateVulkanDeviceKHR);
    if (wanted->timespec)
        s->time_to_timespec = LOAD(s, xrConvertTimeToTimespecTimeKHR);
    if (wanted->refresh_rate) {
        s->enumerate_rates = LOAD(s, xrEnumerateDisplayRefreshRatesFB);
        s->request_rate = LOAD(s, xrRequestDisplayRefreshRateFB);
    }
    return s->get_requirements && s->create_vulkan_instance && s->get_vulkan_device &&
           s->create_vulkan_device;
}

static XrResult get_system(struct xr_system *s, XrSystemId *out)
{
    XrSystemGetInfo info = {.type = XR_TYPE_SYSTEM_GET_INFO,
                            .formFactor = XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY};

    return xrGetSystem(s->instance, &info, out);
}

static bool find_headset(struct xr_system *s)
{
    XrResult result = get_system(s, &s->id);

    if (XR_SUCCEEDED(result))
        return true;
    if (result == XR_ERROR_FORM_FACTOR_UNAVAILABLE)
        SAY(s,
            "headset: %s is running, but no headset is connected to it: connect it, switch it "
            "on, and start again",
            s->runtime_name);
    else if (result == XR_ERROR_FORM_FACTOR_UNSUPPORTED)
        SAY(s, "headset: %s drives no head-mounted display: make another runtime active",
            s->runtime_name);
    else
        SAY(s,
            "headset: %s does not start the headset (%s): look at the runtime's own log, and "
            "whether a Vulkan driver is installed",
            s->runtime_name, xr_result_name(result));
    return false;
}

static bool has_stereo_view(struct xr_system *s)
{
    XrViewConfigurationType types[16];
    uint32_t count = 0;

    if (!XR(s, xrEnumerateViewConfigurations(s->instance, s->id, 16, &count, types)))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (types[i] == XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO)
            return true;
    SAY(s, "headset: %s has no two eyes to show to", s->runtime_name);
    return false;
}

// Opaque where there is a choice: a film wants darkness round it.
static bool choose_blend_mode(struct xr_system *s)
{
    XrEnvironmentBlendMode modes[8];
    uint32_t count = 0;

    if (!XR(s, xrEnumerateEnvironmentBlendModes(s->instance, s->id,
                                                XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO, 8,
                                                &count, modes)))
        return false;
    s->blend_mode = count > 0 ? modes[0] : XR_ENVIRONMENT_BLEND_MODE_OPAQUE;
    for (uint32_t i = 0; i < count; i++)
        if (modes[i] == XR_ENVIRONMENT_BLEND_MODE_OPAQUE)
            s->blend_mode = modes[i];
    return true;
}

static bool read_properties(struct xr_system *s)
{
    XrSystemProperties properties = {.type = XR_TYPE_SYSTEM_PROPERTIES};

    if (!XR(s, xrGetSystemProperties(s->instance, s->id, &properties)))
        return false;
    snprintf(s->headset_name, sizeof(s->headset_name), "%s", properties.systemName);
    s->max_width = (int)properties.graphicsProperties.maxSwapchainImageWidth;
    s->max_height = (int)properties.graphicsProperties.maxSwapchainImageHeight;
    return true;
}

static bool requirements(struct xr_system *s, XrGraphicsRequirementsVulkan2KHR *out)
{
    *out = (XrGraphicsRequirementsVulkan2KHR){.type = XR_TYPE_GRAPHICS_REQUIREMENTS_VULKAN2_KHR};
    return XR(s, s->get_requirements(s->instance, s->id, out));
}

bool xr_system_refresh(struct xr_system *s)
{
    XrGraphicsRequirementsVulkan2KHR needs;
    XrSystemId id = XR_NULL_SYSTEM_ID;
    XrResult result = get_system(s, &id);

    s->unplugged = result == XR_ERROR_FORM_FACTOR_UNAVAILABLE;
    if (result == XR_ERROR_INSTANCE_LOST)
        xr_system_lose(s, XR_LOST_INSTANCE);
    if (XR_FAILED(result)) {
        log_debug("headset: not back yet: %s", xr_result_name(result));
        return false;
    }
    // the Vulkan device was made for the old id; another one is another headset
    if (id != s->id) {
        log_warn("headset: it came back as another one: starting again with it");
        xr_system_lose(s, XR_LOST_INSTANCE);
        return false;
    }
    return requirements(s, &needs);
}

// --- Vulkan through the runtime

// The version that the program asks for, raised to what the runtime needs. It is never lowered to
// the newest version that the runtime was tested with: that one is advice.
static uint32_t vulkan_version(uint32_t asked, const XrGraphicsRequirementsVulkan2KHR *needs)
{
    XrVersion v = XR_MAKE_VERSION(VK_API_VERSION_MAJOR(asked), VK_API_VERSION_MINOR(asked),
                                  VK_API_VERSION_PATCH(asked));

    if (v >= needs->minApiVersionSupported)
        return asked;
    return VK_MAKE_API_VERSION(0, (uint32_t)XR_VERSION_MAJOR(needs->minApiVersionSupported),
                               (uint32_t)XR_VERSION_MINOR(needs->minApiVersionSupported),
                               (uint32_t)XR_VERSION_PATCH(needs->minApiVersionSupported));
}

static bool made(struct xr_system *s, const char *what, XrResult result, VkResult vk_result)
{
    if (XR_SUCCEEDED(result) && vk_result == VK_SUCCESS)
        return true;
    log_error("headset: %s makes no Vulkan %s (%s): look whether a Vulkan driver is installed for "
              "the graphics card that the headset is plugged into",
              s->runtime_name, what,
              XR_FAILED(result) ? xr_result_name(result) : vk_result_name(vk_result));
    return false;
}

static bool make_instance(void *user, const VkInstanceCreateInfo *info, VkInstance *out)
{
    struct xr_system *s = user;
    XrGraphicsRequirementsVulkan2KHR needs;
    VkApplicationInfo app = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO};
    VkInstanceCreateInfo copy = *info;
    XrVulkanInstanceCreateInfoKHR xr_info = {
        .type = XR_TYPE_VULKAN_INSTANCE_CREATE_INFO_KHR,
        .systemId = s->id,
        .pfnGetInstanceProcAddr = vkGetInstanceProcAddr,
        .vulkanCreateInfo = &copy,
    };
    VkResult vk_result = VK_SUCCESS;
    XrResult result;

    if (!requirements(s, &needs))
        return false;
    if (info->pApplicationInfo)
        app = *info->pApplicationInfo;
    app.apiVersion = vulkan_version(app.apiVersion, &needs);
    copy.pApplicationInfo = &app;
    result = s->create_vulkan_instance(s->instance, &xr_info, out, &vk_result);
    return made(s, "instance", result, vk_result);
}

static bool choose_physical(void *user, VkInstance instance, VkPhysicalDevice *out)
{
    struct xr_system *s = user;
    XrVulkanGraphicsDeviceGetInfoKHR info = {
        .type = XR_TYPE_VULKAN_GRAPHICS_DEVICE_GET_INFO_KHR,
        .systemId = s->id,
        .vulkanInstance = instance,
    };

    return XR(s, s->get_vulkan_device(s->instance, &info, out));
}

static bool make_device(void *user, VkPhysicalDevice physical, const VkDeviceCreateInfo *info,
                        VkDevice *out)
{
    struct xr_system *s = user;
    XrVulkanDeviceCreateInfoKHR xr_info = {
        .type = XR_TYPE_VULKAN_DEVICE_CREATE_INFO_KHR,
        .systemId = s->id,
        .pfnGetInstanceProcAddr = vkGetInstanceProcAddr,
        .vulkanPhysicalDevice = physical,
        .vulkanCreateInfo = info,
    };
    VkResult vk_result = VK_SUCCESS;
    XrResult result = s->create_vulkan_device(s->instance, &xr_info, out, &vk_result);

    return made(s, "device", result, vk_result);
}

// --- life

struct xr_system *xr_system_create(enum log_level why_not)
{
    struct xr_system *s = mem_new(1, sizeof(*s));
    struct wanted wanted;

    s->why_not = why_not;
    if (xr_left_behind()) {
        SAY(s, "headset: its runtime does not answer any more");
        goto fail;
    }
    s->maker = (struct vk_maker){.user = s,
                                 .create_instance = make_instance,
                                 .choose_physical = choose_physical,
                                 .create_device = make_device};
    // The loader writes several lines of its own about a missing runtime; ours says it in one.
    setenv("XR_LOADER_DEBUG", "none", 0);
    if (!choose_extensions(s, &wanted) || !create_instance(s, &wanted))
        goto fail;
    if (!load_functions(s, &wanted) || !find_headset(s) || !has_stereo_view(s))
        goto fail;
    if (!choose_blend_mode(s) || !read_properties(s))
        goto fail;
    log_info("headset: %s, runtime %s", s->headset_name, s->runtime_name);
    return s;
fail:
    xr_system_destroy(&s);
    return NULL;
}

struct farewell {
    XrInstance instance;
    atomic_bool done;
};

static void say_farewell(void *user)
{
    struct farewell *f = user;

    xrDestroyInstance(f->instance);
    atomic_store(&f->done, true);
}

// On a thread of its own, which is left where it hangs.
static void destroy_instance(const struct xr_system *s)
{
    struct farewell *f = mem_new(1, sizeof(*f));
    int64_t until_ns = clock_now_ns() + XR_SYSTEM_END_NS;
    struct thread thread = {0};

    f->instance = s->instance;
    if (!thread_start(&thread, "farewell", THREAD_NORMAL, say_farewell, f))
        say_farewell(f);
    while (!atomic_load(&f->done) && clock_now_ns() < until_ns)
        clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
    if (!atomic_load(&f->done)) {
        xr_system_leave_behind(s);
        return;
    }
    thread_join(&thread);
    mem_free(f);
}

void xr_system_destroy(struct xr_system **system)
{
    struct xr_system *s = *system;

    if (!s)
        return;
    if (s->instance != XR_NULL_HANDLE)
        destroy_instance(s);
    mem_free(s);
    *system = NULL;
}

const char *xr_system_runtime_name(const struct xr_system *system)
{
    return system->runtime_name;
}

const struct vk_maker *xr_system_vk_maker(struct xr_system *system)
{
    return &system->maker;
}
