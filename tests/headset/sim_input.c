#include "tests/headset/sim_input.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "tests/headset/sim_config.h"
#include "tests/headset/sim_head.h"
#include "tests/headset/sim_profile.h"
#include "tests/headset/sim_report.h"
#include "tests/headset/sim_session.h"

#define CONTROLS 64
#define BINDINGS 512
#define USERS 4

static const char *const users[USERS] = {"/user/hand/left", "/user/hand/right", "/user/head",
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

struct sim_action_set {
    XrActionSet handle;
    struct sim_action_set *next;
    struct sim_action *actions;
    char name[XR_MAX_ACTION_SET_NAME_SIZE], localized[XR_MAX_LOCALIZED_ACTION_SET_NAME_SIZE];
    uint32_t priority;
    bool destroyed; // the handle is gone; what is bound stays
    bool frozen;    // was attached once: nothing changes any more
    bool attached;  // to the living session
    bool active;    // in the last xrSyncActions
};

struct state {
    bool active, changed;
    double x, y;
    int64_t changed_ns;
};

struct sim_action {
    XrAction handle;
    struct sim_action_set *set;
    struct sim_action *next;
    struct sim_input *input;
    char name[XR_MAX_ACTION_NAME_SIZE], localized[XR_MAX_LOCALIZED_ACTION_NAME_SIZE];
    XrActionType type;
    bool destroyed;
    bool subaction[USERS];         // declared when made
    struct state state[USERS + 1]; // the last: all of them together
};

struct binding {
    int profile;
    struct sim_action *action;
    char path[XR_MAX_PATH_LENGTH];
};

struct sim_input {
    struct sim_instance *instance;
    struct sim_action_set *sets;
    struct binding bindings[BINDINGS];
    int binding_count;
    bool suggested[SIM_PROFILES];
    bool attached;
    int profile[USERS]; // in use; -1: none
};

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

static int user_of(const char *path)
{
    for (int u = 0; u < USERS; u++)
        if (!strncmp(path, users[u], strlen(users[u])) && path[strlen(users[u])] == '/')
            return u;
    return -1;
}

// What a binding says for an action of this type. A path without a component means the best one
// that it has.
static struct state read_binding(const struct binding *b, XrActionType type)
{
    struct state s = {.active = true};
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

// Action sets and actions

static bool ends_within(const char *text, size_t size)
{
    return memchr(text, 0, size) != NULL;
}

// One level of a path.
static XrResult check_name(const char *name, size_t name_size, const char *localized,
                           size_t localized_size)
{
    if (!ends_within(name, name_size) || !ends_within(localized, localized_size))
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "action_name",
                         "a name does not end within its array");
    if (!*name)
        return sim_wrong(XR_ERROR_NAME_INVALID, "action_name", "the name is empty");
    if (!*localized)
        return sim_wrong(XR_ERROR_LOCALIZED_NAME_INVALID, "action_name",
                         "the localized name is empty");
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name))
        return sim_wrong(XR_ERROR_PATH_FORMAT_INVALID, "action_name",
                         "\"%s\" is no level of a path", name);
    return XR_SUCCESS;
}

static XrResult create_set(struct sim_input *input, const XrActionSetCreateInfo *info,
                           XrActionSet *out)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_ACTION_SET_CREATE_INFO, "XrActionSetCreateInfo"));
    if (!out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "the set output is NULL");
    SIM_TRY(check_name(info->actionSetName, sizeof info->actionSetName,
                       info->localizedActionSetName, sizeof info->localizedActionSetName));
    for (struct sim_action_set *set = input->sets; set; set = set->next) {
        if (!set->destroyed && !strcmp(set->name, info->actionSetName))
            return sim_wrong(XR_ERROR_NAME_DUPLICATED, "action_name", "there is a set %s",
                             set->name);
        if (!set->destroyed && !strcmp(set->localized, info->localizedActionSetName))
            return sim_wrong(XR_ERROR_LOCALIZED_NAME_DUPLICATED, "action_name", "there is a set %s",
                             set->localized);
    }
    struct sim_action_set *set = mem_new(1, sizeof *set);
    memcpy(set->name, info->actionSetName, sizeof set->name);
    memcpy(set->localized, info->localizedActionSetName, sizeof set->localized);
    set->priority = info->priority;
    set->next = input->sets;
    input->sets = set;
    set->handle = SIM_HANDLE(XrActionSet, sim_handle_create(SIM_ACTION_SET, set));
    *out = set->handle;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateActionSet(XrInstance instance,
                                                 const XrActionSetCreateInfo *info,
                                                 XrActionSet *set)
{
    struct sim_instance *i;
    XrResult result = sim_instance_enter(instance, __func__, &i);
    if (XR_SUCCEEDED(result))
        result = create_set(i->input, info, set);
    return sim_leave(result);
}

// For calls that start from an action or a set: there is one instance.
static XrResult enter(const char *function, struct sim_instance **i)
{
    struct sim_instance *living = sim_instance_current();
    return sim_instance_enter(living ? living->handle : XR_NULL_HANDLE, function, i);
}

static struct sim_action_set *find_set(XrActionSet handle, XrResult *out_error)
{
    struct sim_action_set *set = sim_handle_object(SIM_ACTION_SET, SIM_NUMBER(handle));
    if (!set)
        *out_error =
            sim_wrong(XR_ERROR_HANDLE_INVALID, "handle", "%p is no action set", (void *)handle);
    return set;
}

static struct sim_action *find_action(XrAction handle, XrResult *out_error)
{
    struct sim_action *action = sim_handle_object(SIM_ACTION, SIM_NUMBER(handle));
    if (!action)
        *out_error =
            sim_wrong(XR_ERROR_HANDLE_INVALID, "handle", "%p is no action", (void *)handle);
    return action;
}

static void destroy_action(struct sim_action *a)
{
    if (!a->destroyed)
        sim_handle_destroy(SIM_NUMBER(a->handle));
    a->destroyed = true;
}

XRAPI_ATTR XrResult XRAPI_CALL xrDestroyActionSet(XrActionSet handle)
{
    struct sim_instance *i;
    XrResult result = enter(__func__, &i);
    if (!i)
        return sim_leave(result);
    struct sim_action_set *set = find_set(handle, &result);
    if (!set)
        return sim_leave(result);
    for (struct sim_action *a = set->actions; a; a = a->next)
        destroy_action(a);
    sim_handle_destroy(SIM_NUMBER(handle));
    set->destroyed = true;
    return sim_leave(XR_SUCCESS);
}

// Which user a path is; USERS for XR_NULL_PATH, -1 for anything else.
static int user_from_path(XrPath path)
{
    if (path == XR_NULL_PATH)
        return USERS;
    const char *text = sim_path_text(path);
    for (int u = 0; text && u < USERS; u++)
        if (!strcmp(users[u], text))
            return u;
    return -1;
}

static XrResult read_subactions(const XrActionCreateInfo *info, bool *out)
{
    if (info->countSubactionPaths && !info->subactionPaths)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "subaction_null", "subactionPaths is NULL");
    for (uint32_t n = 0; n < info->countSubactionPaths; n++) {
        int u = user_from_path(info->subactionPaths[n]);
        if (u < 0 || u == USERS || out[u])
            return sim_wrong(XR_ERROR_PATH_UNSUPPORTED, "subaction_path",
                             "subactionPaths[%u] is no top level user path, or there twice", n);
        out[u] = true;
    }
    return XR_SUCCESS;
}

static XrResult create_action(struct sim_input *input, struct sim_action_set *set,
                              const XrActionCreateInfo *info, XrAction *out)
{
    SIM_TRY(sim_check_struct(info, XR_TYPE_ACTION_CREATE_INFO, "XrActionCreateInfo"));
    if (!out)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "output_null", "the action output is NULL");
    if (set->frozen)
        return sim_wrong(XR_ERROR_ACTIONSETS_ALREADY_ATTACHED, "action_set_frozen",
                         "set %s was attached", set->name);
    SIM_TRY(check_name(info->actionName, sizeof info->actionName, info->localizedActionName,
                       sizeof info->localizedActionName));
    switch (info->actionType) {
    case XR_ACTION_TYPE_BOOLEAN_INPUT:
    case XR_ACTION_TYPE_FLOAT_INPUT:
    case XR_ACTION_TYPE_VECTOR2F_INPUT:
    case XR_ACTION_TYPE_POSE_INPUT:
    case XR_ACTION_TYPE_VIBRATION_OUTPUT:
        break;
    default:
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "action_type", "%d is no action type",
                         (int)info->actionType);
    }
    for (struct sim_action *a = set->actions; a; a = a->next) {
        if (!a->destroyed && !strcmp(a->name, info->actionName))
            return sim_wrong(XR_ERROR_NAME_DUPLICATED, "action_name", "there is an action %s",
                             a->name);
        if (!a->destroyed && !strcmp(a->localized, info->localizedActionName))
            return sim_wrong(XR_ERROR_LOCALIZED_NAME_DUPLICATED, "action_name",
                             "there is an action %s", a->localized);
    }
    bool subaction[USERS] = {0};
    SIM_TRY(read_subactions(info, subaction));
    struct sim_action *a = mem_new(1, sizeof *a);
    memcpy(a->name, info->actionName, sizeof a->name);
    memcpy(a->localized, info->localizedActionName, sizeof a->localized);
    memcpy(a->subaction, subaction, sizeof subaction);
    a->type = info->actionType;
    a->set = set;
    a->input = input;
    a->next = set->actions;
    set->actions = a;
    a->handle = SIM_HANDLE(XrAction, sim_handle_create(SIM_ACTION, a));
    *out = a->handle;
    return XR_SUCCESS;
}

XRAPI_ATTR XrResult XRAPI_CALL xrCreateAction(XrActionSet handle, const XrActionCreateInfo *info,
                                              XrAction *action)
{
    struct sim_instance *i;
    XrResult result = enter(__func__, &i);
    if (XR_FAILED(result))
        return sim_leave(result);
    struct sim_action_set *set = find_set(handle, &result);
    if (set)
        result = create_action(i->input, set, info, action);
    return sim_leave(result);
}

XRAPI_ATTR XrResult XRAPI_CALL xrDestroyAction(XrAction handle)
{
    struct sim_instance *i;
    XrResult result = enter(__func__, &i);
    if (!i)
        return sim_leave(result);
    struct sim_action *action = find_action(handle, &result);
    if (!action)
        return sim_leave(result);
    destroy_action(action);
    return sim_leave(XR_SUCCESS);
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
        struct sim_action *a = find_action(info->suggestedBindings[n].action, &error);
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
                              .action = find_action(info->suggestedBindings[n].action, &error)};
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
        if (!find_set(info->actionSets[n], &error))
            return error;
    for (uint32_t n = 0; n < info->countActionSets; n++) {
        struct sim_action_set *set = find_set(info->actionSets[n], &error);
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
        if (user_of(input->bindings[b].path) != user)
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
    int u = user_from_path(user);
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

static void merge(struct state *into, const struct state *one)
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
    struct state fresh[USERS + 1] = {0};
    for (int b = 0; focused && a->set->active && b < input->binding_count; b++) {
        const struct binding *binding = &input->bindings[b];
        int user = user_of(binding->path);
        if (binding->action != a || user < 0 || input->profile[user] != binding->profile ||
            overruled(input, binding))
            continue;
        struct state one = read_binding(binding, a->type);
        merge(&fresh[user], &one);
        merge(&fresh[USERS], &one);
    }
    for (int u = 0; u <= USERS; u++) {
        struct state *old = &a->state[u], *new = &fresh[u];
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
        struct sim_action_set *set = find_set(info->activeActionSets[n].actionSet, &error);
        if (!set)
            return error;
        if (!set->attached)
            return sim_wrong(XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached",
                             "set %s was not attached", set->name);
        if (user_from_path(info->activeActionSets[n].subactionPath) < 0)
            return sim_wrong(XR_ERROR_PATH_UNSUPPORTED, "subaction_path",
                             "no action of the set has this subaction");
    }
    for (struct sim_action_set *set = input->sets; set; set = set->next)
        set->active = false;
    for (uint32_t n = 0; n < info->countActiveActionSets; n++)
        find_set(info->activeActionSets[n].actionSet, &error)->active = true;
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

// States

static XrResult check_subaction(const struct sim_action *a, XrPath path, int *out_user)
{
    *out_user = user_from_path(path);
    if (*out_user < 0 || (*out_user < USERS && !a->subaction[*out_user]))
        return sim_wrong(XR_ERROR_PATH_UNSUPPORTED, "subaction_path",
                         "action %s was made without this subaction path", a->name);
    return XR_SUCCESS;
}

static XrResult check_action(XrAction handle, XrPath subaction, XrActionType type,
                             struct sim_action **out, int *out_user)
{
    XrResult error = XR_SUCCESS;
    *out = find_action(handle, &error);
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
                          struct state *state)
{
    struct sim_action *a;
    int user;
    SIM_TRY(sim_check_struct(info, XR_TYPE_ACTION_STATE_GET_INFO, "XrActionStateGetInfo"));
    SIM_TRY(sim_check_struct(out, out_type, "XrActionState"));
    SIM_TRY(check_action(info->action, info->subactionPath, type, &a, &user));
    *state = sim_session_focused(s) && a->state[user].active ? a->state[user] : (struct state){0};
    return XR_SUCCESS;
}

static XrTime change_time(const struct state *state)
{
    return state->active ? sim_time_from_ns(state->changed_ns) : 0;
}

XRAPI_ATTR XrResult XRAPI_CALL xrGetActionStateBoolean(XrSession session,
                                                       const XrActionStateGetInfo *info,
                                                       XrActionStateBoolean *out)
{
    struct sim_session *s;
    struct state state;
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
    struct state state;
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
    struct state state;
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
    struct state state;
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
    *out = find_action(handle, &error);
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
    struct sim_action *a = find_action(info->action, &error);
    if (!a)
        return error;
    if (!a->set->attached)
        return sim_wrong(XR_ERROR_ACTIONSET_NOT_ATTACHED, "not_attached", "set %s was not attached",
                         a->set->name);
    XrPath list[BINDINGS];
    uint32_t found = 0;
    for (int b = 0; b < input->binding_count; b++) {
        int user = user_of(input->bindings[b].path);
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
