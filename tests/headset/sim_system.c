// The system: one headset with two views, opaque.
#include <stdio.h>
#include <string.h>

#include "tests/headset/sim_config.h"
#include "tests/headset/sim_instance.h"

static bool headset_present = true;

void sim_instance_set_headset(bool present)
{
    headset_present = present;
}

static XrResult get_system(struct sim_instance *i, const XrSystemGetInfo *info, XrSystemId *out)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_SYSTEM_GET_INFO, "XrSystemGetInfo"));
    if (!out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "the system output is NULL");
    if (info->formFactor != XR_FORM_FACTOR_HEAD_MOUNTED_DISPLAY) {
        if (info->formFactor == XR_FORM_FACTOR_HANDHELD_DISPLAY)
            return XR_ERROR_FORM_FACTOR_UNSUPPORTED;
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "form_factor", "%d is no form factor",
                         (int)info->formFactor);
    }
    if (!headset_present)
        return XR_ERROR_FORM_FACTOR_UNAVAILABLE;
    i->system_given = true;
    *out = SIM_SYSTEM_ID;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetSystem(XrInstance instance, const XrSystemGetInfo *info,
                                           XrSystemId *system)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = get_system(i, info, system);
    return sim_leave(result);
}

static XrResult get_properties(struct sim_instance *i, XrSystemId system, XrSystemProperties *out)
{
    SIM_TRY(sim_check_struct(out, XR_TYPE_SYSTEM_PROPERTIES, "XrSystemProperties"));
    SIM_TRY(sim_instance_check_system(i, system));
    out->systemId = system;
    out->vendorId = 0;
    snprintf(out->systemName, sizeof out->systemName, "Simulated headset");
    out->graphicsProperties = (XrSystemGraphicsProperties){8192, 8192, SIM_LAYERS_MAX};
    out->trackingProperties = (XrSystemTrackingProperties){XR_TRUE, XR_TRUE};
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetSystemProperties(XrInstance instance, XrSystemId system,
                                                     XrSystemProperties *out)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = get_properties(i, system, out);
    return sim_leave(result);
}

static XrResult check_view_configuration(XrViewConfigurationType type)
{
    if (type == XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO)
        return XR_SUCCESS;
    return sim_wrong(XR_ERROR_VIEW_CONFIGURATION_TYPE_UNSUPPORTED, "view_configuration",
                     "type %d is not offered", (int)type);
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateViewConfigurations(XrInstance instance, XrSystemId system,
                                                             uint32_t capacity, uint32_t *count,
                                                             XrViewConfigurationType *out)
{
    struct sim_instance *i;
    bool fill = false;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = sim_instance_check_system(i, system);
    if (XR_SUCCEEDED(result))
        result = sim_check_two_call(capacity, count, out, 1, &fill);
    if (fill)
        *out = XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO;
    return sim_leave(result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetViewConfigurationProperties(XrInstance instance,
                                                                XrSystemId system,
                                                                XrViewConfigurationType type,
                                                                XrViewConfigurationProperties *out)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = sim_instance_check_system(i, system);
    if (XR_SUCCEEDED(result))
        result = sim_check_struct(out, XR_TYPE_VIEW_CONFIGURATION_PROPERTIES,
                                  "XrViewConfigurationProperties");
    if (XR_SUCCEEDED(result))
        result = check_view_configuration(type);
    if (XR_SUCCEEDED(result)) {
        out->viewConfigurationType = type;
        out->fovMutable = XR_FALSE;
    }
    return sim_leave(result);
}

static XrResult list_views(struct sim_instance *i, XrSystemId system, XrViewConfigurationType type,
                           uint32_t capacity, uint32_t *count, XrViewConfigurationView *views)
{
    SIM_TRY(sim_instance_check_system(i, system));
    SIM_TRY(check_view_configuration(type));
    bool fill;
    SIM_TRY(sim_check_two_call(capacity, count, views, 2, &fill));
    for (int v = 0; fill && v < 2; v++) {
        SIM_TRY(sim_check_struct(&views[v], XR_TYPE_VIEW_CONFIGURATION_VIEW,
                                 "XrViewConfigurationView"));
        void *next = views[v].next;
        views[v] = (XrViewConfigurationView){.type = XR_TYPE_VIEW_CONFIGURATION_VIEW,
                                             .next = next,
                                             .recommendedImageRectWidth = 1440,
                                             .maxImageRectWidth = 8192,
                                             .recommendedImageRectHeight = 1600,
                                             .maxImageRectHeight = 8192,
                                             .recommendedSwapchainSampleCount = 1,
                                             .maxSwapchainSampleCount = 1};
    }
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateViewConfigurationViews(XrInstance instance,
                                                                 XrSystemId system,
                                                                 XrViewConfigurationType type,
                                                                 uint32_t capacity, uint32_t *count,
                                                                 XrViewConfigurationView *views)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = list_views(i, system, type, capacity, count, views);
    return sim_leave(result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateEnvironmentBlendModes(XrInstance instance,
                                                                XrSystemId system,
                                                                XrViewConfigurationType type,
                                                                uint32_t capacity, uint32_t *count,
                                                                XrEnvironmentBlendMode *modes)
{
    struct sim_instance *i;
    bool fill = false;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = sim_instance_check_system(i, system);
    if (XR_SUCCEEDED(result))
        result = check_view_configuration(type);
    if (XR_SUCCEEDED(result))
        result = sim_check_two_call(capacity, count, modes, 1, &fill);
    if (fill)
        *modes = XR_ENVIRONMENT_BLEND_MODE_OPAQUE;
    return sim_leave(result);
}
