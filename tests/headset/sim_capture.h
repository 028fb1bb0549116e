// What the wearer saw: the frame log (SIM_FRAME_LOG) and pictures of each eye (SIM_PICTURES).
//
// Images are copied on the application's queue inside xrEndFrame; waiting for the copies, composing
// and writing is done by a thread of ours that touches no queue. Nothing is done where neither is
// asked for.
//
// Thread-safety: call with the runtime's lock held; the thread takes it only to report a picture.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/headset/sim_frame.h"
#include "tests/headset/sim_layer.h"

struct sim_capture;

// NULL where nothing is asked for, or the device refuses (logged). vk lives longer than the
// capture.
struct sim_capture *sim_capture_create(struct sim_vulkan *vk);
// Finishes what is under way: the lock is given back meanwhile. NULL is allowed; sets it to NULL.
void sim_capture_destroy(struct sim_capture **c);
// A frame was submitted. Inside xrEndFrame only: it uses the queue.
void sim_capture_frame(struct sim_capture *c, const struct sim_frame *frame,
                       const struct sim_layers *layers, int64_t submitted_ns, bool in_time,
                       bool changed);
// Whether a picture is being made, so that this period is none to judge an application by.
bool sim_capture_busy(const struct sim_capture *c);
// The session is about to end: the next frame with layers is taken as the final picture.
void sim_capture_last(struct sim_capture *c);
// An image is about to be destroyed: waits for the copies of it.
void sim_capture_forget(struct sim_capture *c);
