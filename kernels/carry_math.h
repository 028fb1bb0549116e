// From the sums of carry.h to scale and shift: the same for a C and a CUDA compiler.
#pragma once
#include "kernels/carry.h"

#ifdef __CUDACC__
#define CARRY_FUNCTION static __host__ __device__ inline
#else
#define CARRY_FUNCTION static inline
#endif

// Larger changes of scale are no breathing.
#define CARRY_SCALE_MOST 1.25
// The part of the pixels that must be the same.
#define CARRY_LEAST 0.1

struct carry_fit {
    float scale, shift; // the answer times scale plus shift is like the past
};

// A number of nearness in whole numbers.
CARRY_FUNCTION long long carry_whole(float v)
{
    return (int)(v * CARRY_UNIT);
}

// breath: the part of scale and shift that is taken. Nothing where too few pixels are the same, no
// scale where they are too flat to tell.
CARRY_FUNCTION struct carry_fit carry_fit_of(const struct carry_sums *s, long long pixels,
                                             float breath)
{
    struct carry_fit fit = {1.0f, 0.0f};
    double n = (double)s->n, unit = CARRY_UNIT;

    if (n < CARRY_LEAST * (double)pixels)
        return fit;
    double x = (double)s->x / n / unit, y = (double)s->y / n / unit;
    double variance = (double)s->xx / n / (unit * unit) - x * x;
    double scale = ((double)s->xy / n / (unit * unit) - x * y) / variance;
    if (!(variance > 1e-4) || !(scale < CARRY_SCALE_MOST && scale > 1 / CARRY_SCALE_MOST))
        scale = 1;
    fit.scale = 1.0f + ((float)scale - 1.0f) * breath;
    fit.shift = (float)(y - scale * x) * breath;
    return fit;
}
