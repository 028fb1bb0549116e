// The arithmetic of one cell of the refinement, the same for a C and a CUDA compiler.
#pragma once
#include <stdint.h>

#ifdef __CUDACC__
#define REFINE_FUNCTION static __host__ __device__ inline
#else
#define REFINE_FUNCTION static inline
#endif

REFINE_FUNCTION float refine_smoothstep(float from, float to, float v)
{
    float t = (v - from) / (to - from);

    t = t > 0.0f ? t : 0.0f;
    t = t < 1.0f ? t : 1.0f;
    return t * t * (3.0f - 2.0f * t);
}

// Where steps are sharpened, t is more by this for each 1 of gain beyond 1: an edge's mixed pixels,
// and what is too thin to have a pixel of its own, belong to what is near.
#define REFINE_NEARER 0.25f

// t of a cell but for its colour. base: of the fit; low, range: of nearness in the window.
REFINE_FUNCTION float refine_base(float base, float low, float range, float gain)
{
    return 0.5f + gain * ((base - low) / range - 0.5f) + (gain - 1.0f) * REFINE_NEARER;
}

// Windows are summed in whole numbers: exact in whatever order. Nearness 0..1 and products of it
// must leave room for sums over the widest window.
#define REFINE_NEAR_UNIT 8192
#define REFINE_NEAR_SQUARE 32 // of pp, so many are one
#define REFINE_FIT_UNIT 32768
#define REFINE_FIT_MOST 64.0f // slopes and bases beyond this are no fits

REFINE_FUNCTION int32_t refine_near(float nearness)
{
    return (int32_t)(nearness * REFINE_NEAR_UNIT + 0.5f);
}

REFINE_FUNCTION int32_t refine_square(int32_t near)
{
    return near * near / REFINE_NEAR_SQUARE;
}

// What one of sum i counts for in the mean; in the order of REFINE_SUMS.
REFINE_FUNCTION float refine_unit(int i)
{
    const float colour = 1.0f / 255.0f, near = 1.0f / REFINE_NEAR_UNIT;

    if (i < 4)
        return i < 3 ? colour : near;
    if (i == 4)
        return near * near * REFINE_NEAR_SQUARE;
    return i < 11 ? colour * colour : colour * near;
}

REFINE_FUNCTION int32_t refine_fixed(float v)
{
    v = v > -REFINE_FIT_MOST ? v : -REFINE_FIT_MOST;
    v = v < REFINE_FIT_MOST ? v : REFINE_FIT_MOST;
    return (int32_t)(v * REFINE_FIT_UNIT + (v < 0.0f ? -0.5f : 0.5f));
}

// Slopes of R, G, B, base, and the gain that the fit deserves.
struct refine_fit {
    float r, g, b, base, gain;
};

// Least squares of nearness on colour in one window. m: means R G B p pp, RR RG RB GG GB BB, Rp Gp
// Bp. range: of nearness in the window. smooth: variance of colour that is noise; > 0.
REFINE_FUNCTION struct refine_fit refine_solve(const float m[14], float range, float smooth,
                                               float most_gain)
{
    float r = m[0], g = m[1], b = m[2], p = m[3];
    float rr = m[5] - r * r + smooth, rg = m[6] - r * g;
    float rb = m[7] - r * b, gg = m[8] - g * g + smooth;
    float gb = m[9] - g * b, bb = m[10] - b * b + smooth;
    float rp = m[11] - r * p, gp = m[12] - g * p;
    float bp = m[13] - b * p, pp = m[4] - p * p;
    // the inverse of the symmetric 3x3 matrix by its cofactors; smooth > 0 keeps its determinant
    // above 0
    float c00 = gg * bb - gb * gb, c01 = rb * gb - rg * bb, c02 = rg * gb - rb * gg;
    float c11 = rr * bb - rb * rb, c12 = rb * rg - rr * gb, c22 = rr * gg - rg * rg;
    float inverse = 1.0f / (rr * c00 + rg * c01 + rb * c02);
    struct refine_fit f;
    float explained;

    f.r = (c00 * rp + c01 * gp + c02 * bp) * inverse;
    f.g = (c01 * rp + c11 * gp + c12 * bp) * inverse;
    f.b = (c02 * rp + c12 * gp + c22 * bp) * inverse;
    f.base = p - f.r * r - f.g * g - f.b * b;
    explained = (f.r * rp + f.g * gp + f.b * bp) / (pp + 1e-5f);
    f.gain = 1.0f + (most_gain - 1.0f) * refine_smoothstep(0.4f, 0.8f, explained) *
                        refine_smoothstep(0.06f, 0.2f, range);
    return f;
}
