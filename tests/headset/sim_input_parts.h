// The parts of sim_input.h's actions that its files share: sim_input.c (controllers, bindings,
// synchronisation), sim_input_sets.c (sets and actions), sim_input_state.c (what actions say,
// sources, haptics).
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include "tests/headset/sim_input.h"
#include "tests/headset/sim_profile.h"

#define BINDINGS 512
#define USERS 4
// /user/hand/left, /user/hand/right, /user/head, /user/gamepad
extern const char *const sim_input_users[USERS];

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

// Of one user, or of all together.
struct action_state {
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
    bool subaction[USERS];                // declared when made
    struct action_state state[USERS + 1]; // the last: all of them together
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

// NULL where the handle is none (logged).
struct sim_action_set *sim_input_find_set(XrActionSet handle, XrResult *out_error);
struct sim_action *sim_input_find_action(XrAction handle, XrResult *out_error);
// Which user a path names; USERS for XR_NULL_PATH, -1 for anything else.
int sim_input_user(XrPath path);
// Which user a binding path begins with; -1: none.
int sim_input_path_user(const char *path);
