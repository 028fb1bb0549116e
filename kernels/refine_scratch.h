// How refine's variants lay out their scratch; nobody else's business.
#pragma once
#include "kernels/refine.h"

// Sums of a row's windows: R G B p, RR RG RB GG GB BB, Rp Gp Bp pp, then least and greatest p.
#define REFINE_SUMS 14
#define REFINE_MOMENTS (REFINE_SUMS + 2)
// A row's fits: sums over the window of slopes and base, then gain, low and range of the row
// itself.
#define REFINE_FITS 7
#define REFINE_WORK 4
// A row with room for windows that reach over its ends.
#define REFINE_ROW_FLOATS(width) (((width) + 2 * REFINE_RADIUS_MAX + 31) / 16 * 16)
