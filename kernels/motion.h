// Motion: for each small block of a picture, where it stood in the picture before. It works on the
// small luma pictures of the filter over time, in whole pixels: a pixel there is several of the
// film's.
//
// Blocks of MOTION_SEARCH_PX are searched in full within the range, by sums of absolute
// differences, with a price on length so that flat areas stay still. Then each cell of
// MOTION_CELL_PX takes the best of its block's and the four neighbours' vectors and none, by the
// differences around the cell: that brings the vectors' borders to those of things.
//
// Cost: (2 * MOTION_X + 1) * (2 * MOTION_Y + 1) absolute differences a pixel: 2.5 million for
// 192x112.
//
// Thread-safety: safe on disjoint outputs and scratch.
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MOTION_SEARCH_PX 8
#define MOTION_CELL_PX 4
// The range, in pixels.
#define MOTION_X 7
#define MOTION_Y 4
// What a plane must have around it: copies of its border.
#define MOTION_PAD_PX 16

struct motion_vector {
    int8_t x, y; // the block stood at its place plus this
};

struct motion_plane {
    uint8_t *luma;       // of pixel (0, 0); MOTION_PAD_PX pixels lie about the picture on all sides
    ptrdiff_t stride_px; // at least motion_stride(width)
};

struct motion_job {
    int width, height;
    struct motion_plane now, old;
    struct motion_vector *blocks; // scratch: [motion_blocks(height)][motion_blocks(width)]
    struct motion_vector *cells;  // [motion_cells(height)][motion_cells(width)]
};

// Rows are read in runs of 64 pixels.
static inline int motion_stride(int width)
{
    return (width + 63) / 64 * 64 + 2 * MOTION_PAD_PX;
}

static inline int motion_blocks(int size)
{
    return (size + MOTION_SEARCH_PX - 1) / MOTION_SEARCH_PX;
}

static inline int motion_cells(int size)
{
    return (size + MOTION_CELL_PX - 1) / MOTION_CELL_PX;
}

typedef void kernel_motion(const struct motion_job *job);
