// How long the stages of a picture take, on whatever device the work is done.
//
// On a processor the picture that is at work is timed. A GPU notes the moments by itself, and
// nobody waits for them: there the times of a picture are known when the next one has waited for
// its statistics.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"
#include "kernels/device.h"

enum stopwatch_moment {
    STOPWATCH_BEGUN,
    STOPWATCH_PREPARED,
    STOPWATCH_ANSWERED, // by the network
    STOPWATCH_FILTERED,
    STOPWATCH_DRAWN,
    STOPWATCH_DONE,
    STOPWATCH_MOMENTS
};

struct stopwatch {
    const struct device *device;
    struct device_stamp stamps[2][STOPWATCH_MOMENTS]; // of this picture and the one before
    bool done[2], network[2];
    int size[2]; // of the network's input, see struct deep3d_timing
    int now;     // index
    struct deep3d_timing timing;
};

void stopwatch_init(struct stopwatch *watch, const struct device *device);
void stopwatch_finish(struct stopwatch *watch);
// Another picture begins.
void stopwatch_begin(struct stopwatch *watch);
void stopwatch_stamp(struct stopwatch *watch, enum stopwatch_moment moment);
// The device was waited for, in the middle of the picture.
void stopwatch_waited(struct stopwatch *watch);
// The picture's last moment. network: it saw the picture.
void stopwatch_end(struct stopwatch *watch, bool network, int size);
