#include "viewer/display_xr_input.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "viewer/commands.h"

#define STICK_ON 0.6f // of its way, before it means something
#define SEEK_S 10.0
#define SEEK_AGAIN_NS (500 * NS_PER_MS)
#define RESIZE_FACTOR 1.02
#define RESIZE_AGAIN_NS (30 * NS_PER_MS)

enum action { PAUSE, RECENTER, STICK };

struct binding {
    enum action action;
    const char *path;
};

struct profile {
    const char *name;
    struct binding bindings[10]; // path NULL: the end
};

// The profiles of OpenXR 1.0 (specification, "Interaction Profile Paths").
static const struct profile PROFILES[] = {
    {"/interaction_profiles/khr/simple_controller",
     {{PAUSE, "/user/hand/left/input/select/click"},
      {PAUSE, "/user/hand/right/input/select/click"},
      {RECENTER, "/user/hand/left/input/menu/click"},
      {RECENTER, "/user/hand/right/input/menu/click"}}},
    {"/interaction_profiles/oculus/touch_controller",
     {{PAUSE, "/user/hand/left/input/trigger/value"},
      {PAUSE, "/user/hand/right/input/trigger/value"},
      {PAUSE, "/user/hand/left/input/x/click"},
      {PAUSE, "/user/hand/right/input/a/click"},
      {RECENTER, "/user/hand/left/input/y/click"},
      {RECENTER, "/user/hand/right/input/b/click"},
      {RECENTER, "/user/hand/left/input/menu/click"},
      {STICK, "/user/hand/left/input/thumbstick"},
      {STICK, "/user/hand/right/input/thumbstick"}}},
    {"/interaction_profiles/valve/index_controller",
     {{PAUSE, "/user/hand/left/input/trigger/click"},
      {PAUSE, "/user/hand/right/input/trigger/click"},
      {PAUSE, "/user/hand/left/input/a/click"},
      {PAUSE, "/user/hand/right/input/a/click"},
      {RECENTER, "/user/hand/left/input/b/click"},
      {RECENTER, "/user/hand/right/input/b/click"},
      {STICK, "/user/hand/left/input/thumbstick"},
      {STICK, "/user/hand/right/input/thumbstick"}}},
    // its pad answers to every touch: left alone
    {"/interaction_profiles/htc/vive_controller",
     {{PAUSE, "/user/hand/left/input/trigger/click"},
      {PAUSE, "/user/hand/right/input/trigger/click"},
      {RECENTER, "/user/hand/left/input/menu/click"},
      {RECENTER, "/user/hand/right/input/menu/click"}}},
    {"/interaction_profiles/microsoft/motion_controller",
     {{PAUSE, "/user/hand/left/input/trigger/value"},
      {PAUSE, "/user/hand/right/input/trigger/value"},
      {RECENTER, "/user/hand/left/input/menu/click"},
      {RECENTER, "/user/hand/right/input/menu/click"},
      {STICK, "/user/hand/left/input/thumbstick"},
      {STICK, "/user/hand/right/input/thumbstick"}}},
};

static XrResult create_action(struct xr_input *in, const char *name, const char *title,
                              XrActionType type, XrAction *out)
{
    XrActionCreateInfo info = {.type = XR_TYPE_ACTION_CREATE_INFO, .actionType = type};

    snprintf(info.actionName, sizeof(info.actionName), "%s", name);
    snprintf(info.localizedActionName, sizeof(info.localizedActionName), "%s", title);
    return xrCreateAction(in->set, &info, out);
}

static XrResult create_actions(struct xr_input *in)
{
    XrActionSetCreateInfo info = {.type = XR_TYPE_ACTION_SET_CREATE_INFO,
                                  .actionSetName = "film",
                                  .localizedActionSetName = "Film"};
    XrResult result = xrCreateActionSet(in->system->instance, &info, &in->set);

    if (XR_FAILED(result)) {
        in->set = XR_NULL_HANDLE;
        return result;
    }
    result = create_action(in, "pause", "Pause", XR_ACTION_TYPE_BOOLEAN_INPUT, &in->pause);
    if (XR_SUCCEEDED(result))
        result = create_action(in, "recenter", "Screen before me", XR_ACTION_TYPE_BOOLEAN_INPUT,
                               &in->recenter);
    if (XR_SUCCEEDED(result))
        result = create_action(in, "stick", "Seek and screen size", XR_ACTION_TYPE_VECTOR2F_INPUT,
                               &in->stick);
    return result;
}

static XrResult suggest(struct xr_input *in, const struct profile *profile)
{
    const XrAction actions[] = {in->pause, in->recenter, in->stick};
    XrActionSuggestedBinding bindings[10];
    XrInteractionProfileSuggestedBinding info = {
        .type = XR_TYPE_INTERACTION_PROFILE_SUGGESTED_BINDING,
        .suggestedBindings = bindings,
    };
    XrResult result = xrStringToPath(in->system->instance, profile->name, &info.interactionProfile);

    for (int i = 0; i < 10 && profile->bindings[i].path && XR_SUCCEEDED(result); i++) {
        bindings[i].action = actions[profile->bindings[i].action];
        result =
            xrStringToPath(in->system->instance, profile->bindings[i].path, &bindings[i].binding);
        info.countSuggestedBindings++;
    }
    if (XR_SUCCEEDED(result))
        result = xrSuggestInteractionProfileBindings(in->system->instance, &info);
    return result;
}

void xr_input_init(struct xr_input *in, struct xr_system *system, struct command_queue *commands)
{
    XrResult result;

    *in = (struct xr_input){.system = system, .commands = commands};
    result = create_actions(in);
    if (XR_FAILED(result)) {
        log_info("headset: no controllers: %s", xr_result_name(result));
        xr_input_finish(in);
        return;
    }
    for (size_t i = 0; i < sizeof(PROFILES) / sizeof(PROFILES[0]); i++) {
        result = suggest(in, &PROFILES[i]);
        if (XR_FAILED(result))
            log_debug("headset: %s refused: %s", PROFILES[i].name, xr_result_name(result));
    }
}

void xr_input_finish(struct xr_input *in)
{
    if (in->set != XR_NULL_HANDLE)
        xrDestroyActionSet(in->set);
    memset(in, 0, sizeof(*in));
}

void xr_input_attach(struct xr_input *in, XrSession session)
{
    XrSessionActionSetsAttachInfo info = {.type = XR_TYPE_SESSION_ACTION_SETS_ATTACH_INFO,
                                          .countActionSets = 1,
                                          .actionSets = &in->set};
    XrResult result;

    in->attached = false;
    in->seek_ns = in->resize_ns = 0;
    if (in->set == XR_NULL_HANDLE)
        return;
    result = xrAttachSessionActionSets(session, &info);
    in->attached = XR_SUCCEEDED(result);
    if (!in->attached)
        log_info("headset: no controllers: %s", xr_result_name(result));
}

// The button went down since the last update.
static bool pressed(XrSession session, XrAction action)
{
    XrActionStateGetInfo info = {.type = XR_TYPE_ACTION_STATE_GET_INFO, .action = action};
    XrActionStateBoolean state = {.type = XR_TYPE_ACTION_STATE_BOOLEAN};

    return XR_SUCCEEDED(xrGetActionStateBoolean(session, &info, &state)) && state.isActive &&
           state.changedSinceLastSync && state.currentState;
}

static XrVector2f stick_position(XrSession session, XrAction action)
{
    XrActionStateGetInfo info = {.type = XR_TYPE_ACTION_STATE_GET_INFO, .action = action};
    XrActionStateVector2f state = {.type = XR_TYPE_ACTION_STATE_VECTOR2F};

    if (XR_FAILED(xrGetActionStateVector2f(session, &info, &state)) || !state.isActive)
        return (XrVector2f){0, 0};
    return state.currentState;
}

// Whether a stick held in one direction acts now: at once, then every again_ns.
static bool acts(int64_t *at_ns, bool held, int64_t now_ns, int64_t again_ns)
{
    if (!held) {
        *at_ns = 0;
        return false;
    }
    if (now_ns < *at_ns)
        return false;
    *at_ns = now_ns + again_ns;
    return true;
}

static void read_stick(struct xr_input *in, XrVector2f stick, int64_t now_ns)
{
    bool sideways = fabsf(stick.x) > fabsf(stick.y);

    if (acts(&in->seek_ns, sideways && fabsf(stick.x) > STICK_ON, now_ns, SEEK_AGAIN_NS))
        command_queue_push(in->commands, COMMAND_SEEK_BY, stick.x > 0 ? SEEK_S : -SEEK_S);
    if (acts(&in->resize_ns, !sideways && fabsf(stick.y) > STICK_ON, now_ns, RESIZE_AGAIN_NS))
        command_queue_push(in->commands, COMMAND_SCREEN_SIZE_BY,
                           stick.y > 0 ? RESIZE_FACTOR : 1 / RESIZE_FACTOR);
}

bool xr_input_update(struct xr_input *in, XrSession session, int64_t now_ns)
{
    XrActiveActionSet active = {.actionSet = in->set};
    XrActionsSyncInfo info = {
        .type = XR_TYPE_ACTIONS_SYNC_INFO, .countActiveActionSets = 1, .activeActionSets = &active};
    XrResult result;

    if (!in->attached)
        return true;
    result = xrSyncActions(session, &info);
    if (xr_result_lost(result))
        return xr_check(in->system, result, "xrSyncActions", __FILE__, __LINE__);
    if (XR_FAILED(result)) {
        log_warn("headset: no controllers until its next session: %s", xr_result_name(result));
        in->attached = false;
        return true;
    }
    if (result == XR_SESSION_NOT_FOCUSED)
        return true;
    if (pressed(session, in->pause))
        command_queue_push(in->commands, COMMAND_PAUSE, 0);
    if (pressed(session, in->recenter))
        command_queue_push(in->commands, COMMAND_RECENTER, 0);
    read_stick(in, stick_position(session, in->stick), now_ns);
    return true;
}
