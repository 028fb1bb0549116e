// The arithmetic of one pixel's colour conversion, the same for a C and a CUDA compiler.
//
// Formulas: ITU-R BT.601-7, BT.709-6, BT.2020-2 (non-constant luminance), limited range as in
// BT.709-6 section 3.
#pragma once
#include <stdint.h>

#ifdef __CUDACC__
#define COLOUR_FUNCTION static __host__ __device__ inline
#else
#define COLOUR_FUNCTION static inline
#endif

// From raw samples to R, G, B in 0..255: out[i] = m[i][0] * s0 + m[i][1] * s1 + m[i][2] * s2 +
// m[i][3].
struct colour_matrix {
    float m[3][4];
};

// Rounds to the nearest 8-bit value, clamped.
COLOUR_FUNCTION uint32_t colour_round(float v)
{
    v = v < 0.0f ? 0.0f : v;
    v = v > 255.0f ? 255.0f : v;
    return (uint32_t)(int32_t)(v + 0.5f);
}

// The same in 16 bits: 255 becomes 65535.
COLOUR_FUNCTION uint64_t colour_round16(float v)
{
    v = v < 0.0f ? 0.0f : v;
    v = v > 255.0f ? 255.0f : v;
    return (uint64_t)(int32_t)(v * 257.0f + 0.5f);
}

struct colour_rgb {
    float r, g, b; // 0..255, and beyond
};

COLOUR_FUNCTION struct colour_rgb colour_rgb(const struct colour_matrix *c, float s0, float s1,
                                             float s2)
{
    struct colour_rgb v;

    v.r = c->m[0][0] * s0 + c->m[0][1] * s1 + c->m[0][2] * s2 + c->m[0][3];
    v.g = c->m[1][0] * s0 + c->m[1][1] * s1 + c->m[1][2] * s2 + c->m[1][3];
    v.b = c->m[2][0] * s0 + c->m[2][1] * s1 + c->m[2][2] * s2 + c->m[2][3];
    return v;
}

// As a little-endian word of R, G, B, 255.
COLOUR_FUNCTION uint32_t colour_pack(struct colour_rgb v)
{
    return colour_round(v.r) | colour_round(v.g) << 8 | colour_round(v.b) << 16 | 0xff000000u;
}

// As a little-endian word of 16-bit R, G, B, 65535.
COLOUR_FUNCTION uint64_t colour_pack16(struct colour_rgb v)
{
    return colour_round16(v.r) | colour_round16(v.g) << 16 | colour_round16(v.b) << 32 |
           (uint64_t)0xffff << 48;
}

// One pixel, packed.
COLOUR_FUNCTION uint32_t colour_pixel(const struct colour_matrix *c, float s0, float s1, float s2)
{
    return colour_pack(colour_rgb(c, s0, s1, s2));
}

// Chroma between its rows: near is the row that lies closer, far the other one.
COLOUR_FUNCTION float colour_between_rows(float near, float far)
{
    return 0.75f * near + 0.25f * far;
}

// Chroma of pixel k of the n that share the sample `left`; `right` is the next sample.
COLOUR_FUNCTION float colour_between_columns(float left, float right, int k, int n)
{
    return left + (right - left) * ((float)k / (float)n);
}
