// The governor at work: feeds it with what conversions take, tells the converter its steps, the
// viewer and the statistics what it did.
//
// Thread-safety: belongs to the converter's thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "engine/governor.h"

struct stats_governor;

struct governing { // all-zero but for the pointers: nothing is known yet
    struct deep3d *converter;
    struct stats_governor *stats;
    bool on, known;
    struct deep3d_size sizes[DEEP3D_SIZES_MAX];
    struct governor governor;
};

// After each conversion; took_ns: all of it. interval_ns: how long the film shows the picture.
void governing_converted(struct governing *g, int64_t took_ns, int64_t interval_ns);
// A picture came too late to be converted.
void governing_late(struct governing *g);
