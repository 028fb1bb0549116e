// Shrink: the picture at a whole fraction of its size, which guides the refinement of nearness.
//
// Each output pixel is the rounded mean of step x step pixels. Where the size is no multiple of the
// step, the picture's last column and row are repeated.
//
// Cost: reads width * height * 4 bytes once, writes that much / step^2.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include "kernels/image.h"

struct shrink_job {
    struct image in;
    struct image
        out; // (in.width + step - 1) / step, the same for the height; its padding is written too
    int log2_step; // 0..3
    int threads;   // 0: all cores
};

typedef void kernel_shrink(const struct shrink_job *job);
