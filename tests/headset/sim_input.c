#include "tests/headset/sim_input_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_config.h"
#include "tests/headset/sim_head.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_session.h"

#define CONTROLS 64

const char *const sim_input_users[USERS] = {"/user/hand/left", "/user/hand/right", "/user/head",
                                            "/user/gamepad"};

// What one control of the controllers says.
struct control {
    char path[XR_MAX_PATH_LENGTH];
    double x, y;
    int64_t changed_ns;
};
static struct control controls[CONTROLS];
static int control_count;
static bool absent;

struct sim_input *sim_input_create(struct sim_instance *i)
{
    struct sim_input *input = mem_new(1, sizeof *input);
    input->instance = i;
    for (int u = 0; u < USERS; u++)
        input->profile[u] = -1;
    return input;
}

static void free_set(struct sim_action_set *set)
{
    while (set->actions) {
        struct sim_action *a = set->actions;
        set->actions = a->next;
        if (!a->destroyed)
            sim_handle_destroy(SIM_NUMBER(a->handle));
        mem_free(a);
    }
    if (!set->destroyed)
        sim_handle_destroy(SIM_NUMBER(set->handle));
    mem_free(set);
}

void sim_input_destroy(struct sim_input **input)
{
    while (*input && (*input)->sets) {
        struct sim_action_set *set = (*input)->sets;
        (*input)->sets = set->next;
        free_set(set);
    }
    mem_free(*input);
    *input = NULL;
}

void sim_input_detach(struct sim_input *input)
{
    input->attached = false;
    for (struct sim_action_set *set = input->sets; set; set = set->next) {
        set->attached = set->active = false;
        for (struct sim_action *a = set->actions; a; a = a->next)
            memset(a->state, 0, sizeof a->state);
    }
    for (int u = 0; u < USERS; u++)
        input->profile[u] = -1;
}

// The controllers

static struct control *find_control(const char *path, size_t length)
{
    for (int c = 0; c < control_count; c++)
        if (strlen(controls[c].path) == length && !strncmp(controls[c].path, path, length))
            return &controls[c];
    return NULL;
}

void sim_input_set(const char *path, double x, double y)
{
    struct control *c = find_control(path, strlen(path));
    if (!c && control_count < CONTROLS) {
        c = &controls[control_count++];
        snprintf(c->path, sizeof c->path, "%s", path);
    }
    if (c) {
        c->x = x;
        c->y = y;
        c->changed_ns = clock_now_ns();
    }
}

void sim_input_set_present(bool present)
{
    absent = !present;
}

void sim_input_reset(void)
{
    control_count = 0;
    absent = false;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), e = strlen(end);
    return n > e && !strcmp(text + n - e, end);
}

int sim_input_path_user(const char *path)
{
    for (int u = 0; u < USERS; u++)
        if (!strncmp(path, sim_input_users[u], strlen(sim_input_users[u])) &&
            path[strlen(sim_input_users[u])] == '/')
            return u;
    return -1;
}

// What a binding says for an action of this type. A path without a component means the best one
// that it has.
static struct action_state read_binding(const struct binding *b, XrActionType type)
{
    struct action_state s = {.active = true};
    const char *path = b->path;
    const struct control *c = find_control(path, strlen(path));
    if (!c && (ends_with(path, "/x") || ends_with(path, "/y"))) {
        c = find_control(path, strlen(path) - 2);
        if (c) {
            s.x = ends_with(path, "/x") ? c->x : c->y;
            s.changed_ns = c->changed_ns;
        }
        return s;
    }
    static const char *const components[2][2] = {{"/click", "/value"}, {"/value", "/click"}};
    for (int n = 0; !c && n < 2 && type != XR_ACTION_TYPE_VECTOR2F_INPUT; n++) {
        char full[XR_MAX_PATH_LENGTH + 8];
        snprintf(full, sizeof full, "%s%s", path,
                 components[type == XR_ACTION_TYPE_FLOAT_INPUT][n]);
        c = find_control(full, strlen(full));
    }
    if (c) {
        s.x = c->x;
        s.y = c->y;
        s.changed_ns = c->changed_ns;
    }
    return s;
}

// Suggested bindings

static XrResult suggest(struct sim_input *input, const XrInteractionProfileSuggestedBinding *info)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_INTERACTION_PROFILE_SUGGESTED_BINDING,
                             "XrInteractionProfileSuggestedBinding"));
    const char *name = sim_path_text(info->interactionProfile);
    if (!name)
        return sim_wrong(XR_ERROR_PATH_INVALID, "path", "interactionProfile is no path");
    int profile = sim_profile_find(name);
    if (profile < 0)
        return sim_wrong(XR_ERROR_PATH_UNSUPPORTED, "interaction_profile",
                         "%s is not of OpenXR 1.0", name);
    if (!info->countSuggestedBindings || !info->suggestedBindings)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "suggested_bindings",
                         "there are no bindings");
    for (uint32_t n = 0; n < info->countSuggestedBindings; n++) {
        XrResult error = XR_SUCCESS;
        struct sim_action *a = sim_input_find_action(info->suggestedBindings[n].action, &error);
        const char *path = sim_path_text(info->suggestedBindings[n].binding);
        if (!a)
            return error;
        if (a->set->frozen)
            return sim_wrong(XR_ERROR_ACTIONSETS_ALREADY_ATTACHED, "action_set_frozen",
                             "set %s was attached", a->set->name);
        if (!path)
            return sim_wrong(XR_ERROR_PATH_INVALID, "path", "binding %u is no path", n);
        if (!sim_profile_allows(profile, path))
            return sim_wrong(XR_ERROR_PATH_UNSUPPORTED, "binding_path", "%s is not in %s", path,
                             name);
    }
    int kept = 0;
    for (int b = 0; b < input->binding_count; b++)
        if (input->bindings[b].profile != profile)
            input->bindings[kept++] = input->bindings[b];
    input->binding_count = kept;
    for (uint32_t n = 0; n < info->countSuggestedBindings && input->binding_count < BINDINGS; n++) {
        struct binding *b = &input->bindings[input->binding_count++];
        XrResult error;
        *b = (struct binding){.profile = profile,
                              .action =
                                  sim_input_find_action(info->suggestedBindings[n].action, &error)};
        snprintf(b->path, sizeof b->path, "%s", sim_path_text(info->suggestedBindings[n].binding));
    }
    input->suggested[profile] = true;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrSuggestInteractionProfileBindings(
    XrInstance instance, const XrInteractionProfileSuggestedBinding *info)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = suggest(i->input, info);
    return sim_leave(result);
}

static XrResult attach(struct sim_input *input, const XrSessionActionSetsAttachInfo *info)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_SESSION_ACTION_SETS_ATTACH_INFO,
                             "XrSessionActionSetsAttachInfo"));
    if (input->attached)
        return sim_wrong(XR_ERROR_ACTIONSETS_ALREADY_ATTACHED, "attach_twice",
                         "sets were attached already");
    if (!info->countActionSets || !info->actionSets)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "attach_none", "there are no sets");
    XrResult error = XR_SUCCESS;
    for (uint32_t n = 0; n < info->countActionSets; n++)
        if (!sim_input_find_set(info->actionSets[n], &error))
            return error;
    for (uint32_t n = 0; n < info->countActionSets; n++) {
        struct sim_action_set *set = sim_input_find_set(info->actionSets[n], &error);
        set->attached = set->frozen = true;
    }
    input->attached = true;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrAttachSessionActionSets(XrSession session,
                                                         const XrSessionActionSetsAttachInfo *info)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = attach(s->instance->input, info);
    return sim_session_leave(s, result);
}

// The profile of the controllers where the application knows it, else any that it knows for this
// user.
static int choose_profile(const struct sim_input *input, int user)
{
    int own = sim_profile_find(sim_config()->controller), other = -1;
    for (int b = 0; b < input->binding_count; b++) {
        if (sim_input_path_user(input->bindings[b].path) != user)
            continue;
        if (input->bindings[b].profile == own)
            return own;
        if (other < 0)
            other = input->bindings[b].profile;
    }
    return user < 2 ? other : -1; // the simulated person has two hands and no game pad
}

static void choose_profiles(struct sim_session *s)
{
    struct sim_input *input = s->instance->input;
    bool changed = false;
    for (int u = 0; u < USERS; u++) {
        int profile = absent ? -1 : choose_profile(input, u);
        changed |= profile != input->profile[u];
        input->profile[u] = profile;
    }
    if (!changed)
        return;
    XrEventDataInteractionProfileChanged event = {XR_TYPE_EVENT_DATA_INTERACTION_PROFILE_CHANGED,
                                                  NULL, s->handle};
    sim_event_push(&event, sizeof event);
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetCurrentInteractionProfile(XrSession session, XrPath user,
                                                              XrInteractionProfileState *out)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result =
            sim_check_struct(out, XR_TYPE_INTERACTION_PROFILE_STATE, "XrInteractionProfileState");
    if (XR_FAILED(result))
        return sim_session_leave(s, result);
    struct sim_input *input = s->instance->input;
    int u = sim_input_user(user);
    if (!input->attached)
        result = sim_wrong(XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached",
                           "no action sets were attached");
    else if (u < 0 || u == USERS)
        result = sim_wrong(XR_ERROR_PATH_UNSUPPORTED, "user_path", "%llu is no top level user path",
                           (unsigned long long)user);
    else if (input->profile[u] < 0)
        out->interactionProfile = XR_NULL_PATH;
    else
        result = sim_path_from_text(sim_profile_name(input->profile[u]), &out->interactionProfile);
    return sim_session_leave(s, result);
}

// Synchronisation

// A source belongs to the active set of highest priority that is bound to it.
static bool overruled(const struct sim_input *input, const struct binding *mine)
{
    for (int b = 0; b < input->binding_count; b++) {
        const struct binding *other = &input->bindings[b];
        if (other->profile == mine->profile && other->action->set->active &&
            other->action->set->priority > mine->action->set->priority &&
            !strcmp(other->path, mine->path))
            return true;
    }
    return false;
}

static void merge(struct action_state *into, const struct action_state *one)
{
    bool more = !into->active || hypot(one->x, one->y) > hypot(into->x, into->y);
    into->active = true;
    if (more) {
        into->x = one->x;
        into->y = one->y;
    }
    if (one->changed_ns > into->changed_ns)
        into->changed_ns = one->changed_ns;
}

static void update_action(struct sim_input *input, struct sim_action *a, bool focused)
{
    struct action_state fresh[USERS + 1] = {0};
    for (int b = 0; focused && a->set->active && b < input->binding_count; b++) {
        const struct binding *binding = &input->bindings[b];
        int user = sim_input_path_user(binding->path);
        if (binding->action != a || user < 0 || input->profile[user] != binding->profile ||
            overruled(input, binding))
            continue;
        struct action_state one = read_binding(binding, a->type);
        merge(&fresh[user], &one);
        merge(&fresh[USERS], &one);
    }
    for (int u = 0; u <= USERS; u++) {
        struct action_state *old = &a->state[u], *new = &fresh[u];
        if (a->type == XR_ACTION_TYPE_BOOLEAN_INPUT)
            new->x = new->x > 0.5;
        new->changed = old->active &&new->active && (old->x != new->x || old->y != new->y);
        *old = *new;
    }
}

static XrResult sync_actions(struct sim_session *s, const XrActionsSyncInfo *info)
{
    struct sim_input *input = s->instance->input;
    SIM_TRY(sim_check_struct(info, XR_TYPE_ACTIONS_SYNC_INFO, "XrActionsSyncInfo"));
    if (info->countActiveActionSets && !info->activeActionSets)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "sync_null", "activeActionSets is NULL");
    XrResult error = XR_SUCCESS;
    for (uint32_t n = 0; n < info->countActiveActionSets; n++) {
        struct sim_action_set *set =
            sim_input_find_set(info->activeActionSets[n].actionSet, &error);
        if (!set)
            return error;
        if (!set->attached)
            return sim_wrong(XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached",
                             "set %s was not attached", set->name);
        if (sim_input_user(info->activeActionSets[n].subactionPath) < 0)
            return sim_wrong(XR_ERROR_PATH_UNSUPPORTED, "subaction_path",
                             "no action of the set has this subaction");
    }
    for (struct sim_action_set *set = input->sets; set; set = set->next)
        set->active = false;
    for (uint32_t n = 0; n < info->countActiveActionSets; n++)
        sim_input_find_set(info->activeActionSets[n].actionSet, &error)->active = true;
    bool focused = sim_session_focused(s);
    if (focused && s->running)
        choose_profiles(s);
    for (struct sim_action_set *set = input->sets; set; set = set->next)
        for (struct sim_action *a = set->actions; a; a = a->next)
            update_action(input, a, focused);
    return focused ? XR_SUCCESS : XR_SESSION_NOT_FOCUSED;
}

XRAPI_ATTR XrResult XRAPI_CALL xrSyncActions(XrSession session, const XrActionsSyncInfo *info)
{
    struct sim_session *s;
    XrResult result = sim_session_enter(session, __func__, &s);
    if (XR_SUCCEEDED(result))
        result = sync_actions(s, info);
    return sim_session_leave(s, result);
}
