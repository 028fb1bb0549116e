#include "tests/headset/sim_space.h"

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_config.h"
#include "tests/headset/sim_head.h"
#include "tests/headset/sim_input.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_session.h"

// LOCAL in the tracking frame: before and from local_change_ns on.
static struct pose local_before = {.turn = {.w = 1}}, local_after = {.turn = {.w = 1}};
static int64_t local_change_ns;

struct sim_space *sim_space_find(struct sim_session *s, XrSpace handle, XrResult *out_error)
{
    struct sim_space *space = sim_handle_object(SIM_SPACE, SIM_NUMBER(handle));
    if (space && space->session == s)
        return space;
    *out_error = sim_wrong(space ? XR_ERROR_VALIDATION_FAILURE : XR_ERROR_HANDLE_INVALID, "space",
                           "%p is no space of this session", (void *)handle);
    return NULL;
}

static struct pose natural_pose(XrReferenceSpaceType type, int64_t time_ns)
{
    if (type == XR_REFERENCE_SPACE_TYPE_VIEW)
        return sim_head_pose(time_ns);
    if (type == XR_REFERENCE_SPACE_TYPE_LOCAL)
        return time_ns >= local_change_ns ? local_after : local_before;
    struct pose floor = POSE_IDENTITY;
    floor.at.y = -sim_config()->eye_height_m;
    return floor;
}

bool sim_space_pose(const struct sim_space *space, int64_t time_ns, struct pose *out)
{
    struct pose natural;
    if (!space->action)
        natural = natural_pose(space->type, time_ns);
    else if (!sim_input_hand_pose(space->action, space->hand, time_ns, &natural))
        return false;
    *out = pose_multiply(natural, space->offset);
    return true;
}

void sim_space_recenter(struct sim_session *s, int64_t change_ns)
{
    struct pose head = sim_head_rest();
    struct vec3 forward = quat_rotate(head.turn, (struct vec3){0, 0, -1});
    struct pose fresh = {quat_about(0, 1, 0, atan2(-forward.x, -forward.z)), head.at};
    local_before = local_after;
    local_after = fresh;
    local_change_ns = change_ns;
    sim_report_counts()->recenters++;
    if (!s)
        return;
    XrEventDataReferenceSpaceChangePending event = {
        .type = XR_TYPE_EVENT_DATA_REFERENCE_SPACE_CHANGE_PENDING,
        .session = s->handle,
        .referenceSpaceType = XR_REFERENCE_SPACE_TYPE_LOCAL,
        .changeTime = sim_time_from_ns(change_ns),
        .poseValid = XR_TRUE,
        .poseInPreviousSpace = pose_to_xr(pose_multiply(pose_inverse(local_before), local_after)),
    };
    sim_event_push(&event, sizeof event);
}

void sim_space_reset(void)
{
    local_before = local_after = POSE_IDENTITY;
    local_change_ns = 0;
}

static const XrReferenceSpaceType types[] = {
    XR_REFERENCE_SPACE_TYPE_VIEW, XR_REFERENCE_SPACE_TYPE_LOCAL, XR_REFERENCE_SPACE_TYPE_STAGE};
#define TYPES (sizeof types / sizeof *types)

static XrResult check_type(XrReferenceSpaceType type)
{
    for (size_t t = 0; t < TYPES; t++)
        if (types[t] == type)
            return XR_SUCCESS;
    return sim_wrong(XR_ERROR_REFERENCE_SPACE_UNSUPPORTED, "reference_space",
                     "type %d was not enumerated", (int)type);
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateReferenceSpaces(XrSession session, uint32_t capacity,
                                                          uint32_t *count,
                                                          XrReferenceSpaceType *out)
{
    struct sim_session *s;
    bool fill = false;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = sim_check_two_call(capacity, count, out, TYPES, &fill);
    for (size_t t = 0; fill && t < TYPES; t++)
        out[t] = types[t];
    return sim_session_leave(s, result);
}

static void add_space(struct sim_session *s, struct sim_space *space, XrSpace *out)
{
    space->session = s;
    space->next = s->spaces;
    s->spaces = space;
    space->handle = SIM_HANDLE(XrSpace, sim_handle_create(SIM_SPACE, space));
    *out = space->handle;
}

static XrResult create_reference(struct sim_session *s, const XrReferenceSpaceCreateInfo *info,
                                 XrSpace *out)
{
    SIM_TRY(
        sim_check_struct(info, XR_TYPE_REFERENCE_SPACE_CREATE_INFO, "XrReferenceSpaceCreateInfo"));
    SIM_TRY(check_type(info->referenceSpaceType));
    SIM_TRY(sim_check_pose(&info->poseInReferenceSpace, "poseInReferenceSpace"));
    if (!out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "the space output is NULL");
    struct sim_space *space = mem_new(1, sizeof *space);
    space->type = info->referenceSpaceType;
    space->offset = pose_from_xr(info->poseInReferenceSpace);
    add_space(s, space, out);
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateReferenceSpace(XrSession session,
                                                      const XrReferenceSpaceCreateInfo *info,
                                                      XrSpace *space)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = create_reference(s, info, space);
    return sim_session_leave(s, result);
}

static XrResult create_action(struct sim_session *s, const XrActionSpaceCreateInfo *info,
                              XrSpace *out)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_ACTION_SPACE_CREATE_INFO, "XrActionSpaceCreateInfo"));
    SIM_TRY(sim_check_pose(&info->poseInActionSpace, "poseInActionSpace"));
    if (!out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "the space output is NULL");
    struct sim_action *action;
    int hand;
    SIM_TRY(sim_input_find_pose_action(s->instance->input, info->action, info->subactionPath,
                                       &action, &hand));
    struct sim_space *space = mem_new(1, sizeof *space);
    space->action = action;
    space->hand = hand;
    space->offset = pose_from_xr(info->poseInActionSpace);
    add_space(s, space, out);
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateActionSpace(XrSession session,
                                                   const XrActionSpaceCreateInfo *info,
                                                   XrSpace *space)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = create_action(s, info, space);
    return sim_session_leave(s, result);
}

void sim_space_destroy(struct sim_space *space)
{
    struct sim_space **p = &space->session->spaces;
    while (*p != space)
        p = &(*p)->next;
    *p = space->next;
    sim_handle_destroy(SIM_NUMBER(space->handle));
    mem_free(space);
}

// The session that a child handle belongs to. There is at most one.
static struct sim_session *living_session(void)
{
    struct sim_instance *i = sim_instance_current();
    return i ? i->session : NULL;
}

static XrResult enter(XrSpace handle, const char *function, struct sim_session **out_session,
                      struct sim_space **out_space)
{
    struct sim_session *living = living_session();
    XrResult result =
        sim_session_enter(living ? living->handle : XR_NULL_HANDLE, function, out_session);
    *out_space = NULL;
    if (!*out_session)
        return result;
    XrResult error = result;
    *out_space = sim_space_find(*out_session, handle, &error);
    return *out_space ? result : error;
}

XRAPI_ATTR XrResult XRAPI_CALL xrDestroySpace(XrSpace handle)
{
    struct sim_session *s;
    struct sim_space *space;
    XrResult result = enter(handle, __func__, &s, &space);
    if (!space)
        return sim_leave(result);
    sim_space_destroy(space);
    return sim_leave(XR_SUCCESS);
}

static XrResult locate(struct sim_session *s, const struct sim_space *space, XrSpace base_handle,
                       XrTime time, XrSpaceLocation *out)
{
    SIM_TRY(sim_check_struct(out, XR_TYPE_SPACE_LOCATION, "XrSpaceLocation"));
    SIM_TRY(sim_check_time(time, "time"));
    XrResult error = XR_SUCCESS;
    struct sim_space *base = sim_space_find(s, base_handle, &error);
    if (!base)
        return error;
    struct pose a, b;
    int64_t ns = sim_time_to_ns(time);
    XrSpaceVelocity *velocity =
        (XrSpaceVelocity *)sim_check_chained(out->next, XR_TYPE_SPACE_VELOCITY);
    if (velocity)
        velocity->velocityFlags = 0;
    out->locationFlags = 0;
    if (!sim_space_pose(space, ns, &a) || !sim_space_pose(base, ns, &b))
        return XR_SUCCESS;
    out->pose = pose_to_xr(pose_multiply(pose_inverse(b), a));
    out->locationFlags =
        XR_SPACE_LOCATION_ORIENTATION_VALID_BIT | XR_SPACE_LOCATION_POSITION_VALID_BIT |
        XR_SPACE_LOCATION_ORIENTATION_TRACKED_BIT | XR_SPACE_LOCATION_POSITION_TRACKED_BIT;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrLocateSpace(XrSpace space, XrSpace base, XrTime time,
                                             XrSpaceLocation *location)
{
    struct sim_session *s;
    struct sim_space *located;
    XrResult result = enter(space, __func__, &s, &located);
    if (XR_SUCCEEDED(result))
        result = locate(s, located, base, time, location);
    return sim_session_leave(s, result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetReferenceSpaceBoundsRect(XrSession session,
                                                             XrReferenceSpaceType type,
                                                             XrExtent2Df *bounds)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = check_type(type);
    if (XR_SUCCEEDED(result) && !bounds)
        result = sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "bounds is NULL");
    if (XR_SUCCEEDED(result)) {
        *bounds = (XrExtent2Df){0, 0};
        result = XR_SPACE_BOUNDS_UNAVAILABLE;
    }
    return sim_session_leave(s, result);
}

static XrResult locate_views(struct sim_session *s, const XrViewLocateInfo *info,
                             XrViewState *state, uint32_t capacity, uint32_t *count, XrView *views)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_VIEW_LOCATE_INFO, "XrViewLocateInfo"));
    SIM_TRY(sim_check_struct(state, XR_TYPE_VIEW_STATE, "XrViewState"));
    if (info->viewConfigurationType != XR_VIEW_CONFIGURATION_TYPE_PRIMARY_STEREO)
        return sim_wrong(XR_ERROR_VIEW_CONFIGURATION_TYPE_UNSUPPORTED, "view_configuration",
                         "type %d is not offered", (int)info->viewConfigurationType);
    SIM_TRY(sim_check_time(info->displayTime, "displayTime"));
    XrResult error = XR_SUCCESS;
    struct sim_space *base = sim_space_find(s, info->space, &error);
    if (!base)
        return error;
    bool fill;
    SIM_TRY(sim_check_two_call(capacity, count, views, 2, &fill));
    int64_t ns = sim_time_to_ns(info->displayTime);
    struct pose origin;
    state->viewStateFlags = 0;
    if (!sim_space_pose(base, ns, &origin))
        return XR_SUCCESS;
    state->viewStateFlags = XR_VIEW_STATE_ORIENTATION_VALID_BIT | XR_VIEW_STATE_POSITION_VALID_BIT |
                            XR_VIEW_STATE_ORIENTATION_TRACKED_BIT |
                            XR_VIEW_STATE_POSITION_TRACKED_BIT;
    for (int eye = 0; fill && eye < 2; eye++) {
        SIM_TRY(sim_check_struct(&views[eye], XR_TYPE_VIEW, "XrView"));
        struct pose p = pose_multiply(sim_head_pose(ns), sim_head_eye(eye));
        views[eye].pose = pose_to_xr(pose_multiply(pose_inverse(origin), p));
        views[eye].fov = sim_head_fov(eye);
    }
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrLocateViews(XrSession session, const XrViewLocateInfo *info,
                                             XrViewState *state, uint32_t capacity, uint32_t *count,
                                             XrView *views)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = locate_views(s, info, state, capacity, count, views);
    return sim_session_leave(s, result);
}
