#include "tests/headset/sim_input_parts.h"

#include <string.h>

#include "tests/headset/sim_head.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_session.h"

static XrResult check_subaction(const struct sim_action *a, XrPath path, int *out_user)
{
    *out_user = sim_input_user(path);
    if (*out_user < 0 || (*out_user < USERS && !a->subaction[*out_user]))
        return sim_wrong(XR_ERROR_PATH_UNSUPPORTED, "subaction_path",
                         "action %s was made without this subaction path", a->name);
    return XR_SUCCESS;
}

static XrResult check_action(XrAction handle, XrPath subaction, XrActionType type,
                             struct sim_action **out, int *out_user)
{
    XrResult error = XR_SUCCESS;
    *out = sim_input_find_action(handle, &error);
    if (!*out)
        return error;
    if (!(*out)->set->attached)
        return sim_wrong(XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached", "set %s was not attached",
                         (*out)->set->name);
    if ((*out)->type != type)
        return sim_wrong(XR_ERROR_ACTION_TYPE_MISMATCH, "action_type",
                         "action %s is of another type", (*out)->name);
    return check_subaction(*out, subaction, out_user);
}

static XrResult get_state(struct sim_session *s, const XrActionStateGetInfo *info,
                          XrActionType type, const void *out, XrStructureType out_type,
                          struct action_state *state)
{
    struct sim_action *a;
    int user;
    SIM_TRY(sim_check_struct(info, XR_TYPE_ACTION_STATE_GET_INFO, "XrActionStateGetInfo"));
    SIM_TRY(sim_check_struct(out, out_type, "XrActionState"));
    SIM_TRY(check_action(info->action, info->subactionPath, type, &a, &user));
    *state =
        sim_session_focused(s) && a->state[user].active ? a->state[user] : (struct action_state){0};
    return XR_SUCCESS;
}

static XrTime change_time(const struct action_state *state)
{
    return state->active ? sim_time_from_ns(state->changed_ns) : 0;
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetActionStateBoolean(XrSession session,
                                                       const XrActionStateGetInfo *info,
                                                       XrActionStateBoolean *out)
{
    struct sim_session *s;
    struct action_state state;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = get_state(s, info, XR_ACTION_TYPE_BOOLEAN_INPUT, out, XR_TYPE_ACTION_STATE_BOOLEAN,
                           &state);
    if (XR_SUCCEEDED(result)) {
        out->currentState = state.x > 0.5;
        out->changedSinceLastSync = state.changed;
        out->lastChangeTime = change_time(&state);
        out->isActive = state.active;
    }
    return sim_session_leave(s, result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetActionStateFloat(XrSession session,
                                                     const XrActionStateGetInfo *info,
                                                     XrActionStateFloat *out)
{
    struct sim_session *s;
    struct action_state state;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result =
            get_state(s, info, XR_ACTION_TYPE_FLOAT_INPUT, out, XR_TYPE_ACTION_STATE_FLOAT, &state);
    if (XR_SUCCEEDED(result)) {
        out->currentState = (float)state.x;
        out->changedSinceLastSync = state.changed;
        out->lastChangeTime = change_time(&state);
        out->isActive = state.active;
    }
    return sim_session_leave(s, result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetActionStateVector2f(XrSession session,
                                                        const XrActionStateGetInfo *info,
                                                        XrActionStateVector2f *out)
{
    struct sim_session *s;
    struct action_state state;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = get_state(s, info, XR_ACTION_TYPE_VECTOR2F_INPUT, out,
                           XR_TYPE_ACTION_STATE_VECTOR2F, &state);
    if (XR_SUCCEEDED(result)) {
        out->currentState = (XrVector2f){(float)state.x, (float)state.y};
        out->changedSinceLastSync = state.changed;
        out->lastChangeTime = change_time(&state);
        out->isActive = state.active;
    }
    return sim_session_leave(s, result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetActionStatePose(XrSession session,
                                                    const XrActionStateGetInfo *info,
                                                    XrActionStatePose *out)
{
    struct sim_session *s;
    struct action_state state;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result =
            get_state(s, info, XR_ACTION_TYPE_POSE_INPUT, out, XR_TYPE_ACTION_STATE_POSE, &state);
    if (XR_SUCCEEDED(result))
        out->isActive = state.active;
    return sim_session_leave(s, result);
}

XrResult sim_input_find_pose_action(struct sim_input *input, XrAction handle, XrPath subaction,
                                    struct sim_action **out, int *out_hand)
{
    XrResult error = XR_SUCCESS;
    *out = sim_input_find_action(handle, &error);
    if (!*out)
        return error;
    if ((*out)->type != XR_ACTION_TYPE_POSE_INPUT)
        return sim_wrong(XR_ERROR_ACTION_TYPE_MISMATCH, "action_type", "action %s is no pose",
                         (*out)->name);
    int user;
    SIM_TRY(check_subaction(*out, subaction, &user));
    *out_hand = user < 2 ? user : -1;
    return XR_SUCCESS;
}

bool sim_input_hand_pose(struct sim_action *action, int hand, int64_t time_ns, struct pose *out)
{
    struct sim_session *s = action->input->instance->session;
    if (!s || !sim_session_focused(s))
        return false;
    if (hand < 0)
        hand = action->state[1].active ? 1 : 0;
    if (!action->state[hand].active)
        return false;
    // before the chest, pointing forward
    struct pose reach = POSE_IDENTITY;
    reach.at = (struct vec3){hand ? 0.2 : -0.2, -0.35, -0.35};
    *out = pose_multiply(sim_head_rest(), reach);
    return true;
}

// Bound sources and haptics

static XrResult list_sources(struct sim_session *s,
                             const XrBoundSourcesForActionEnumerateInfo *info, uint32_t capacity,
                             uint32_t *count, XrPath *sources)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_BOUND_SOURCES_FOR_ACTION_ENUMERATE_INFO,
                             "XrBoundSourcesForActionEnumerateInfo"));
    struct sim_input *input = s->instance->input;
    XrResult error = XR_SUCCESS;
    struct sim_action *a = sim_input_find_action(info->action, &error);
    if (!a)
        return error;
    if (!a->set->attached)
        return sim_wrong(XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached", "set %s was not attached",
                         a->set->name);
    XrPath list[BINDINGS];
    uint32_t found = 0;
    for (int b = 0; b < input->binding_count; b++) {
        int user = sim_input_path_user(input->bindings[b].path);
        if (input->bindings[b].action == a && user >= 0 &&
            input->profile[user] == input->bindings[b].profile)
            SIM_TRY(sim_path_from_text(input->bindings[b].path, &list[found++]));
    }
    bool fill;
    SIM_TRY(sim_check_two_call(capacity, count, sources, found, &fill));
    if (fill)
        memcpy(sources, list, found * sizeof *list);
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrEnumerateBoundSourcesForAction(
    XrSession session, const XrBoundSourcesForActionEnumerateInfo *info, uint32_t capacity,
    uint32_t *count, XrPath *sources)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = list_sources(s, info, capacity, count, sources);
    return sim_session_leave(s, result);
}

static XrResult source_name(struct sim_session *s, const XrInputSourceLocalizedNameGetInfo *info,
                            uint32_t capacity, uint32_t *count, char *buffer)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_INPUT_SOURCE_LOCALIZED_NAME_GET_INFO,
                             "XrInputSourceLocalizedNameGetInfo"));
    const char *path = sim_path_text(info->sourcePath);
    if (!s->instance->input->attached)
        return sim_wrong(XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached",
                         "no action sets were attached");
    if (!path)
        return sim_wrong(XR_ERROR_PATH_INVALID, "path", "sourcePath is no path");
    if (!info->whichComponents || info->whichComponents > 7)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "source_components",
                         "whichComponents is %#llx", (unsigned long long)info->whichComponents);
    bool fill;
    SIM_TRY(sim_check_two_call(capacity, count, buffer, (uint32_t)strlen(path) + 1, &fill));
    if (fill)
        memcpy(buffer, path, strlen(path) + 1);
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL
xrGetInputSourceLocalizedName(XrSession session, const XrInputSourceLocalizedNameGetInfo *info,
                              uint32_t capacity, uint32_t *count, char *buffer)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = source_name(s, info, capacity, count, buffer);
    return sim_session_leave(s, result);
}

static XrResult check_haptic(struct sim_session *s, const XrHapticActionInfo *info)
{
    struct sim_action *a;
    int user;
    SIM_TRY(sim_check_struct(info, XR_TYPE_HAPTIC_ACTION_INFO, "XrHapticActionInfo"));
    SIM_TRY(check_action(info->action, info->subactionPath, XR_ACTION_TYPE_VIBRATION_OUTPUT, &a,
                         &user));
    return sim_session_focused(s) ? XR_SUCCESS : XR_SESSION_NOT_FOCUSED;
}

XRAPI_ATTR XrResult XRAPI_CALL xrApplyHapticFeedback(XrSession session,
                                                     const XrHapticActionInfo *info,
                                                     const XrHapticBaseHeader *haptic)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = sim_check_struct(haptic, XR_TYPE_HAPTIC_VIBRATION, "XrHapticVibration");
    if (XR_SUCCEEDED(result))
        result = check_haptic(s, info);
    if (result == XR_SUCCESS)
        sim_report_counts()->haptics++;
    return sim_session_leave(s, result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrStopHapticFeedback(XrSession session,
                                                    const XrHapticActionInfo *info)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = check_haptic(s, info);
    return sim_session_leave(s, result);
}
