// The scripted head and its two eyes, in the tracking frame: metres, +Y up, the head at rest in the
// origin.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdint.h>

#include "tests/headset/sim_pose.h"

struct sim_motion {
    double sway_m;   // to the right and back
    double sway_yaw; // radians, with it
    double period_s; // of a whole sway
};

// Where the head rests: sway goes around it.
void sim_head_set_rest(struct pose rest);
struct pose sim_head_rest(void);
void sim_head_set_motion(struct sim_motion motion);
// time_ns: CLOCK_MONOTONIC. Also for times to come.
struct pose sim_head_pose(int64_t time_ns);
struct vec3 sim_head_velocity(int64_t time_ns);
// eye: 0 left, 1 right. In the frame of the head.
struct pose sim_head_eye(int eye);
// What an eye sees: outer sides wider than inner ones, as in real headsets.
XrFovf sim_head_fov(int eye);
void sim_head_reset(void);
