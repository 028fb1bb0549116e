// A depth network: its file, planned for the sizes of input that it may be given, and run.
//
// The full size is planned at once, the others when they are first wanted, beside the frame's road.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"
#include "engine/model.h"
#include "kernels/device.h"

struct network;

// Of an input, and of what it is answered.
struct network_size {
    int in_width, in_height;
    int width, height;
};

// For the host's memory. NULL, logged, where the model cannot be used.
struct network *network_create(const struct deep3d_params *params);
// Accepts a pointer to NULL; sets it to NULL.
void network_destroy(struct network **network);
// Inputs and outputs lie in this device's memory from now on; gpu: which one, where it is a GPU,
// which is given the model that was named for it. All is planned anew.
void network_use(struct network *network, const struct device *device, int gpu);
// The GPU has failed: plans are of the CPU's model and for the CPU from now on, and all is planned
// anew.
void network_leave_gpu(struct network *network);

// The full size is planned for pictures of this size.
bool network_fits(const struct network *network, int picture_width, int picture_height);
// Plans it, on what was asked for or the next best. False, logged, where there is no plan: memory
// is short or no backend runs the model.
bool network_plan(struct network *network, int picture_width, int picture_height);
// Gives all plans up.
void network_release(struct network *network);

// The input sizes that it takes for these pictures, the full one first; 0 before network_plan().
// out: room for DEEP3D_SIZES_MAX.
int network_sizes(const struct network *network, struct deep3d_size *out);
// 0: the full size; 1, 2, ...: smaller and faster ones, as far as there are. Holds from the first
// network_next() on that finds it planned, and for other pictures too.
void network_want(struct network *network, int size);

// The next input is to be filled: of the size wanted, or of the one before while that is planned.
void network_next(struct network *network);
struct network_size network_now(const struct network *network);
// Which one that is, as network_want() counts them.
int network_now_size(const struct network *network);
struct network_size network_full(const struct network *network);
// [3][in_height][in_width]
float *network_input(const struct network *network);
// [network_levels()][height][width], valid until the next run.
const float *network_output(const struct network *network);
int network_levels(const struct network *network);
// Queued where it is planned for a GPU that has its input. False, logged: the device failed.
bool network_run(struct network *network);

const struct model_traits *network_traits(const struct network *network);
// The eyes are to be drawn as Deep3D (2016) did.
bool network_is_original(const struct network *network);
const char *network_backend_name(const struct network *network);
const char *network_model_name(const struct network *network);
