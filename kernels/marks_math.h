// Steps of marks.h: the same for a C and a CUDA compiler.
#pragma once
#include <stddef.h>
#include <stdlib.h>

#include "kernels/marks.h"

#ifdef __CUDACC__
#define MARKS_FUNCTION static __host__ __device__ inline
#else
#define MARKS_FUNCTION static inline
#endif

MARKS_FUNCTION int marks_strength(const uint8_t *luma, ptrdiff_t stride)
{
    return abs(luma[1] - luma[-1]) + abs(luma[stride] - luma[-stride]);
}

// How much an edge at this place has changed.
MARKS_FUNCTION int marks_change(const uint8_t *now, const uint8_t *old, ptrdiff_t stride)
{
    return abs((now[1] - now[-1]) - (old[1] - old[-1])) +
           abs((now[stride] - now[-stride]) - (old[stride] - old[-stride]));
}

// Whether there is an edge, now or before, and whether it has moved: 0 or 1.
MARKS_FUNCTION void marks_edge(const uint8_t *now, const uint8_t *old, ptrdiff_t stride, int *edge,
                               int *moved)
{
    int a = marks_strength(now, stride), b = marks_strength(old, stride), most = a > b ? a : b;

    *edge = most >= MARKS_EDGE ? 1 : 0;
    *moved = marks_change(now, old, stride) * 4 > most ? *edge : 0;
}

// What this picture adds.
MARKS_FUNCTION int marks_add(const struct marks_edges *e, int add)
{
    float moving = e->all > 0 ? (float)e->moved / (float)e->all : 0.0f;

    moving = (moving - MARKS_SOME) / (MARKS_MOST - MARKS_SOME);
    moving = moving < 0.0f ? 0.0f : moving > 1.0f ? 1.0f : moving;
    return (int)(moving * (float)add + 0.5f);
}

// Whether an edge stays where it is.
MARKS_FUNCTION int marks_stays(const uint8_t *now, const uint8_t *old, ptrdiff_t stride)
{
    int strength = marks_strength(now, stride);

    return (strength >= MARKS_EDGE) & (marks_change(now, old, stride) * 4 <= strength);
}

// The same from one shot to the next, where what lies behind a mark has another light: that edges
// go the same way must do, up to 27 degrees.
MARKS_FUNCTION int marks_outlives(const uint8_t *now, const uint8_t *old, ptrdiff_t stride)
{
    int x = now[1] - now[-1], y = now[stride] - now[-stride];
    int u = old[1] - old[-1], v = old[stride] - old[-stride];
    int edges =
        (marks_strength(now, stride) >= MARKS_EDGE) & (marks_strength(old, stride) >= MARKS_EDGE);

    return edges & (2 * abs(x * v - y * u) <= x * u + y * v);
}

MARKS_FUNCTION uint8_t marks_next(int mark, int stays, int add)
{
    int sum = mark + add;

    return (uint8_t)(stays ? (sum < 255 ? sum : 255) : 0);
}
