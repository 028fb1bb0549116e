#include "tests/headset/sim_session.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_capture.h"
#include "tests/headset/sim_input.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_space.h"
#include "tests/headset/sim_swapchain.h"
#include "viewer/display_xr_presence.h"

// Without frames a step is taken after this time.
#define PATIENCE_NS (100 * NS_PER_MS)

static XrSessionState allowed = XR_SESSION_STATE_FOCUSED;
static bool is_worn = true;

static const char *state_name(XrSessionState state)
{
    static const char *const names[] = {"UNKNOWN",      "IDLE",         "READY",
                                        "SYNCHRONIZED", "VISIBLE",      "FOCUSED",
                                        "STOPPING",     "LOSS_PENDING", "EXITING"};
    return names[state];
}

static void set_state(struct sim_session *s, XrSessionState state)
{
    int64_t now = clock_now_ns();
    s->state = state;
    s->stepped_ns = now;
    XrEventDataSessionStateChanged event = {XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED, NULL,
                                            s->handle, state, sim_time_from_ns(now)};
    sim_event_push(&event, sizeof event);
    sim_report_event("state", "%s", state_name(state));
}

// One step towards what the headset allows and the application wants. The session is running and
// synchronized.
static void step(struct sim_session *s)
{
    bool stop = s->exiting || allowed == XR_SESSION_STATE_IDLE;
    XrSessionState goal = stop ? XR_SESSION_STATE_SYNCHRONIZED : allowed;
    if (s->state < XR_SESSION_STATE_READY || s->state > XR_SESSION_STATE_FOCUSED)
        return;
    if (s->state < goal)
        set_state(s, s->state + 1);
    else if (s->state > goal)
        set_state(s, s->state - 1);
    else if (stop)
        set_state(s, XR_SESSION_STATE_STOPPING);
}

// Steps of a session that does not run.
static void step_idle(struct sim_session *s)
{
    if (s->state != XR_SESSION_STATE_IDLE)
        return;
    if (s->exiting)
        set_state(s, XR_SESSION_STATE_EXITING);
    else if (allowed != XR_SESSION_STATE_IDLE)
        set_state(s, XR_SESSION_STATE_READY);
}

void sim_session_frame_ended(struct sim_session *s)
{
    step(s);
}

void sim_session_tick(struct sim_session *s)
{
    int64_t now = clock_now_ns();
    if (s->loss_pending && !s->lost && now >= s->lost_at_ns) {
        s->lost = true;
        monitor_changed(&sim_monitor);
    }
    if (s->loss_pending)
        return;
    bool stop = s->exiting || allowed == XR_SESSION_STATE_IDLE;
    bool down = stop || s->state > allowed; // upward only in step with frames
    if (!s->running)
        step_idle(s);
    else if (down && now - s->stepped_ns > PATIENCE_NS && now - s->frames.ended_ns > PATIENCE_NS)
        step(s);
}

bool sim_session_visible(const struct sim_session *s)
{
    return s->state == XR_SESSION_STATE_VISIBLE || s->state == XR_SESSION_STATE_FOCUSED;
}

bool sim_session_focused(const struct sim_session *s)
{
    return s->state == XR_SESSION_STATE_FOCUSED;
}

void sim_session_allow(XrSessionState state)
{
    allowed = state;
}

static void tell_worn(struct sim_session *s)
{
    XrEventDataUserPresenceChangedEXT event = {XR_TYPE_EVENT_DATA_USER_PRESENCE_CHANGED_EXT, NULL,
                                               s->handle, is_worn};
    if (s->running && s->instance->has_presence)
        sim_event_push(&event, sizeof event);
}

void sim_session_set_worn(struct sim_session *s, bool worn)
{
    if (worn == is_worn)
        return;
    is_worn = worn;
    if (s)
        tell_worn(s);
}

void sim_session_ask_exit(struct sim_session *s)
{
    s->exiting = true;
    s->stepped_ns = clock_now_ns();
    if (s->capture)
        sim_capture_last(s->capture);
}

void sim_session_lose(struct sim_session *s, int64_t grace_ns)
{
    set_state(s, XR_SESSION_STATE_LOSS_PENDING);
    s->loss_pending = true;
    s->lost_at_ns = clock_now_ns() + grace_ns;
    s->lost = grace_ns <= 0;
    monitor_changed(&sim_monitor);
}

XrResult sim_session_again(XrSession handle, struct sim_session **out)
{
    *out = sim_handle_object(SIM_SESSION, SIM_NUMBER(handle));
    if (!*out)
        return sim_wrong(XR_ERROR_HANDLE_INVALID, "handle", "%p is no session", (void *)handle);
    if ((*out)->instance->lost)
        return XR_ERROR_INSTANCE_LOST;
    return (*out)->lost ? XR_ERROR_SESSION_LOST : XR_SUCCESS;
}

XrResult sim_session_enter(XrSession handle, const char *function, struct sim_session **out)
{
    struct sim_instance *i = NULL;
    struct sim_instance *living = sim_instance_current();
    XrResult result = sim_instance_enter(living ? living->handle : XR_NULL_HANDLE, function, &i);
    *out = NULL;
    if (XR_FAILED(result) && result != XR_ERROR_INSTANCE_LOST)
        return result;
    return sim_session_again(handle, out);
}

XrResult sim_session_leave(struct sim_session *s, XrResult result)
{
    if (s && s->loss_pending && XR_SUCCEEDED(result))
        result = XR_SESSION_LOSS_PENDING;
    return sim_leave(result);
}

static XrResult create_session(struct sim_instance *i, const XrSessionCreateInfo *info,
                               XrSession *out)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_SESSION_CREATE_INFO, "XrSessionCreateInfo"));
    if (!out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "the session output is NULL");
    if (info->createFlags)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "flags_zero", "createFlags must be 0");
    SIM_TRY(sim_instance_check_system(i, info->systemId));
    if (!i->requirements_asked)
        return sim_wrong(XR_ERROR_GRAPHICS_REQUIREMENTS_CALL_MISSING, "graphics_requirements",
                         "xrGetVulkanGraphicsRequirements2KHR was not called");
    const XrGraphicsBindingVulkan2KHR *binding =
        sim_check_chained(info->next, XR_TYPE_GRAPHICS_BINDING_VULKAN2_KHR);
    if (!binding || !i->has_vulkan2)
        return sim_wrong(XR_ERROR_GRAPHICS_DEVICE_INVALID, "graphics_binding",
                         "no XrGraphicsBindingVulkan2KHR of an enabled extension in the chain");
    if (i->session)
        return sim_wrong(XR_ERROR_LIMIT_REACHED, "one_session", "a session lives already");
    SIM_TRY(sim_vulkan_bind(&i->vulkan, binding));
    struct sim_session *s = mem_new(1, sizeof *s);
    s->instance = i;
    s->vk = i->vulkan;
    s->handle = SIM_HANDLE(XrSession, sim_handle_create(SIM_SESSION, s));
    sim_frames_reset(&s->frames);
    s->capture = sim_capture_create(&s->vk);
    i->session = s;
    sim_report_counts()->sessions++;
    set_state(s, XR_SESSION_STATE_IDLE);
    *out = s->handle;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateSession(XrInstance instance, const XrSessionCreateInfo *info,
                                               XrSession *session)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = create_session(i, info, session);
    return sim_leave(result);
}

void sim_session_destroy(struct sim_session *s)
{
    sim_capture_destroy(&s->capture);
    sim_frames_finish(s);
    while (s->swapchains)
        sim_swapchain_destroy(s->swapchains);
    while (s->spaces)
        sim_space_destroy(s->spaces);
    sim_input_detach(s->instance->input);
    sim_event_forget_session(s->handle);
    sim_handle_destroy(SIM_NUMBER(s->handle));
    s->instance->session = NULL;
    mem_free(s);
    sim_report_event("session", "destroyed");
    monitor_changed(&sim_monitor);
}

XRAPI_ATTR XrResult XRAPI_CALL xrDestroySession(XrSession session)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (!s)
        return sim_leave(result);
    if (s->running && !s->loss_pending && !s->instance->lost)
        sim_report_note("destroy_running_session",
                        "the session was destroyed while it ran, without xrEndSession");
    sim_session_destroy(s);
    return sim_leave(XR_SUCCESS);
}

static XrResult begin(struct sim_session *s, const XrSessionBeginInfo *info)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_SESSION_BEGIN_INFO, "XrSessionBeginInfo"));
    if (info->primaryViewConfigurationType != XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO)
        return sim_wrong(XR_ERROR_VIEW_CONFIGURATION_TYPE_UNSUPPORTED, "view_configuration",
                         "type %d is not offered", (int)info->primaryViewConfigurationType);
    if (s->running)
        return sim_wrong(XR_ERROR_SESSION_RUNNING, "session_running", "the session runs already");
    if (s->state != XR_SESSION_STATE_READY)
        return sim_wrong(XR_ERROR_SESSION_NOT_READY, "session_not_ready",
                         "the session is in state %s", state_name(s->state));
    s->running = true;
    s->stepped_ns = clock_now_ns();
    sim_frames_reset(&s->frames);
    tell_worn(s);
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrBeginSession(XrSession session, const XrSessionBeginInfo *info)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = begin(s, info);
    return sim_session_leave(s, result);
}

static XrResult end(struct sim_session *s)
{
    if (!s->running)
        return sim_wrong(XR_ERROR_SESSION_NOT_RUNNING, "session_not_running",
                         "the session does not run");
    s->running = false;
    monitor_changed(&sim_monitor);
    if (s->state != XR_SESSION_STATE_STOPPING && !s->loss_pending)
        return sim_wrong(XR_ERROR_SESSION_NOT_STOPPING, "session_not_stopping",
                         "the session is in state %s", state_name(s->state));
    if (!s->loss_pending) {
        set_state(s, XR_SESSION_STATE_IDLE);
        step_idle(s);
    }
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrEndSession(XrSession session)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = end(s);
    return sim_session_leave(s, result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrRequestExitSession(XrSession session)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_FAILED(result))
        return sim_session_leave(s, result);
    if (!s->running)
        return sim_session_leave(s, sim_wrong(XR_ERROR_SESSION_NOT_RUNNING, "session_not_running",
                                              "the session does not run"));
    sim_session_ask_exit(s);
    sim_report_event("exit", "asked by the application");
    return sim_session_leave(s, XR_SUCCESS);
}
