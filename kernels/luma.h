// Luma: the small pictures of one byte a pixel in which motion (motion.h) and captions are looked
// for.
//
// Cost: reads 12 (or 4) bytes a pixel of a small picture, writes 1.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include "kernels/image.h"
#include "kernels/motion.h"

// Of a guide as struct steady_job has it, borders included: (R + 2 G + B) / 4, rounded.
struct luma_job {
    int width, height;
    const float *guide; // [3][height][width], R, G, B in 0..1
    struct motion_plane out;
};

// Of a picture: (R + 2 G + B) / 4, cut off.
struct grey_job {
    struct image in;
    uint8_t *out; // [in.height][in.width]
};

typedef void kernel_luma(const struct luma_job *job);
typedef void kernel_grey(const struct grey_job *job);
