// Carry: the past goes along with what is in the picture (motion.h), and is compared with what the
// network says now.
//
// Sums for a least-squares fit of the past on the answer are taken over the pixels whose green is
// the same in both pictures. They are whole numbers, so that they do not depend on the order;
// carry_math.h makes scale and shift of them.
//
// Cost: reads 16 bytes a pixel at the network's size, and 12 more to compare; writes 16.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include "kernels/motion.h"

// One of nearness in the sums below.
#define CARRY_UNIT 65536

struct carry_sums {
    unsigned long long n;   // of the pixels that are the same
    long long x, y, xx, xy; // x: the answer, y: the past
};

struct carry_job {
    int width, height;
    const struct motion_vector *cells; // [motion_cells(height)][motion_cells(width)]
    const float *past, *old_guide;     // [height][width], [3][height][width]
    float *moved_past, *moved_guide;   // the same sizes, where things are now
    const float *nearness;             // [height][width], the answer; NULL: nothing is compared
    const float *guide;                // [3][height][width]
    float still;                       // pixels that change by less are the same
    struct carry_sums *sums;           // out
};

typedef void kernel_carry(const struct carry_job *job);
