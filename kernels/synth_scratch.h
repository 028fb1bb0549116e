// How synth's variants lay out their scratch; nobody else's business.
#pragma once
#include "kernels/synth.h"

// Rows that are refined at a time: most of a batch's pixels and cells are read once for all of it.
#define SYNTH_BATCH 8
// Nearness of the rows that are widened at a time and of those refined ahead, of one row widened
// down and along, places, map, and that turned back.
#define SYNTH_NEAR_ROWS (2 * SYNTH_SOFT_MAX + SYNTH_BATCH)
#define SYNTH_SCRATCH_ROWS (SYNTH_NEAR_ROWS + 5)
// A row with room to read and write a little over its ends.
#define SYNTH_ROW_FLOATS(width) (((width) + 4 * REFINE_SLACK + 15) / 16 * 16)
