// The way in: what the standard loader asks of a runtime, the table of functions, and names of
// codes.
#include <stdio.h>
#include <string.h>

#include "tests/headset/sim_config.h"
#include "tests/headset/sim_instance.h"
#include "tests/headset/sim_report.h"
#include <openxr/openxr_reflection.h>

// The loader's side of "Loader Design: Runtime Negotiation". Declared here: Debian 12 does not ship
// its header.
struct loader_info {
    int type; // 1
    uint32_t version;
    size_t size;
    uint32_t min_interface, max_interface;
    XrVersion min_api, max_api;
};

struct runtime_request {
    int type; // 3
    uint32_t version;
    size_t size;
    uint32_t interface;
    XrVersion api;
    PFN_xrGetInstanceProcAddr get_instance_proc_addr;
};

#define EXPORT __attribute__((visibility("default")))
EXPORT XrResult xrNegotiateLoaderRuntimeInterface(const struct loader_info *loader,
                                                  struct runtime_request *request);
// For tests in the same process: forgets counts and script and reads the environment again. No
// instance may live.
EXPORT void sim_headset_reset(void);
// And: how often this rule was violated.
EXPORT int64_t sim_headset_violations(const char *rule);

enum needs { CORE, VULKAN2, TIMESPEC, REFRESH_RATE, GLOBAL };

#define ENTRY(name, needs)                                                                         \
    {                                                                                              \
#name, (PFN_xrVoidFunction)name, needs                                                     \
    }
static const struct {
    const char *name;
    PFN_xrVoidFunction function;
    enum needs needs;
} table[] = {
    ENTRY(xrGetInstanceProcAddr, CORE),
    ENTRY(xrEnumerateApiLayerProperties, GLOBAL),
    ENTRY(xrEnumerateInstanceExtensionProperties, GLOBAL),
    ENTRY(xrCreateInstance, GLOBAL),
    ENTRY(xrDestroyInstance, CORE),
    ENTRY(xrGetInstanceProperties, CORE),
    ENTRY(xrPollEvent, CORE),
    ENTRY(xrResultToString, CORE),
    ENTRY(xrStructureTypeToString, CORE),
    ENTRY(xrGetSystem, CORE),
    ENTRY(xrGetSystemProperties, CORE),
    ENTRY(xrEnumerateEnvironmentBlendModes, CORE),
    ENTRY(xrCreateSession, CORE),
    ENTRY(xrDestroySession, CORE),
    ENTRY(xrEnumerateReferenceSpaces, CORE),
    ENTRY(xrCreateReferenceSpace, CORE),
    ENTRY(xrGetReferenceSpaceBoundsRect, CORE),
    ENTRY(xrCreateActionSpace, CORE),
    ENTRY(xrLocateSpace, CORE),
    ENTRY(xrDestroySpace, CORE),
    ENTRY(xrEnumerateViewConfigurations, CORE),
    ENTRY(xrGetViewConfigurationProperties, CORE),
    ENTRY(xrEnumerateViewConfigurationViews, CORE),
    ENTRY(xrEnumerateSwapchainFormats, CORE),
    ENTRY(xrCreateSwapchain, CORE),
    ENTRY(xrDestroySwapchain, CORE),
    ENTRY(xrEnumerateSwapchainImages, CORE),
    ENTRY(xrAcquireSwapchainImage, CORE),
    ENTRY(xrWaitSwapchainImage, CORE),
    ENTRY(xrReleaseSwapchainImage, CORE),
    ENTRY(xrBeginSession, CORE),
    ENTRY(xrEndSession, CORE),
    ENTRY(xrRequestExitSession, CORE),
    ENTRY(xrWaitFrame, CORE),
    ENTRY(xrBeginFrame, CORE),
    ENTRY(xrEndFrame, CORE),
    ENTRY(xrLocateViews, CORE),
    ENTRY(xrStringToPath, CORE),
    ENTRY(xrPathToString, CORE),
    ENTRY(xrCreateActionSet, CORE),
    ENTRY(xrDestroyActionSet, CORE),
    ENTRY(xrCreateAction, CORE),
    ENTRY(xrDestroyAction, CORE),
    ENTRY(xrSuggestInteractionProfileBindings, CORE),
    ENTRY(xrAttachSessionActionSets, CORE),
    ENTRY(xrGetCurrentInteractionProfile, CORE),
    ENTRY(xrGetActionStateBoolean, CORE),
    ENTRY(xrGetActionStateFloat, CORE),
    ENTRY(xrGetActionStateVector2f, CORE),
    ENTRY(xrGetActionStatePose, CORE),
    ENTRY(xrSyncActions, CORE),
    ENTRY(xrEnumerateBoundSourcesForAction, CORE),
    ENTRY(xrGetInputSourceLocalizedName, CORE),
    ENTRY(xrApplyHapticFeedback, CORE),
    ENTRY(xrStopHapticFeedback, CORE),
    ENTRY(xrGetVulkanGraphicsRequirements2KHR, VULKAN2),
    ENTRY(xrCreateVulkanInstanceKHR, VULKAN2),
    ENTRY(xrGetVulkanGraphicsDevice2KHR, VULKAN2),
    ENTRY(xrCreateVulkanDeviceKHR, VULKAN2),
    ENTRY(xrConvertTimespecTimeToTimeKHR, TIMESPEC),
    ENTRY(xrConvertTimeToTimespecTimeKHR, TIMESPEC),
    ENTRY(xrEnumerateDisplayRefreshRatesFB, REFRESH_RATE),
    ENTRY(xrGetDisplayRefreshRateFB, REFRESH_RATE),
    ENTRY(xrRequestDisplayRefreshRateFB, REFRESH_RATE),
};

static bool available(const struct sim_instance *i, enum needs needs)
{
    switch (needs) {
    case VULKAN2:
        return i->has_vulkan2;
    case TIMESPEC:
        return i->has_timespec;
    case REFRESH_RATE:
        return i->has_refresh_rate;
    default:
        return true;
    }
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetInstanceProcAddr(XrInstance instance, const char *name,
                                                     PFN_xrVoidFunction *function)
{
    if (!name || !function)
        return XR_ERROR_VALIDATION_FAILURE;
    *function = NULL;
    struct sim_instance *i = NULL;
    XrResult result = XR_SUCCESS;
    if (instance != XR_NULL_HANDLE)
        result = sim_leave(sim_instance_enter_to_destroy(instance, __func__, &i));
    if (XR_FAILED(result))
        return result;
    for (size_t n = 0; n < sizeof table / sizeof *table; n++) {
        if (strcmp(table[n].name, name))
            continue;
        if (!i && table[n].needs != GLOBAL)
            return XR_ERROR_HANDLE_INVALID;
        if (i && !available(i, table[n].needs))
            return XR_ERROR_FUNCTION_UNSUPPORTED;
        *function = table[n].function;
        return XR_SUCCESS;
    }
    return XR_ERROR_FUNCTION_UNSUPPORTED;
}

XrResult xrNegotiateLoaderRuntimeInterface(const struct loader_info *loader,
                                           struct runtime_request *request)
{
    if (!loader || !request || loader->type != 1 || loader->version != 1 ||
        loader->size != sizeof *loader || request->type != 3 || request->version != 1 ||
        request->size != sizeof *request || loader->min_interface > 1 || loader->max_interface < 1)
        return XR_ERROR_INITIALIZATION_FAILED;
    request->interface = 1;
    request->api = XR_MAKE_VERSION(1, 0, XR_VERSION_PATCH(XR_CURRENT_API_VERSION));
    request->get_instance_proc_addr = xrGetInstanceProcAddr;
    return XR_SUCCESS;
}

void sim_headset_reset(void)
{
    sim_instance_reset();
}

int64_t sim_headset_violations(const char *rule)
{
    return sim_report_violations(rule);
}

#define NAME_CASE(name, value)                                                                     \
    case name:                                                                                     \
        return #name;

static const char *result_name(XrResult value)
{
    switch (value) {
        XR_LIST_ENUM_XrResult(NAME_CASE) default : return NULL;
    }
}

static const char *structure_name(XrStructureType value)
{
    switch (value) {
        XR_LIST_ENUM_XrStructureType(NAME_CASE) default : return NULL;
    }
}

XRAPI_ATTR XrResult XRAPI_CALL xrResultToString(XrInstance instance, XrResult value,
                                                char buffer[XR_MAX_RESULT_STRING_SIZE])
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_FAILED(result))
        return sim_leave(result);
    const char *name = result_name(value);
    if (name)
        snprintf(buffer, XR_MAX_RESULT_STRING_SIZE, "%s", name);
    else
        snprintf(buffer, XR_MAX_RESULT_STRING_SIZE,
                 value < 0 ? "XR_UNKNOWN_FAILURE_%d" : "XR_UNKNOWN_SUCCESS_%d", (int)value);
    return sim_leave(XR_SUCCESS);
}

XRAPI_ATTR XrResult XRAPI_CALL xrStructureTypeToString(XrInstance instance, XrStructureType value,
                                                       char buffer[XR_MAX_STRUCTURE_NAME_SIZE])
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_FAILED(result))
        return sim_leave(result);
    const char *name = structure_name(value);
    if (name)
        snprintf(buffer, XR_MAX_STRUCTURE_NAME_SIZE, "%s", name);
    else
        snprintf(buffer, XR_MAX_STRUCTURE_NAME_SIZE, "XR_UNKNOWN_STRUCTURE_TYPE_%d", (int)value);
    return sim_leave(XR_SUCCESS);
}
