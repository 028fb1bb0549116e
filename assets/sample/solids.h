// Signed distances to simple solids: negative inside, in metres. Formulas: plain analytic geometry;
// a box's distance is the length of the part of the point outside of it.
//
// Inline and branch-free, see vec.h. Thread-safety: safe.
#pragma once
#include "assets/sample/vec.h"

// What a map says of a point: how far the nearest surface is, and of which material (a number of
// the shot's own).
struct surface {
    float distance;
    float material;
};

INLINE struct surface nearer(struct surface a, float distance, int material)
{
    struct surface s;
    s.material = distance < a.distance ? (float)material : a.material;
    s.distance = min2(a.distance, distance);
    return s;
}

// Joins two distances with a fillet of about k.
INLINE float join(float a, float b, float k)
{
    float h = max2(k - fabsf(a - b), 0) / k;
    return min2(a, b) - h * h * k * 0.25f;
}

INLINE float ball(struct vec p, struct vec centre, float radius)
{
    return length(sub(p, centre)) - radius;
}

// half: half of the edges; the edges are rounded by `round`.
INLINE float box(struct vec p, struct vec half, float round)
{
    float x = fabsf(p.x) - half.x + round, y = fabsf(p.y) - half.y + round,
          z = fabsf(p.z) - half.z + round;
    float outside = length(vec(max2(x, 0), max2(y, 0), max2(z, 0)));
    return outside + min2(max2(x, max2(y, z)), 0) - round;
}

// A rod from a to b with round ends, of radius ra at a and about rb at b.
INLINE float rod(struct vec p, struct vec a, struct vec b, float ra, float rb)
{
    struct vec pa = sub(p, a), ba = sub(b, a);
    float h = clamp(dot(pa, ba) / dot(ba, ba), 0, 1);
    return length(sub(pa, scale(ba, h))) - mix(ra, rb, h);
}

// An upright cylinder round the y axis, from y = 0 to height.
INLINE float pillar(struct vec p, float radius, float height)
{
    float side = length2(p.x, p.z) - radius, end = fabsf(p.y - height / 2) - height / 2;
    return length2(max2(side, 0), max2(end, 0)) + min2(max2(side, end), 0);
}

// A ring round the z axis.
INLINE float ring(struct vec p, float radius, float thickness)
{
    return length2(length2(p.x, p.y) - radius, p.z) - thickness;
}
