// Glance: a small copy of a picture as it is stored, by single samples; engine/glance.h says what
// for.
//
// Cost: reads three samples a pixel of the copy, whatever the picture's size.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include "kernels/colour.h"

struct glance_job {
    struct colour_job picture; // its size, components and matrix count
    int width, height;         // of the copy
    uint8_t *out;              // [height][width * 4], R, G, B, 255
};

typedef void kernel_glance(const struct glance_job *job);
