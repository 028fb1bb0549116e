#include "viewer/display_xr_session.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "viewer/display_xr_presence.h"

// Sensors have been seen to lose a wearer for a moment; one who was away so long sits anew.
#define AWAY_NS (2 * NS_PER_S)
// SteamVR has been seen to give frames without a valid time once and for all; after so many of them
// a new session is the cure.
#define MAX_INVALID_TIMES 90

static const char *state_name(XrSessionState state)
{
    static const char *const names[] = {"unknown",      "idle",         "ready",
                                        "synchronized", "visible",      "focused",
                                        "stopping",     "loss pending", "exiting"};

    return (unsigned)state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

static bool create_space(struct xr_session *s, XrReferenceSpaceType type, XrSpace *out)
{
    XrReferenceSpaceCreateInfo info = {
        .type = XR_TYPE_REFERENCE_SPACE_CREATE_INFO,
        .referenceSpaceType = type,
        .poseInReferenceSpace = {.orientation = {0, 0, 0, 1}},
    };

    return XR(s->system, xrCreateReferenceSpace(s->handle, &info, out));
}

bool xr_session_init(struct xr_session *s, struct xr_system *system, struct vk_device *vk)
{
    XrGraphicsBindingVulkan2KHR binding = {
        .type = XR_TYPE_GRAPHICS_BINDING_VULKAN2_KHR,
        .instance = vk->instance,
        .physicalDevice = vk->physical,
        .device = vk->device,
        .queueFamilyIndex = vk->main_queue->family,
        .queueIndex = vk->main_queue->index,
    };
    XrSessionCreateInfo info = {
        .type = XR_TYPE_SESSION_CREATE_INFO,
        .next = &binding,
        .systemId = system->id,
    };
    bool good;

    *s = (struct xr_session){.system = system, .vk = vk, .recenter_at = INT64_MAX};
    vk_queue_lock(vk->main_queue);
    good = XR(system, xrCreateSession(system->instance, &info, &s->handle));
    vk_queue_unlock(vk->main_queue);
    if (!good) {
        s->handle = XR_NULL_HANDLE;
        return false;
    }
    return create_space(s, XR_REFERENCE_SPACE_TYPE_LOCAL, &s->local) &&
           create_space(s, XR_REFERENCE_SPACE_TYPE_VIEW, &s->view);
}

void xr_session_finish(struct xr_session *s)
{
    if (s->handle != XR_NULL_HANDLE) {
        // takes the spaces along
        vk_queue_lock(s->vk->main_queue);
        xrDestroySession(s->handle);
        vk_queue_unlock(s->vk->main_queue);
    }
    memset(s, 0, sizeof(*s));
}

// --- events

static bool begin(struct xr_session *s)
{
    XrSessionBeginInfo info = {
        .type = XR_TYPE_SESSION_BEGIN_INFO,
        .primaryViewConfigurationType = XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO,
    };

    if (!XR(s->system, xrBeginSession(s->handle, &info)))
        return false;
    s->running = true;
    s->recenter_at = 0; // whoever just put the headset on sits where they sit now
    return true;
}

static bool state_changed(struct xr_session *s, const XrEventDataSessionStateChanged *e)
{
    if (e->session != s->handle)
        return true; // of a session that is gone
    log_debug("headset: session %s", state_name(e->state));
    s->state = e->state;
    switch (e->state) {
    case XR_SESSION_STATE_READY:
        return s->running || begin(s);
    case XR_SESSION_STATE_STOPPING:
        if (s->running && !XR(s->system, xrEndSession(s->handle)))
            return false;
        s->running = false;
        return true;
    case XR_SESSION_STATE_EXITING:
        s->ended = true;
        return true;
    case XR_SESSION_STATE_LOSS_PENDING:
        log_warn("headset: %s takes the session away", s->system->runtime_name);
        xr_system_lose(s->system, XR_LOST_SESSION);
        return false;
    default:
        return true;
    }
}

static void space_changing(struct xr_session *s, const XrEventDataReferenceSpaceChangePending *e)
{
    if (e->session != s->handle || e->referenceSpaceType != XR_REFERENCE_SPACE_TYPE_LOCAL)
        return;
    log_debug("headset: the origin changes");
    s->recenter_at = e->changeTime;
}

// Runtimes may begin a session while the headset lies on the table, and go on with it when it is
// taken off.
static void presence_changed(struct xr_session *s, const XrEventDataUserPresenceChangedEXT *e)
{
    int64_t now_ns = clock_now_ns();

    if (e->session != s->handle)
        return;
    log_debug("headset: %s", e->isUserPresent ? "put on" : "taken off");
    if (!e->isUserPresent) {
        s->away_since_ns = s->away_since_ns ? s->away_since_ns : now_ns;
        return;
    }
    if (s->away_since_ns && now_ns - s->away_since_ns >= AWAY_NS)
        s->recenter_at = 0;
    s->away_since_ns = 0;
}

static void profile_changed(struct xr_session *s, const char *hand)
{
    XrInteractionProfileState state = {.type = XR_TYPE_INTERACTION_PROFILE_STATE};
    char name[XR_MAX_PATH_LENGTH] = "none";
    uint32_t length = 0;
    XrPath path;

    if (log_get_level() < LOG_DEBUG ||
        XR_FAILED(xrStringToPath(s->system->instance, hand, &path)) ||
        XR_FAILED(xrGetCurrentInteractionProfile(s->handle, path, &state)))
        return;
    if (state.interactionProfile != XR_NULL_PATH)
        xrPathToString(s->system->instance, state.interactionProfile, sizeof(name), &length, name);
    log_debug("headset: %s holds %s", hand, name);
}

static bool handle(struct xr_session *s, const XrEventDataBuffer *event)
{
    if (event->type == XR_TYPE_EVENT_DATA_USER_PRESENCE_CHANGED_EXT) {
        presence_changed(s, (const XrEventDataUserPresenceChangedEXT *)event);
        return true;
    }
    switch (event->type) {
    case XR_TYPE_EVENT_DATA_SESSION_STATE_CHANGED:
        return state_changed(s, (const XrEventDataSessionStateChanged *)event);
    case XR_TYPE_EVENT_DATA_INSTANCE_LOSS_PENDING:
        log_warn("headset: %s is going away", s->system->runtime_name);
        xr_system_lose(s->system, XR_LOST_INSTANCE);
        return false;
    case XR_TYPE_EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING:
        space_changing(s, (const XrEventDataReferenceSpaceChangePending *)event);
        return true;
    case XR_TYPE_EVENT_DATA_EVENTS_LOST:
        log_warn("headset: %u events of the runtime were lost",
                 ((const XrEventDataEventsLost *)event)->lostEventCount);
        return true;
    case XR_TYPE_EVENT_DATA_INTERACTION_PROFILE_CHANGED:
        profile_changed(s, "/user/hand/left");
        profile_changed(s, "/user/hand/right");
        return true;
    default:
        return true;
    }
}

bool xr_session_events(struct xr_session *s)
{
    for (;;) {
        XrEventDataBuffer event = {.type = XR_TYPE_EVENT_DATA_BUFFER};
        XrResult result = xrPollEvent(s->system->instance, &event);

        if (result == XR_EVENT_UNAVAILABLE)
            return true;
        if (!xr_check(s->system, result, "xrPollEvent", __FILE__, __LINE__) || !handle(s, &event))
            return false;
    }
}

bool xr_session_leave(struct xr_session *s, int64_t now_ns)
{
    if (s->ended || !s->handle)
        return false;
    if (s->leave_until_ns == 0) {
        // not running: there is nothing to wait for
        if (!s->running || XR_FAILED(xrRequestExitSession(s->handle)))
            return false;
        s->leave_until_ns = now_ns + XR_SESSION_LEAVE_NS;
    }
    if (now_ns < s->leave_until_ns)
        return true;
    log_warn("headset: %s does not end the session; leaving without", s->system->runtime_name);
    return false;
}

// --- frames

bool xr_session_wait_frame(struct xr_session *s, XrFrameState *out)
{
    XrFrameWaitInfo info = {.type = XR_TYPE_FRAME_WAIT_INFO};

    *out = (XrFrameState){.type = XR_TYPE_FRAME_STATE};
    return XR(s->system, xrWaitFrame(s->handle, &info, out));
}

bool xr_session_begin_frame(struct xr_session *s)
{
    XrFrameBeginInfo info = {.type = XR_TYPE_FRAME_BEGIN_INFO};
    bool good;

    vk_queue_lock(s->vk->main_queue);
    good = XR(s->system, xrBeginFrame(s->handle, &info));
    vk_queue_unlock(s->vk->main_queue);
    return good;
}

bool xr_session_end_frame(struct xr_session *s, XrTime display_time, uint32_t layer_count,
                          const XrCompositionLayerBaseHeader *const *layers)
{
    XrFrameEndInfo info = {
        .type = XR_TYPE_FRAME_END_INFO,
        .displayTime = display_time,
        .environmentBlendMode = s->system->blend_mode,
        .layerCount = layer_count,
        .layers = layers,
    };
    XrResult result;

    vk_queue_lock(s->vk->main_queue);
    result = xrEndFrame(s->handle, &info);
    vk_queue_unlock(s->vk->main_queue);
    if (result == XR_ERROR_TIME_INVALID && ++s->invalid_times < MAX_INVALID_TIMES) {
        if (s->invalid_times == 1)
            log_warn("headset: %s refuses the display time that it gave", s->system->runtime_name);
        return true;
    }
    if (result != XR_ERROR_TIME_INVALID)
        s->invalid_times = 0;
    return xr_check(s->system, result, "xrEndFrame", __FILE__, __LINE__);
}

bool xr_session_head(struct xr_session *s, XrTime time, bool *out_valid, XrPosef *out)
{
    XrSpaceLocation location = {.type = XR_TYPE_SPACE_LOCATION};
    XrResult result = xrLocateSpace(s->view, s->local, time, &location);

    *out_valid = false;
    if (XR_FAILED(result) && !xr_result_lost(result))
        return true;
    if (!xr_check(s->system, result, "xrLocateSpace", __FILE__, __LINE__))
        return false;
    *out_valid = (location.locationFlags & XR_SPACE_LOCATION_ORIENTATION_VALID_BIT) != 0;
    *out = location.pose;
    if (!(location.locationFlags & XR_SPACE_LOCATION_POSITION_VALID_BIT))
        out->position = (XrVector3f){0, 0, 0};
    return true;
}

double xr_session_density(struct xr_session *s, XrTime time)
{
    const XrViewConfigurationType type = XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO;
    const XrViewLocateInfo info = {.type = XR_TYPE_VIEW_LOCATE_INFO,
                                   .viewConfigurationType = type,
                                   .displayTime = time,
                                   .space = s->view};
    XrViewConfigurationView sizes[2] = {{.type = XR_TYPE_VIEW_CONFIGURATION_VIEW},
                                        {.type = XR_TYPE_VIEW_CONFIGURATION_VIEW}};
    XrView views[2] = {{.type = XR_TYPE_VIEW}, {.type = XR_TYPE_VIEW}};
    XrViewState state = {.type = XR_TYPE_VIEW_STATE};
    uint32_t count = 0;
    double across;

    if (s->density > 0)
        return s->density;
    // a lost session says so itself with the next call
    if (XR_FAILED(xrEnumerateViewConfigurationViews(s->system->instance, s->system->id, type, 2,
                                                    &count, sizes)) ||
        XR_FAILED(xrLocateViews(s->handle, &info, &state, 2, &count, views)))
        return 0;
    across = tan(views[0].fov.angleRight) - tan(views[0].fov.angleLeft);
    if (across > 0 && across < 100)
        s->density = sizes[0].recommendedImageRectWidth / across;
    return s->density;
}
