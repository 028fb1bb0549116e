// Press: nearness within limits, and what lies outside a part of the picture as its nearest pixel
// inside.
//
// Cost: reads 4 bytes a pixel at the network's size, writes 4.
//
// Thread-safety: safe on disjoint outputs.
#pragma once

struct press_job {
    const float *in; // [height][width]
    float *out;      // the same size
    int width, height;
    int left, top, right, bottom; // the part, its last column and row included
    float low, high;              // limits; -INFINITY and INFINITY: none
};

typedef void kernel_press(const struct press_job *job);
