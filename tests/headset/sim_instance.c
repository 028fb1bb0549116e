#include "tests/headset/sim_instance.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_config.h"
#include "tests/headset/sim_fault.h"
#include "tests/headset/sim_input.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_script.h"
#include "tests/headset/sim_session.h"
#include "viewer/display_xr_presence.h"

#define EVENTS 64
#define RUNTIME_VERSION XR_MAKE_VERSION(1, 0, 0)

struct monitor sim_monitor;
static pthread_once_t monitor_once = PTHREAD_ONCE_INIT;

static struct sim_instance *current;
static int64_t no_runtime_until_ns; // after a loss

static XrEventDataBuffer events[EVENTS];
static unsigned event_first, event_count;
static uint32_t events_lost;

static void make_monitor(void)
{
    monitor_init(&sim_monitor);
}

static void lock(const char *function)
{
    pthread_once(&monitor_once, make_monitor);
    monitor_lock(&sim_monitor);
    sim_fault_wait(function);
    sim_check_function(function);
}

XrResult sim_leave(XrResult result)
{
    monitor_unlock(&sim_monitor);
    return result;
}

struct sim_instance *sim_instance_current(void)
{
    return current;
}

XrResult sim_instance_enter_to_destroy(XrInstance handle, const char *function,
                                       struct sim_instance **out)
{
    lock(function);
    *out = sim_handle_object(SIM_INSTANCE, SIM_NUMBER(handle));
    if (!*out)
        return sim_wrong(XR_ERROR_HANDLE_INVALID, "handle", "%p is no instance", (void *)handle);
    return XR_SUCCESS;
}

XrResult sim_instance_enter(XrInstance handle, const char *function, struct sim_instance **out)
{
    XrResult result = sim_instance_enter_to_destroy(handle, function, out);
    if (result == XR_SUCCESS)
        sim_script_step();
    if (result == XR_SUCCESS && (*out)->lost)
        return XR_ERROR_INSTANCE_LOST;
    if (result == XR_SUCCESS && sim_fault_fails(function))
        return XR_ERROR_RUNTIME_FAILURE;
    return result;
}

XrResult sim_instance_check_system(struct sim_instance *i, XrSystemId system)
{
    if (system != SIM_SYSTEM_ID || !i->system_given)
        return sim_wrong(XR_ERROR_SYSTEM_INVALID, "system_id", "%llu was not given by xrGetSystem",
                         (unsigned long long)system);
    return XR_SUCCESS;
}

void sim_instance_lose(struct sim_instance *i, int64_t in_ns, int64_t down_ns)
{
    int64_t when = clock_now_ns() + in_ns;
    if (!i->lost_at_ns)
        no_runtime_until_ns = when + down_ns;
    if (in_ns > 0) {
        XrEventDataInstanceLossPending event = {XR_TYPE_EVENT_DATA_INSTANCE_LOSS_PENDING, NULL,
                                                sim_time_from_ns(when)};
        sim_event_push(&event, sizeof event);
        i->lost_at_ns = when;
        return;
    }
    i->lost = true;
    monitor_changed(&sim_monitor);
}

XrTime sim_time_from_ns(int64_t ns)
{
    return ns + sim_config()->offset_ns;
}

int64_t sim_time_to_ns(XrTime time)
{
    return time - sim_config()->offset_ns;
}

void sim_event_push(const void *event, size_t size)
{
    if (event_count == EVENTS) {
        events_lost++;
        return;
    }
    XrEventDataBuffer *e = &events[(event_first + event_count++) % EVENTS];
    memset(e, 0, sizeof *e);
    memcpy(e, event, size);
}

static XrSession session_of(const XrEventDataBuffer *e)
{
    if (e->type == XR_TYPE_EVENT_DATA_USER_PRESENCE_CHANGED_EXT)
        return ((const XrEventDataUserPresenceChangedEXT *)e)->session;
    switch (e->type) {
    case XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED:
        return ((const XrEventDataSessionStateChanged *)e)->session;
    case XR_TYPE_EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING:
        return ((const XrEventDataReferenceSpaceChangePending *)e)->session;
    case XR_TYPE_EVENT_DATA_INTERACTION_PROFILE_CHANGED:
        return ((const XrEventDataInteractionProfileChanged *)e)->session;
    default:
        return XR_NULL_HANDLE;
    }
}

void sim_event_forget_session(XrSession session)
{
    unsigned kept = 0;
    for (unsigned n = 0; n < event_count; n++) {
        XrEventDataBuffer e = events[(event_first + n) % EVENTS];
        if (session_of(&e) != session)
            events[(event_first + kept++) % EVENTS] = e;
    }
    event_count = kept;
}

XRAPI_ATTR XrResult XRAPI_CALL xrPollEvent(XrInstance instance, XrEventDataBuffer *data)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_FAILED(result))
        return sim_leave(result);
    result = sim_check_struct(data, XR_TYPE_EVENT_DATA_BUFFER, "XrEventDataBuffer");
    if (XR_FAILED(result))
        return sim_leave(result);
    if (events_lost) {
        XrEventDataEventsLost lost = {XR_TYPE_EVENT_DATA_EVENTS_LOST, NULL, events_lost};
        memcpy(data, &lost, sizeof lost);
        sim_report_note("events_lost", "%u events were lost: poll more often", events_lost);
        events_lost = 0;
        return sim_leave(XR_SUCCESS);
    }
    if (!event_count)
        return sim_leave(XR_EVENT_UNAVAILABLE);
    *data = events[event_first];
    event_first = (event_first + 1) % EVENTS;
    event_count--;
    return sim_leave(XR_SUCCESS);
}

// Extensions

static const struct {
    const char *name;
    uint32_t version;
    size_t flag; // offset of its bool in struct sim_instance
} extensions[] = {
    {XR_KHR_VULKAN_ENABLE2_EXTENSION_NAME, 2, offsetof(struct sim_instance, has_vulkan2)},
    {XR_KHR_CONVERT_TIMESPEC_TIME_EXTENSION_NAME, 1, offsetof(struct sim_instance, has_timespec)},
    {XR_KHR_COMPOSITION_LAYER_CYLINDER_EXTENSION_NAME, 4,
     offsetof(struct sim_instance, has_cylinder)},
    {XR_FB_DISPLAY_REFRESH_RATE_EXTENSION_NAME, 1, offsetof(struct sim_instance, has_refresh_rate)},
    {XR_EXT_USER_PRESENCE_EXTENSION_NAME, 1, offsetof(struct sim_instance, has_presence)},
};
#define EXTENSIONS (sizeof extensions / sizeof *extensions)

static XrResult list_extensions(const char *layer, uint32_t capacity, uint32_t *count,
                                XrExtensionProperties *out)
{
    if (layer)
        return sim_wrong(XR_ERROR_API_LAYER_NOT_PRESENT, "api_layer", "there is no layer %s",
                         layer);
    XrExtensionProperties list[EXTENSIONS];
    uint32_t offered = 0;
    for (size_t e = 0; e < EXTENSIONS; e++) {
        if (!sim_config_offers(extensions[e].name))
            continue;
        XrExtensionProperties *p = &list[offered++];
        *p = (XrExtensionProperties){.type = XR_TYPE_EXTENSION_PROPERTIES,
                                     .extensionVersion = extensions[e].version};
        snprintf(p->extensionName, sizeof p->extensionName, "%s", extensions[e].name);
    }
    bool fill;
    SIM_TRY(sim_check_two_call(capacity, count, out, offered, &fill));
    for (uint32_t e = 0; fill && e < offered; e++) {
        SIM_TRY(sim_check_struct(&out[e], XR_TYPE_EXTENSION_PROPERTIES, "XrExtensionProperties"));
        list[e].next = out[e].next;
        out[e] = list[e];
    }
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateInstanceExtensionProperties(const char *layer,
                                                                      uint32_t capacity,
                                                                      uint32_t *count,
                                                                      XrExtensionProperties *out)
{
    lock(__func__);
    return sim_leave(list_extensions(layer, capacity, count, out));
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateApiLayerProperties(uint32_t capacity, uint32_t *count,
                                                             XrApiLayerProperties *out)
{
    lock(__func__);
    bool fill;
    return sim_leave(sim_check_two_call(capacity, count, out, 0, &fill));
}

static XrResult enable_extensions(struct sim_instance *i, const XrInstanceCreateInfo *info)
{
    if (info->enabledExtensionCount && !info->enabledExtensionNames)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "extension_names",
                         "the array of names is NULL");
    for (uint32_t n = 0; n < info->enabledExtensionCount; n++) {
        const char *name = info->enabledExtensionNames[n];
        size_t e = 0;
        while (e < EXTENSIONS && (!name || strcmp(name, extensions[e].name)))
            e++;
        if (e == EXTENSIONS || !sim_config_offers(name))
            return sim_wrong(XR_ERROR_EXTENSION_NOT_PRESENT, "extension", "%s is not offered",
                             name ? name : "NULL");
        *(bool *)((char *)i + extensions[e].flag) = true;
    }
    return XR_SUCCESS;
}

// The instance itself

static bool ends_within(const char *text, size_t size)
{
    return memchr(text, 0, size) != NULL;
}

static XrResult check_application(const XrApplicationInfo *app)
{
    if (!ends_within(app->applicationName, sizeof app->applicationName) ||
        !ends_within(app->engineName, sizeof app->engineName))
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "application_name",
                         "a name does not end within its array");
    if (!app->applicationName[0])
        return sim_wrong(XR_ERROR_NAME_INVALID, "application_name", "applicationName is empty");
    if (XR_VERSION_MAJOR(app->apiVersion) != 1 || XR_VERSION_MINOR(app->apiVersion) != 0)
        return sim_wrong(XR_ERROR_API_VERSION_UNSUPPORTED, "api_version",
                         "apiVersion is %d.%d, this is 1.0", (int)XR_VERSION_MAJOR(app->apiVersion),
                         (int)XR_VERSION_MINOR(app->apiVersion));
    return XR_SUCCESS;
}

static XrResult create_instance(const XrInstanceCreateInfo *info, XrInstance *out)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_INSTANCE_CREATE_INFO, "XrInstanceCreateInfo"));
    if (!out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "the instance output is NULL");
    if (info->createFlags)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "flags_zero", "createFlags must be 0");
    if (current)
        return sim_wrong(XR_ERROR_LIMIT_REACHED, "one_instance", "an instance lives already");
    if (clock_now_ns() < no_runtime_until_ns)
        return XR_ERROR_RUNTIME_UNAVAILABLE;
    SIM_TRY(check_application(&info->applicationInfo));
    if (info->enabledApiLayerCount)
        return sim_wrong(XR_ERROR_API_LAYER_NOT_PRESENT, "api_layer", "a runtime has no layers");
    struct sim_instance *i = mem_new(1, sizeof *i);
    XrResult result = enable_extensions(i, info);
    if (XR_FAILED(result)) {
        mem_free(i);
        return result;
    }
    i->handle = SIM_HANDLE(XrInstance, sim_handle_create(SIM_INSTANCE, i));
    i->input = sim_input_create(i);
    event_count = events_lost = 0;
    current = i;
    sim_report_counts()->instances++;
    sim_report_event("instance", "created for %s", info->applicationInfo.applicationName);
    sim_script_start();
    *out = i->handle;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateInstance(const XrInstanceCreateInfo *info,
                                                XrInstance *instance)
{
    lock(__func__);
    return sim_leave(create_instance(info, instance));
}

XRAPI_ATTR XrResult XRAPI_CALL xrDestroyInstance(XrInstance instance)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter_to_destroy(instance, __func__, &i);
    if (XR_FAILED(result))
        return sim_leave(result);
    if (i->session)
        sim_session_destroy(i->session);
    sim_input_destroy(&i->input);
    sim_handle_destroy(SIM_NUMBER(instance));
    current = NULL;
    mem_free(i);
    sim_report_event("instance", "destroyed");
    sim_report_write("instance destroyed");
    return sim_leave(XR_SUCCESS);
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetInstanceProperties(XrInstance instance,
                                                       XrInstanceProperties *out)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = sim_check_struct(out, XR_TYPE_INSTANCE_PROPERTIES, "XrInstanceProperties");
    if (XR_SUCCEEDED(result)) {
        out->runtimeVersion = RUNTIME_VERSION;
        snprintf(out->runtimeName, sizeof out->runtimeName, "deep3d simulated headset");
    }
    return sim_leave(result);
}

// XR_KHR_convert_timespec_time

XRAPI_ATTR XrResult XRAPI_CALL xrConvertTimespecTimeToTimeKHR(XrInstance instance,
                                                              const struct timespec *timespec,
                                                              XrTime *time)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_FAILED(result))
        return sim_leave(result);
    if (!timespec || !time)
        return sim_leave(
            sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "an argument is NULL"));
    *time = sim_time_from_ns(timespec->tv_sec * NS_PER_S + timespec->tv_nsec);
    return sim_leave(sim_check_time(*time, "timespec"));
}

XRAPI_ATTR XrResult XRAPI_CALL xrConvertTimeToTimespecTimeKHR(XrInstance instance, XrTime time,
                                                              struct timespec *timespec)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = sim_check_time(time, "time");
    if (XR_FAILED(result))
        return sim_leave(result);
    if (!timespec)
        return sim_leave(
            sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "an argument is NULL"));
    int64_t ns = sim_time_to_ns(time);
    timespec->tv_sec = ns / NS_PER_S - (ns % NS_PER_S < 0);
    timespec->tv_nsec = ns - timespec->tv_sec * NS_PER_S;
    return sim_leave(XR_SUCCESS);
}

void sim_instance_reset(void)
{
    lock(__func__);
    if (!current) {
        sim_report_reset();
        sim_config_read();
        sim_script_reset();
        no_runtime_until_ns = 0;
    }
    sim_leave(XR_SUCCESS);
}

// A process that ends without destroying its instance leaves a report all the same.
__attribute__((destructor)) static void at_exit(void)
{
    if (current)
        sim_report_write("process exit");
}
