// How refine's variants lay out their scratch; nobody else's business.
#pragma once
#include "kernels/refine.h"

// R G B p pp: colours in 255ths, nearness and its square as in refine_math.h.
#define REFINE_INPUTS 5
// Sums over a window: R G B p pp, RR RG RB GG GB BB, Rp Gp Bp.
#define REFINE_SUMS 14
// Slopes of R, G, B and base, in REFINE_FIT_UNIT.
#define REFINE_FITS 4
// What a cell has of its own window: gain, low and range.
#define REFINE_OWN 3
// A row with room for windows that reach over its ends.
#define REFINE_ROW_FLOATS(width) (((width) + 2 * REFINE_RADIUS_MAX + 31) / 16 * 16)
