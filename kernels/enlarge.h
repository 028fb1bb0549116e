// Enlarge: a coarse answer of the network at the full one's size, interpolated linearly between the
// middles of its pixels.
//
// Cost: writes 4 bytes a pixel.
//
// Thread-safety: safe on disjoint outputs.
#pragma once

struct enlarge_job {
    const float *in; // [in_height][in_width]
    int in_width, in_height;
    float *out; // [height][width]
    int width, height;
};

typedef void kernel_enlarge(const struct enlarge_job *job);
