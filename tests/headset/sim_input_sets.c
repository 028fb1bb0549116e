#include "tests/headset/sim_input_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

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

struct sim_action_set *sim_input_find_set(XrActionSet handle, XrResult *out_error)
{
    struct sim_action_set *set = sim_handle_object(SIM_ACTION_SET, SIM_NUMBER(handle));
    if (!set)
        *out_error =
            sim_wrong(XR_ERROR_HANDLE_INVALID, "handle", "%p is no action set", (void *)handle);
    return set;
}

struct sim_action *sim_input_find_action(XrAction handle, XrResult *out_error)
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
    struct sim_action_set *set = sim_input_find_set(handle, &result);
    if (!set)
        return sim_leave(result);
    for (struct sim_action *a = set->actions; a; a = a->next)
        destroy_action(a);
    sim_handle_destroy(SIM_NUMBER(handle));
    set->destroyed = true;
    return sim_leave(XR_SUCCESS);
}

int sim_input_user(XrPath path)
{
    if (path == XR_NULL_PATH)
        return USERS;
    const char *text = sim_path_text(path);
    for (int u = 0; text && u < USERS; u++)
        if (!strcmp(sim_input_users[u], text))
            return u;
    return -1;
}

static XrResult read_subactions(const XrActionCreateInfo *info, bool *out)
{
    if (info->countSubactionPaths && !info->subactionPaths)
        return sim_wrong(XR_ERROR_VALIDATION_FAILURE, "subaction_null", "subactionPaths is NULL");
    for (uint32_t n = 0; n < info->countSubactionPaths; n++) {
        int u = sim_input_user(info->subactionPaths[n]);
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
    struct sim_action_set *set = sim_input_find_set(handle, &result);
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
    struct sim_action *action = sim_input_find_action(handle, &result);
    if (!action)
        return sim_leave(result);
    destroy_action(action);
    return sim_leave(XR_SUCCESS);
}
