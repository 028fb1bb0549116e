// Steady: nearness filtered over time inside a shot, so that it does not flicker.
//
// Each pixel goes a part of the way from its past to what the network says now. The part is small
// where the picture stands still and the network is unsure, and 1 where the picture changed: what
// moved or was uncovered takes its new nearness at once and leaves no trail.
//
//     change = mean over 3x3 pixels of max over channels |guide - previous guide|
//     part   = rest + (1 - rest) * clamp((change - still) / (moving - still)),   more where sure
//     past  += part * (nearness - past)
//
// Before that the whole answer is brought in line with the past by the scale and shift that fit
// both (carry.h), and kept within 0..1.
//
// Cost: reads 36 bytes a pixel at the network's size, writes 4 (and the caller keeps the guide for
// the next picture).
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include "kernels/carry.h"

struct steady_job {
    int width, height;
    const float *nearness; // [height][width], what the network says
    const float *sureness; // [height][width], 0..1, or NULL: nothing is known of it
    const float *guide,
        *old_guide; // [3][height][width], R, G, B in 0..1, of this picture and the previous one
    const struct carry_sums *sums; // of the answer and the past; NULL: it counts as it is
    float breath;                  // the part of scale and shift that is taken, 0..1
    float rest;                    // the part that still and unsure pixels take, 0..1
    float still, moving; // change at and below which nothing moved, and from which all did
    float *past;         // [height][width], in: of the previous picture, out: of this one
    int threads;         // 0: all cores
};

typedef void kernel_steady(const struct steady_job *job);
