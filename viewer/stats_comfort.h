// How much depth was shown, in the units of eyes: of each frame the greatest parallax before the
// screen (crossed) and behind it (uncrossed).
//
// Thread-safety: one writer and any number of readers.
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "engine/deep3d.h"

struct cJSON;

#define STATS_BINS 128

enum stats_parallax {
    CROSSED_DEG,
    UNCROSSED_DEG,
    CROSSED_CM,
    UNCROSSED_CM,
    STATS_PARALLAXES,
};

struct stats_comfort { // all-zero: no frame yet
    // one frame in each row, in bins of 0.05 degrees and 0.1 cm, rounded down; what is beyond the
    // last one counts there
    _Atomic uint32_t bins[STATS_PARALLAXES][STATS_BINS];
    _Atomic float most[STATS_PARALLAXES];
    _Atomic int64_t frames, comfortable;
};

void stats_comfort_add(struct stats_comfort *c, const struct deep3d_parallax *parallax);
// The part of the frames that kept the budget, whether or not it was asked for; 1 of none.
double stats_comfort_share(const struct stats_comfort *c);
// The value that a part of the frames (0..1) does not exceed, within a bin; 0 of none.
double stats_comfort_part(const struct stats_comfort *c, enum stats_parallax kind, double part);
// As object "comfort".
void stats_comfort_add_json(const struct stats_comfort *c, struct cJSON *parent);
// A line to standard output; nothing where there was no frame.
void stats_comfort_print(const struct stats_comfort *c);
