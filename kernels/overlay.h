// Overlay: a picture with transparency is laid over another.
//
//     out = colour + out * keep / 255, rounded to the nearest
//
// for every byte, so `keep` (255 - alpha) stands four times a pixel and the loop is the same for
// colours and alpha: 255 stays 255. That is the usual "over" of premultiplied pictures (Porter and
// Duff, SIGGRAPH 1984), done in the 8-bit values as they are.
//
// Cost: reads 12 bytes a pixel, writes 4.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct overlay_job {
    const uint8_t *colour; // [height][stride_bytes], R, G, B, A, premultiplied: at most 255 - keep
    const uint8_t *keep;   // the same size: 255 - A in all four bytes
    size_t stride_bytes;
    uint8_t *out; // [height][out_stride_bytes]; all begin at multiples of 4 bytes
    size_t out_stride_bytes;
    int width, height; // in pixels
};

typedef void kernel_overlay(const struct overlay_job *job);
