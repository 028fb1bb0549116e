// How many bytes of each block of a plane lie between two values: for the processor's twins of
// kernels that judge pixels and report blocks. A row of blocks at a time, of which the compiler
// makes vectors.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "kernels/variant.h"

#define BLOCK_COUNT_PX 8
// Blocks are counted in runs of this many columns.
#define BLOCK_COUNT_RUN_PX 512

static inline int block_count_blocks(int size)
{
    return (size + BLOCK_COUNT_PX - 1) / BLOCK_COUNT_PX;
}

// Rows of a row of blocks, from the first byte on; columns <= BLOCK_COUNT_RUN_PX of them.
KERNEL_INLINE void block_count_run(const uint8_t *bytes, int stride, int rows, int columns,
                                   uint8_t least, uint8_t most, uint8_t *counts)
{
    uint8_t column[BLOCK_COUNT_RUN_PX] = {0};

    for (int y = 0; y < rows; y++)
        for (int i = 0; i < columns; i++) {
            uint8_t byte = bytes[(ptrdiff_t)y * stride + i];
            column[i] = (uint8_t)(column[i] + ((byte >= least) & (byte <= most)));
        }
    for (int i = 0; i < columns; i += BLOCK_COUNT_PX) {
        int sum = 0;
        for (int k = 0; k < BLOCK_COUNT_PX; k++)
            sum += column[i + k];
        counts[i / BLOCK_COUNT_PX] = (uint8_t)sum;
    }
}

// bytes: [height][width]. counts: [rows][columns] of blocks of BLOCK_COUNT_PX x BLOCK_COUNT_PX,
// those at the end cut off; each least <= byte <= most counts.
KERNEL_INLINE void block_count(const uint8_t *bytes, int width, int height, uint8_t least,
                               uint8_t most, uint8_t *counts)
{
    for (int y = 0; y < height; y += BLOCK_COUNT_PX)
        for (int x = 0; x < width; x += BLOCK_COUNT_RUN_PX)
            block_count_run(bytes + (ptrdiff_t)y * width + x, width,
                            height - y < BLOCK_COUNT_PX ? height - y : BLOCK_COUNT_PX,
                            width - x < BLOCK_COUNT_RUN_PX ? width - x : BLOCK_COUNT_RUN_PX, least,
                            most,
                            counts + (ptrdiff_t)(y / BLOCK_COUNT_PX) * block_count_blocks(width) +
                                x / BLOCK_COUNT_PX);
}
