// Submits to a queue from a thread that goes first, on behalf of a thread that gives way.
//
// A background thread that is put aside in the middle of vkQueueSubmit() would hold the queue's
// lock all the while, and a display that needs the queue would stand still with it. That happens as
// a rule where the driver's own thread starts to work at once and takes the core (lavapipe): up to
// 100 ms were seen on two busy cores.
//
// Thread-safety: one caller at a time.
#pragma once
#include <stdbool.h>

#include "viewer/vk_device.h"

struct vk_submitter;

// NULL, logged. The device outlives it.
struct vk_submitter *vk_submitter_create(struct vk_queue *queue);
// Accepts a pointer to NULL; sets it to NULL.
void vk_submitter_destroy(struct vk_submitter **submitter);
// Returns when it is submitted. False, logged: the device is lost.
bool vk_submitter_submit(struct vk_submitter *submitter, const VkSubmitInfo *info);
