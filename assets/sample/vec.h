// Three floats, and the small arithmetic that shots are written in.
//
// Everything here is branch-free and inline, so that the loops of march.h, which run it for many
// rays at a time, are turned into vector instructions by the compiler. Axes: x to the right, y up,
// z away from the viewer; metres.
//
// Thread-safety: safe.
#pragma once
#include <math.h>

// inlined even into large loops: a loop with a call in it is no vector loop
#define INLINE static inline __attribute__((always_inline))

struct vec {
    float x, y, z;
};

INLINE float min2(float a, float b)
{
    return a < b ? a : b;
}

INLINE float max2(float a, float b)
{
    return a > b ? a : b;
}

INLINE float clamp(float v, float low, float high)
{
    return min2(max2(v, low), high);
}

INLINE float mix(float a, float b, float t)
{
    return a + (b - a) * t;
}

// 0 below low, 1 above high, a smooth cubic between.
INLINE float smooth_step(float low, float high, float v)
{
    float t = clamp((v - low) / (high - low), 0, 1);
    return t * t * (3 - 2 * t);
}

// Distance to the nearest multiple of period, signed: folds space into equal cells round 0, period,
// 2 period, ...
INLINE float fold(float v, float period)
{
    return v - period * floorf(v / period + 0.5f);
}

INLINE struct vec vec(float x, float y, float z)
{
    return (struct vec){x, y, z};
}

INLINE struct vec add(struct vec a, struct vec b)
{
    return vec(a.x + b.x, a.y + b.y, a.z + b.z);
}

INLINE struct vec sub(struct vec a, struct vec b)
{
    return vec(a.x - b.x, a.y - b.y, a.z - b.z);
}

INLINE struct vec mul(struct vec a, struct vec b)
{
    return vec(a.x * b.x, a.y * b.y, a.z * b.z);
}

INLINE struct vec scale(struct vec a, float s)
{
    return vec(a.x * s, a.y * s, a.z * s);
}

INLINE struct vec along(struct vec origin, struct vec direction, float distance)
{
    return add(origin, scale(direction, distance));
}

INLINE struct vec blend(struct vec a, struct vec b, float t)
{
    return add(a, scale(sub(b, a), t));
}

INLINE float dot(struct vec a, struct vec b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

INLINE float length(struct vec a)
{
    return sqrtf(dot(a, a));
}

INLINE float length2(float x, float y)
{
    return sqrtf(x * x + y * y);
}

INLINE struct vec normalize(struct vec a)
{
    return scale(a, 1 / max2(length(a), 1e-12f));
}

INLINE struct vec cross(struct vec a, struct vec b)
{
    return vec(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x);
}

// Direction of a ray along d that a surface with normal n throws back.
INLINE struct vec reflect(struct vec d, struct vec n)
{
    return sub(d, scale(n, 2 * dot(d, n)));
}
