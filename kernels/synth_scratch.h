// How synth's variants lay out their scratch; nobody else's business.
#pragma once
#include "kernels/synth.h"

// Nearness of the rows that are widened at a time, of one row widened down and along, places, map,
// and that turned back.
#define SYNTH_NEAR_ROWS (2 * SYNTH_SOFT_MAX + 1)
#define SYNTH_SCRATCH_ROWS (SYNTH_NEAR_ROWS + 5)
// A row with room to read and write a little over its ends.
#define SYNTH_ROW_FLOATS(width) (((width) + 4 * REFINE_SLACK + 15) / 16 * 16)
