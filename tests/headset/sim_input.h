// Actions: sets, suggested bindings, one pair of simulated controllers moved by the script, and
// haptics (counted).
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/headset/sim_instance.h"
#include "tests/headset/sim_pose.h"

struct sim_input;
struct sim_action;

// Of an instance. Never NULL.
struct sim_input *sim_input_create(struct sim_instance *i);
// With all sets and actions. Sets it to NULL.
void sim_input_destroy(struct sim_input **input);
// The session went away: nothing is attached any more.
void sim_input_detach(struct sim_input *input);

// For action spaces. out_hand: 0 left, 1 right, -1 whichever is bound.
XrResult sim_input_find_pose_action(struct sim_input *input, XrAction handle, XrPath subaction,
                                    struct sim_action **out, int *out_hand);
// False: no such controller, not bound, or not focused.
bool sim_input_hand_pose(struct sim_action *action, int hand, int64_t time_ns, struct pose *out);

// Script: what a control of the controllers says from now on; a stick or pad has x and y, all
// others only x.
void sim_input_set(const char *path, double x, double y);
// Script: both controllers on or off.
void sim_input_set_present(bool present);
void sim_input_reset(void);
