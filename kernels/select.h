// Selection: the right eye as Deep3D (2016) draws it from its distribution, to the letter.
//
// The network gives SELECT_CHANNELS probabilities for each of its pixels; the picture is `u` times
// as large. Channel c of 1..32 stands for a shift of j = c - 1 + SELECT_NEAREST of the network's
// pixels, -15 (nearest) .. 16, and channel 0 for nothing:
//
//     right(x, y) = sum over c = 1..32 of p_c(x, y) * left(x - j * u, y)  /  sum over all c of
//     p_c(x, y)
//
// so that what channel 0 has is lost, and the pixel is darker. Beyond the left and the right border
// the border's pixel is repeated. Shifts are whole multiples of u. p is interpolated between the
// network's pixels: pixel x lies (x mod u) / u of the way from pixel x / u to the next one, and so
// for y; there is no next one after the last: there, the original takes the pixel (x / u, y / u)
// itself for each of its neighbours that is missing, the one below and to the right included. The
// left eye is the picture itself.
//
// For pictures whose size is no multiple of the network's, u is a fraction, for width and height
// each its own, and shifts are rounded to whole pixels. As in the published program, 8-bit values
// are cut off, not rounded.
//
// Source: github.com/piiswrong/deep3d, operators/depth_dot.cu (DepthDotForward,
// DepthDotForwardUpSample) and deep3d.ipynb.
//
// Cost: some 33 * 9 operations a pixel of the picture.
//
// Thread-safety: safe on disjoint outputs and scratch.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "kernels/image.h"

#define SELECT_CHANNELS 33
#define SELECT_NEAREST (-15)

struct select_job {
    struct image picture;
    const float *probability; // [SELECT_CHANNELS][height][width]
    int width, height;
    uint8_t *eye; // the right one: [picture.height][stride_bytes], R, G, B, 255
    size_t stride_bytes;
    int bands;      // how many runs of rows are worked on at the same time, >= 1
    float *scratch; // [bands][select_scratch_floats(picture.width, width)]
};

size_t select_scratch_floats(int picture_width, int width);

typedef void kernel_select(const struct select_job *job);
// Row y before it becomes bytes: R, G and B, 0..255, [picture.width] each. scratch: of one band.
typedef void kernel_select_row(const struct select_job *job, int y, float *scratch,
                               float *const out[3]);
