// All that a converter works with on one device: given up and made anew when it goes on with
// another one.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"
#include "engine/ferry.h"
#include "engine/flat.h"
#include "engine/near_copy.h"
#include "engine/steady.h"
#include "engine/stereo.h"
#include "engine/stopwatch.h"
#include "kernels/kernels.h"

// What the host is told of each picture.
struct rig_seen {
    struct spread spread;
    struct edges edges;
};

struct rig {
    const struct kernels *kernels;
    const struct device *device;
    int gpu; // which one, where it is one
    struct stereo *stereo;
    struct steady *steady;
    struct flat *flat;
    struct ferry *ferry;
    struct near_copy *near_copy;
    struct stopwatch watch;
    struct device_stamp filtered; // what the host waits for in the middle of a picture
    // in the device's memory:
    float *flattened; // nearness with what is flat, [count]
    float *pressed;   // nearness within the view's limits, [count]
    size_t count;
    struct rig_seen *seen_there, *seen; // seen: on the host
    // of the last transfer function that is not a display's; tone: on the host
    struct colour_tone *tone_there, *tone;
    bool tone_known;
    enum deep3d_transfer tone_transfer;
    bool tone_wide_gamut;
};

// The GPU's kernels where the parameters allow for one and it is here, else the processor's, with a
// line where that may surprise. *out_gpu: which GPU.
const struct kernels *rig_choose(const struct deep3d_params *params, int *out_gpu);

// threads: 0: all cores. False, logged: memory is short; the rest may be asked for again with
// rig_room().
bool rig_init(struct rig *rig, const struct kernels *kernels, int gpu, int threads);
// The calling thread works on the rig's device from now on.
void rig_enter(const struct rig *rig);
void rig_finish(struct rig *rig);
// What has one size for all pictures; does nothing where it is there. False, logged: memory is
// short.
bool rig_room(struct rig *rig);
// The same for nearness of `count` points.
bool rig_resize(struct rig *rig, size_t count);
// For the picture's transfer function, in the device's memory; NULL: it is as displays show it.
const struct colour_tone *rig_tone(struct rig *rig, const struct deep3d_picture *picture);
