// Rotations and poses: what a simulated headset needs of them, in double so that they add no error
// of their own.
//
// Conventions are OpenXR's: right-handed, +Y up, -Z forward; a pose turns first and moves then.
// pose_multiply(a, b) is b seen through a: where b gives a thing in space B, and a gives B in space
// A, it gives the thing in A.
//
// Thread-safety: pure functions.
#pragma once
#include <math.h>
#include <openxr/openxr.h>

struct vec3 {
    double x, y, z;
};

struct quat {
    double x, y, z, w;
};

struct pose {
    struct quat turn; // of unit length
    struct vec3 at;   // in metres
};

#define POSE_IDENTITY ((struct pose){.turn = {.w = 1}})

static inline struct vec3 vec3_add(struct vec3 a, struct vec3 b)
{
    return (struct vec3){a.x + b.x, a.y + b.y, a.z + b.z};
}

static inline struct vec3 vec3_scale(struct vec3 a, double f)
{
    return (struct vec3){a.x * f, a.y * f, a.z * f};
}

static inline struct quat quat_multiply(struct quat a, struct quat b)
{
    return (struct quat){
        .x = a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        .y = a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
        .z = a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        .w = a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
    };
}

static inline struct quat quat_inverse(struct quat q)
{
    return (struct quat){-q.x, -q.y, -q.z, q.w};
}

// The rotation by `angle` radians about an axis of unit length, counter-clockwise as seen from its
// tip.
static inline struct quat quat_about(double x, double y, double z, double angle)
{
    double s = sin(angle / 2);
    return (struct quat){x * s, y * s, z * s, cos(angle / 2)};
}

// v' = v + 2w(q x v) + 2(q x (q x v))
static inline struct vec3 quat_rotate(struct quat q, struct vec3 v)
{
    struct vec3 t = {2 * (q.y * v.z - q.z * v.y), 2 * (q.z * v.x - q.x * v.z),
                     2 * (q.x * v.y - q.y * v.x)};
    return (struct vec3){v.x + q.w * t.x + q.y * t.z - q.z * t.y,
                         v.y + q.w * t.y + q.z * t.x - q.x * t.z,
                         v.z + q.w * t.z + q.x * t.y - q.y * t.x};
}

static inline struct pose pose_multiply(struct pose a, struct pose b)
{
    return (struct pose){quat_multiply(a.turn, b.turn), vec3_add(a.at, quat_rotate(a.turn, b.at))};
}

static inline struct pose pose_inverse(struct pose p)
{
    struct quat back = quat_inverse(p.turn);
    return (struct pose){back, vec3_scale(quat_rotate(back, p.at), -1)};
}

// Lengths within 1 % are allowed by OpenXR, so they are made 1 here.
static inline struct pose pose_from_xr(XrPosef p)
{
    struct quat q = {p.orientation.x, p.orientation.y, p.orientation.z, p.orientation.w};
    double length = sqrt(q.x * q.x + q.y * q.y + q.z * q.z + q.w * q.w);
    if (length > 0)
        q = (struct quat){q.x / length, q.y / length, q.z / length, q.w / length};
    return (struct pose){q, {p.position.x, p.position.y, p.position.z}};
}

static inline XrPosef pose_to_xr(struct pose p)
{
    return (XrPosef){{(float)p.turn.x, (float)p.turn.y, (float)p.turn.z, (float)p.turn.w},
                     {(float)p.at.x, (float)p.at.y, (float)p.at.z}};
}
