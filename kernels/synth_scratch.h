// How synth's variants lay out their scratch; nobody else's business.
#pragma once
#include "kernels/refine.h"

// Nearness of three rows, the middle one made smooth and widened, places, map.
#define SYNTH_SCRATCH_ROWS 7
// A row with room to read and write a little over its ends.
#define SYNTH_ROW_FLOATS(width) (((width) + 4 * REFINE_SLACK + 15) / 16 * 16)
