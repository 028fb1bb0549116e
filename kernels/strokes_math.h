// Steps of strokes.h: the same for a C and a CUDA compiler.
#pragma once
#include <stdlib.h>

#include "kernels/strokes.h"

#ifdef __CUDACC__
#define STROKES_FUNCTION static __host__ __device__ inline
#else
#define STROKES_FUNCTION static inline
#endif

// How much a pixel differs from both beside it: above 0 brighter, below darker.
STROKES_FUNCTION int strokes_height(const uint8_t *luma)
{
    int left = luma[0] - luma[-STROKES_REACH_PX], right = luma[0] - luma[STROKES_REACH_PX];
    int low = left < right ? left : right, high = left < right ? right : left;

    return low > 0 ? low : high < 0 ? high : 0;
}

// The youngest state of which a stroke may grow.
STROKES_FUNCTION int strokes_youngest(const struct marks_edges *e)
{
    return (float)e->moved > STROKES_MOVING * (float)e->all ? STROKES_NOTHING + 1 : STROKES_NOTHING;
}

STROKES_FUNCTION uint8_t strokes_next(int state, int youngest, const uint8_t *now,
                                      const uint8_t *old)
{
    int height = strokes_height(now), before = strokes_height(old);
    int size = abs(height), was = abs(before), change = abs(height - before);
    // no less than 7/8 of what it was, the same way
    int grows = (was < STROKES_NONE) | (((height > 0) == (before > 0)) & (8 * size >= 7 * was));
    int stays = (size >= STROKES_LEAST) & (4 * change <= size) & (state < 255);
    int next = (state >= youngest) & grows ? state + stays : STROKES_OTHER;

    return (uint8_t)(size < STROKES_NONE ? STROKES_NOTHING : next);
}
