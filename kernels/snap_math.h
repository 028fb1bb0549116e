// The arithmetic of one pixel of snap, the same for a C and a CUDA compiler.
#pragma once
#include "kernels/refine_math.h"
#include "kernels/snap.h"

// Steps of nearness below which a window has one depth, and from which it has two.
#define SNAP_FLAT 0.15f
#define SNAP_STEP 0.3f
// The part of a step, at either end, in which a pixel's depth is sure, and where it is wholly so.
#define SNAP_SURE 0.3f
#define SNAP_SUREST 0.15f
// Distance of two colours squared, in parts of their variances: below it they tell nothing, from
// the other on all.
#define SNAP_ALIKE 10.0f
#define SNAP_APART 30.0f
// Variance of colour that is noise.
#define SNAP_NOISE 0.0009f
#define SNAP_GAIN 2.0f

// Sums over the pixels that are surely near, or surely far, each with its weight.
enum snap_sum { SNAP_WEIGHT, SNAP_NEAR, SNAP_R, SNAP_G, SNAP_B, SNAP_SQUARE, SNAP_SUMS };

REFINE_FUNCTION float snap_clamp(float v)
{
    v = v > 0.0f ? v : 0.0f;
    return v < 1.0f ? v : 1.0f;
}

// How sure it is that a pixel `part` of the step's height away from a depth has that depth.
REFINE_FUNCTION float snap_weight(float part)
{
    return snap_clamp((SNAP_SURE - part) * (1.0f / (SNAP_SURE - SNAP_SUREST)));
}

// Mean nearness and colour of one depth, and the variance of its colour.
struct snap_depth {
    float nearness, r, g, b, variance;
};

// sum: at the distance of `stride`; its weight is not 0, as the window's least and greatest are
// sure.
REFINE_FUNCTION struct snap_depth snap_depth_of(const float *sum, int stride)
{
    float part = 1.0f / sum[SNAP_WEIGHT * stride];
    struct snap_depth d = {sum[SNAP_NEAR * stride] * part, sum[SNAP_R * stride] * part,
                           sum[SNAP_G * stride] * part, sum[SNAP_B * stride] * part, 0.0f};

    d.variance = sum[SNAP_SQUARE * stride] * part - (d.r * d.r + d.g * d.g + d.b * d.b);
    d.variance = (d.variance > 0.0f ? d.variance : 0.0f) + SNAP_NOISE;
    return d;
}

// What becomes of a pixel of this nearness and colour. range: of nearness in its window.
REFINE_FUNCTION float snap_pixel(const struct snap_depth *near, const struct snap_depth *far,
                                 float range, float nearness, float r, float g, float b)
{
    float dr = near->r - far->r, dg = near->g - far->g, db = near->b - far->b;
    float apart = dr * dr + dg * dg + db * db;
    float along = (r - far->r) * dr + (g - far->g) * dg + (b - far->b) * db;
    float place = snap_clamp(SNAP_GAIN * (along / (apart + 1e-6f) - 0.5f) + 0.5f);
    float trust =
        refine_smoothstep(SNAP_FLAT, SNAP_STEP, range) *
        refine_smoothstep(SNAP_ALIKE, SNAP_APART, apart / (near->variance + far->variance));

    return nearness + trust * (far->nearness + place * (near->nearness - far->nearness) - nearness);
}
