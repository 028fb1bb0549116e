#include "tests/headset/sim_head.h"

#include "base/clock.h"
#include "tests/headset/sim_config.h"

#define DEGREES (3.14159265358979323846 / 180)

static struct pose rest = {.turn = {.w = 1}};
static struct sim_motion motion;

void sim_head_set_rest(struct pose new_rest)
{
    rest = new_rest;
}

struct pose sim_head_rest(void)
{
    return rest;
}

void sim_head_set_motion(struct sim_motion m)
{
    motion = m;
}

static double phase(int64_t time_ns)
{
    return (double)time_ns / NS_PER_S * 2 * 180 * DEGREES / motion.period_s;
}

struct pose sim_head_pose(int64_t time_ns)
{
    if (!(motion.period_s > 0))
        return rest;
    double s = sin(phase(time_ns));
    struct pose sway = {quat_about(0, 1, 0, -motion.sway_yaw * s), {motion.sway_m * s, 0, 0}};
    return pose_multiply(rest, sway);
}

struct vec3 sim_head_velocity(int64_t time_ns)
{
    struct vec3 before = sim_head_pose(time_ns - NS_PER_MS).at,
                after = sim_head_pose(time_ns + NS_PER_MS).at;
    return vec3_scale(vec3_add(after, vec3_scale(before, -1)), 1 / 0.002);
}

struct pose sim_head_eye(int eye)
{
    struct pose p = POSE_IDENTITY;
    p.at.x = (eye ? 0.5 : -0.5) * sim_config()->ipd_m;
    return p;
}

XrFovf sim_head_fov(int eye)
{
    float outer = (float)(50 * DEGREES), inner = (float)(42 * DEGREES);
    return (XrFovf){eye ? -inner : -outer, eye ? outer : inner, (float)(49 * DEGREES),
                    (float)(-49 * DEGREES)};
}

void sim_head_reset(void)
{
    rest = POSE_IDENTITY;
    motion = (struct sim_motion){0};
}
