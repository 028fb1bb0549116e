// Spaces: VIEW (the head), LOCAL (where the person was when the view was last centred), STAGE (the
// floor), and those of pose actions.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>

#include "tests/headset/sim_instance.h"
#include "tests/headset/sim_pose.h"

struct sim_session;
struct sim_action;

struct sim_space {
    XrSpace handle;
    struct sim_session *session;
    struct sim_space *next;
    XrReferenceSpaceType type; // where `action` is NULL
    struct sim_action *action; // of a pose action
    int hand;                  // 0 left, 1 right, -1 any; of a pose action
    struct pose offset;
};

// NULL where the handle is no space of this session (logged).
struct sim_space *sim_space_find(struct sim_session *s, XrSpace handle, XrResult *out_error);
void sim_space_destroy(struct sim_space *space);
// In the tracking frame, at a CLOCK_MONOTONIC time. False: it cannot be located (a hand that is not
// there).
bool sim_space_pose(const struct sim_space *space, int64_t time_ns, struct pose *out);
// Script: LOCAL moves to the head at rest from change_ns on; the event is sent where a session
// lives.
void sim_space_recenter(struct sim_session *s, int64_t change_ns);
void sim_space_reset(void);
