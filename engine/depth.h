// The depth network: from an upright picture to raw nearness.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "engine/deep3d.h"
#include "engine/network.h"
#include "kernels/kernels.h"

struct depth;

// What the network said of one picture, valid until the next run; in the kernels' memory.
struct depth_answer {
    int width, height;
    const float *nearness; // [height][width], 0 far .. 1 near
    const float *sureness; // the same size, 0..1; NULL: the network does not tell
};

// NULL, logged, where the model cannot be used. kernels: of the processor.
struct depth *depth_create(const struct deep3d_params *params, const struct kernels *kernels);
// Goes on with other kernels, whose memory pictures and answers then lie in; gpu: which one, where
// they are a GPU's. All is planned anew.
void depth_use(struct depth *depth, const struct kernels *kernels, int gpu);
// The GPU has failed: plans are for the CPU from now on.
void depth_leave_gpu(struct depth *depth);
// Accepts a pointer to NULL; sets it to NULL.
void depth_destroy(struct depth **depth);
// The network that is asked: its names, and which of its sizes is wanted. It stays the depth's own.
struct network *depth_network(const struct depth *depth);

// Plans the network for pictures of this size; does nothing where that is done. *out_changed tells
// which: the answer's size may be another. False, logged, where there is no plan: memory is short
// or no backend runs the model.
bool depth_resize(struct depth *depth, int picture_width, int picture_height, bool *out_changed);
// The size of the answers for these pictures, whatever the input's size; no nearness.
struct depth_answer depth_answer_size(const struct depth *depth);

// Fills the network's next input.
void depth_feed(struct depth *depth, const struct image *picture);
// Runs the network; queued where the kernels are a GPU's and the network is planned for it. False,
// logged, where the device failed; the next depth_resize() then plans for the CPU.
bool depth_run(struct depth *depth);
// new_shot: nothing that was learnt about the range of earlier answers counts.
struct depth_answer depth_read(struct depth *depth, bool new_shot);

// The distribution behind the last answer, in the host's memory (which is waited for), valid until
// the next run; none where the input was a smaller one, so that it has the size of all answers, or
// where memory is short.
struct depth_levels {
    const float *probability; // [count][height][width]; NULL: the model gives none
    int count;
    bool near_first; // level 0 is the nearest, else the farthest
};
struct depth_levels depth_levels(struct depth *depth);
// The output itself, all SELECT_CHANNELS channels, where the eyes are to be drawn as Deep3D (2016)
// did; else NULL.
const float *depth_original(const struct depth *depth);
