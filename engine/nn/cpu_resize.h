// Resize along height and width on a CPU, for any weights: linear, cubic, antialiased, every
// coordinate mode.
//
// Pictures lie as [outer][height][width][inner]: rows of channels are inner 1, channels last are
// inner C, blocks of 16 channels are inner 16. Each axis has a table of places and weights, made
// once.
//
// Thread-safety: tables are constant once made; calls are independent.
#pragma once
#include "engine/nn/resize.h"

struct cpu_resize_axis {
    int in, out, taps;
    int *place;    // [out][taps], inside the input
    float *weight; // [out][taps]
};

struct cpu_resize {
    struct cpu_resize_axis y, x;
    int64_t outer, inner;
    int threads;
};

// False: not only the last two axes change, or the mode has no such tables (nearest, crop). axis:
// of the height in r.
bool cpu_resize_init(struct cpu_resize *c, const struct resize *r);
void cpu_resize_finish(struct cpu_resize *c);
// Floats of scratch that a run needs, once outer, inner and threads are set.
size_t cpu_resize_scratch(const struct cpu_resize *c);
// x: [outer][y.in][x.in][inner], y: [outer][y.out][x.out][inner].
void cpu_resize_run(const struct cpu_resize *c, const float *x, float *y, float *scratch);
