// Sums of absolute differences, the heart of motion.h; plain C and AVX2.
#pragma once
#include "kernels/motion.h"
#include "kernels/variant.h"

// A row of blocks is searched in runs of this many.
#define MOTION_RUN_BLOCKS 8
#define MOTION_RUN_PX (MOTION_RUN_BLOCKS * MOTION_SEARCH_PX)
// What is compared around a cell.
#define MOTION_AROUND_PX 2

_Static_assert(MOTION_CELL_PX + 2 * MOTION_AROUND_PX == MOTION_SEARCH_PX, "one kind of block");

// Of one block of MOTION_SEARCH_PX x MOTION_SEARCH_PX pixels.
int KERNEL(motion_sum)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride);
// Of a run of blocks.
void KERNEL(motion_sums)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride,
                         int32_t out[MOTION_RUN_BLOCKS]);
