// The governor: how much of the network a machine can afford while a film plays.
//
// It is told of each picture what its conversion cost and how long the film gives for it. When that
// is too much for a while, or pictures come too late to be shown, the network's input becomes
// smaller, step by step, and then the network sees only every second or third picture; when there
// has been time to spare for long enough, it goes back up. What a step will cost is foretold from
// what the network and everything else cost now, so that a slow machine gets to its step at once,
// and a step up is not tried where it cannot last. After one that did not last the governor waits
// longer before it tries that step again.
//
// Nothing here knows of clocks or networks: times come from outside.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "engine/deep3d.h"

// Steps at most.
#define GOVERNOR_STEPS 8

struct governor {
    int steps;
    struct deep3d_effort efforts[GOVERNOR_STEPS]; // of each step, the best first
    double parts[GOVERNOR_STEPS]; // what the network costs there for a picture; 1: at the best
    int step;                     // the one in use
    double network_ns;  // one run at full size, as far as this step tells; smoothed, 0: not known
    double other_ns;    // all else for a picture; smoothed, 0: not known
    double interval_ns; // of the last picture
    int64_t over_since_ns, spare_since_ns; // CLOCK_NONE: it is not so
    int64_t settled_ns;                    // nothing is decided before
    int64_t raised_ns;                     // the last step up; CLOCK_NONE: none
    // how long there must be time to spare before each step is gone up to
    int64_t patience_ns[GOVERNOR_STEPS];
    int64_t late_ns; // the last late picture; CLOCK_NONE: none
    int late;        // pictures in a row, more or less
};

// How a picture went.
struct governor_picture {
    int64_t now_ns;      // when it was done
    int64_t interval_ns; // from it to the film's next picture, > 0
    int64_t network_ns;  // 0: the network did not see it
    int network_size;    // of its input then: a size that is asked for may be there later
    int64_t other_ns;    // all else that was done for it
};

// sizes: of the network's input, the full one first; count >= 1.
void governor_init(struct governor *governor, const struct deep3d_size *sizes, int count);
// True: the step has changed.
bool governor_add(struct governor *governor, const struct governor_picture *picture);
// A picture came too late and was left out. True: the step has changed.
bool governor_late(struct governor *governor, int64_t now_ns);
// The part of the film's time that a picture takes, as foretold for a step; 0: nothing known.
double governor_load(const struct governor *governor, int step);
struct deep3d_effort governor_effort(const struct governor *governor);
