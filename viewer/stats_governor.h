// What the governor did: how many pictures were converted at each of its steps.
//
// Thread-safety: one writer and any number of readers.
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "engine/governor.h"

struct cJSON;

struct stats_governor { // all-zero: it was off
    _Atomic int on;
    _Atomic int64_t changes;
    // of each step, in the order of the last film's; steps that look alike count together
    struct {
        _Atomic int width, height, every;
        _Atomic int64_t frames;
    } steps[GOVERNOR_STEPS];
};

// As object "governor".
void stats_governor_add_json(const struct stats_governor *g, struct cJSON *parent);
// A line to standard output; nothing where it did nothing.
void stats_governor_print(const struct stats_governor *g);
