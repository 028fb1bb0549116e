#include "viewer/display_xr_screen.h"

#include <math.h>

float xr_screen_heading(XrQuaternionf q)
{
    // q applied to -z: where the face points
    float x = -2 * (q.x * q.z + q.w * q.y);
    float y = -2 * (q.y * q.z - q.w * q.x);
    float z = -1 + 2 * (q.x * q.x + q.y * q.y);

    if (x * x + z * z < 0.04f) {
        // Nearly straight up or down the face has no heading; then the top of the head has: it
        // points forward when the viewer looks down, backward when up.
        float side = y < 0 ? 1.0f : -1.0f;

        x = side * 2 * (q.x * q.y - q.w * q.z);
        z = side * 2 * (q.y * q.z + q.w * q.x);
    }
    return atan2f(-x, -z);
}

XrPosef xr_screen_pose(XrVector3f eye, float heading, float distance_m)
{
    XrPosef pose = {
        .orientation = {0, sinf(heading / 2), 0, cosf(heading / 2)},
        .position = {eye.x - distance_m * sinf(heading), eye.y, eye.z - distance_m * cosf(heading)},
    };

    return pose;
}
