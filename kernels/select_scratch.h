// How selection's scratch memory is divided; use select.h.
#pragma once
#include "kernels/select.h"

#define SELECT_FARTHEST (SELECT_CHANNELS - 2 + SELECT_NEAREST)

// The largest shift, in pixels of the picture: what a row is lengthened by on both sides.
static inline int select_reach_px(int picture_width, int width)
{
    return (int)(((long long)SELECT_FARTHEST * picture_width + width / 2) / width) + 1;
}

// Floats from one row of scratch to the next, and of an answer's row.
#define SELECT_ROW_FLOATS(picture_width, width)                                                    \
    (((size_t)(picture_width) + 2 * (size_t)select_reach_px(picture_width, width) + 15) / 16 * 16)
#define SELECT_NET_FLOATS(width) (((size_t)(width) + 15) / 16 * 16)
// Three lengthened rows of the picture, three of the eye, one of p, of its sum, of cells and of
// weights.
#define SELECT_ROWS 10
