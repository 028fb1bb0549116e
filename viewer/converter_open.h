// The converter that the options ask for.
//
// Thread-safety: safe.
#pragma once
#include <stdint.h>

struct deep3d;
struct options;

// With the network's file that was asked for, or else those that ship, the small one for the
// processor and the large one for a GPU: beside the installed program, or in the source tree that
// it was built from. gpu_uuid: 16 bytes, or NULL: see struct
// deep3d_params. NULL, logged: there is no such file, or it is no network that can be played.
struct deep3d *converter_open(const struct options *options, const uint8_t *gpu_uuid);
