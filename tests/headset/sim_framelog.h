// The frame log: one line a submitted frame, with the brightness of what each eye was shown.
//
// The first layer of each eye is shrunk to 8x8 by the GPU and read some frames later, so that the
// frame loop waits for nothing.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/headset/sim_frame.h"
#include "tests/headset/sim_layer.h"

struct sim_framelog;

// Appends where the process has written to this path before. NULL, logged, where it cannot be
// written.
struct sim_framelog *sim_framelog_create(struct sim_vulkan *vk, const char *path);
// Writes what is left. NULL is allowed; sets it to NULL.
void sim_framelog_destroy(struct sim_framelog **log);
// Inside xrEndFrame only: it uses the queue.
void sim_framelog_add(struct sim_framelog *log, const struct sim_frame *frame,
                      const struct sim_layers *layers, int64_t submitted_ns, bool in_time,
                      bool changed);
// Waits for the GPU and writes all that was added.
void sim_framelog_flush(struct sim_framelog *log);
