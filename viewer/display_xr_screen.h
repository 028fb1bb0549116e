// Where the virtual screen hangs: straight ahead of the viewer, at eye height, upright.
//
// The math of poses as OpenXR has it: metres, right-handed, +y up, looking along -z.
//
// Thread-safety: safe; pure functions.
#pragma once
#include "viewer/display_xr_system.h"

// Angle by which the head is turned about the vertical axis, counter-clockwise seen from above, in
// radians; nodding and tilting make no difference, looking straight up or down neither.
float xr_screen_heading(XrQuaternionf head);
// The screen's centre, distance_m from the eye in the direction of the heading, facing the eye.
XrPosef xr_screen_pose(XrVector3f eye, float heading, float distance_m);
