// Resize: the upright picture becomes a network's input planes, and the small colour guide of the
// refinement.
//
// Each output pixel is the mean of the picture's area under it, borders of that area weighted by
// how much of a pixel they cover. Where the output is larger than the picture the area is one pixel
// wide, which is linear interpolation.
//
// Cost: reads width * height * 4 bytes once, writes 12 bytes an output pixel. 1080p to 384x224: 8.3
// MB read, 1.0 MB written.
//
// Thread-safety: safe on disjoint outputs and scratch.
#pragma once
#include <stddef.h>

#include "kernels/image.h"

struct resize_job {
    struct image in;
    int width, height; // of the output
    float *out[3];     // three planes, [height][width]
    int channel[3];    // which of R, G, B (0..2) each plane takes
    float scale[3];    // plane = value * scale + offset, value 0..255
    float offset[3];
    int bands;      // how many runs of rows are worked on at the same time, >= 1
    float *scratch; // [bands][resize_scratch_floats(in.width)]
};

// A multiple of 16.
size_t resize_scratch_floats(int in_width);

typedef void kernel_resize(const struct resize_job *job);
