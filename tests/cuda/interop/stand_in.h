// What the tests of interop.c do in a driver's place: nothing on a GPU; on CUDA's twin lavapipe is
// lent timeline semaphores that it can export, and things break when they are told to.
//
// Thread-safety: one thread.
#pragma once
#include <stdbool.h>

#include "viewer/vk_device.h"

// Before anything is made from the device.
void stand_in_begin(struct vk_device *vk);

enum stand_in_fault {
    STAND_IN_WELL,
    STAND_IN_WITHOUT_SEMAPHORES, // CUDA refuses to signal and to wait
    STAND_IN_DEAD,               // CUDA takes work and never does it
};
// False: cannot be done here.
bool stand_in_break(enum stand_in_fault fault);
