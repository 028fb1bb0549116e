// Nearness where the host can read it. A processor's is there anyway; a GPU's is copied when
// somebody asks for it, and comes along with each picture for as long as they go on asking.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "kernels/device.h"

struct near_copy {
    const struct device *device;
    float *values; // [count]; NULL: no room
    size_t count;
    bool valid; // they are the last picture's
    bool asked; // for that one
};

void near_copy_init(struct near_copy *copy, const struct device *device);
void near_copy_finish(struct near_copy *copy);
// Makes room for so many values; does nothing where it is there. False: memory is short.
bool near_copy_resize(struct near_copy *copy, size_t count);
// Another picture's nearness; the device is waited for before near_copy_get().
void near_copy_next(struct near_copy *copy, const float *nearness);
// The last picture's, valid until the next one's. NULL: the device failed.
const float *near_copy_get(struct near_copy *copy, const float *nearness);
