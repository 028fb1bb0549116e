// Levels: a probability distribution over disparity levels becomes one nearness a pixel, and how
// sure it is.
//
// Levels are uniformly spaced, level 0 the farthest (or the nearest: then all is turned round at
// the end). nearness = sum(k * p_k) / (levels - 1), divided by sum(p_k) so that a distribution that
// does not quite add up to 1 does no harm. sureness = 1 - spread / spread of an even distribution,
// clamped to 0..1, where spread is the standard deviation over the levels.
//
// Cost: reads levels * 4 bytes a pixel, writes 8.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdbool.h>

struct levels_job {
    const float *probability; // [levels][height][width]
    int levels;               // >= 2
    int width, height;
    float *nearness; // [height][width], 0..1
    float *sureness; // [height][width], 0..1
    int threads;     // 0: all cores
    bool near_first; // level 0 is the nearest
};

typedef void kernel_levels(const struct levels_job *job);
