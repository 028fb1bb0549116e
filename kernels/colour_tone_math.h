// High dynamic range to what displays show, a pixel: the same for a C and a CUDA compiler. Made of
// tables (colour_tone.h), so that a pixel costs no power function.
#pragma once
#include <math.h>
#include <stdint.h>

#include "kernels/colour_math.h"

// Entries of a table; an index of COLOUR_TONE_STEPS - 1 stands for 1.
#define COLOUR_TONE_STEPS 4096

struct colour_tone {
    float light[COLOUR_TONE_STEPS];  // of a signal of 0..1: light, 1 is the peak
    float system[COLOUR_TONE_STEPS]; // of the root of luminance: HLG's system gain; PQ: 1
    float press[COLOUR_TONE_STEPS];  // of the root of the largest component: gain to displays
    float shown[COLOUR_TONE_STEPS];  // of the root of light, 1 is displays' white: signal, 0..255
    float luminance[3];              // of R, G, B
    float gamut[3][3];               // to displays' primaries
};

// Index of a value of 0..1, others clamped; NaN: 0.
COLOUR_FUNCTION int colour_tone_index(float v)
{
    v = v > 0.0f ? v : 0.0f;
    v = v < 1.0f ? v : 1.0f;
    return (int)(v * (float)(COLOUR_TONE_STEPS - 1) + 0.5f);
}

COLOUR_FUNCTION float colour_tone_shown(const struct colour_tone *t, float light)
{
    return t->shown[colour_tone_index(sqrtf(light > 0.0f ? light : 0.0f))];
}

// Otherwise as colour_rgb().
COLOUR_FUNCTION struct colour_rgb colour_tone_rgb(const struct colour_matrix *c,
                                                  const struct colour_tone *t, float s0, float s1,
                                                  float s2)
{
    float signal[3], light[3], out[3], most, gain;
    struct colour_rgb v;

    for (int i = 0; i < 3; i++) {
        signal[i] = c->m[i][0] * s0 + c->m[i][1] * s1 + c->m[i][2] * s2 + c->m[i][3];
        light[i] = t->light[colour_tone_index(signal[i] * (1.0f / 255.0f))];
    }
    gain = t->system[colour_tone_index(sqrtf(
        t->luminance[0] * light[0] + t->luminance[1] * light[1] + t->luminance[2] * light[2]))];
    most = light[0] > light[1] ? light[0] : light[1];
    most = most > light[2] ? most : light[2];
    gain *= t->press[colour_tone_index(sqrtf(most * gain))];
    for (int i = 0; i < 3; i++)
        out[i] = colour_tone_shown(
            t, (t->gamut[i][0] * light[0] + t->gamut[i][1] * light[1] + t->gamut[i][2] * light[2]) *
                   gain);
    v.r = out[0];
    v.g = out[1];
    v.b = out[2];
    return v;
}
