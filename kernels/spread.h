// Spread: how nearness is spread over a picture, counted. What it means for eyes is
// engine/comfort.h's.
//
// Cost: reads 4 bytes a pixel at the network's size.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdint.h>
#include <stdlib.h>

#include "kernels/order.h"

#define SPREAD_BINS 256
// Beyond what corners count, the middle of the picture counts so many times more in each direction.
#define SPREAD_MIDDLE 8
// The part of the width that the borders are.
#define SPREAD_BORDER 0.04f

// Bin i holds nearness i / SPREAD_BINS .. (i + 1) / SPREAD_BINS; the outer two also what lies
// beyond.
struct spread {
    uint32_t all[SPREAD_BINS];
    uint32_t subject[SPREAD_BINS];   // the middle of the picture counting most
    uint32_t border[2][SPREAD_BINS]; // the strips at the left and the right
    uint32_t least, most;            // order_key() of -nearness and of nearness
};

struct spread_job {
    const float *nearness; // [height][width]
    int width, height;     // >= 1
    struct spread *out;
};

typedef void kernel_spread(const struct spread_job *job);

ORDER_FUNCTION int spread_bin(float nearness)
{
    int bin = (int)(nearness * SPREAD_BINS);

    return bin < 0 ? 0 : bin >= SPREAD_BINS ? SPREAD_BINS - 1 : bin;
}

// How near to the middle of 0..size-1, 0..SPREAD_MIDDLE.
ORDER_FUNCTION uint32_t spread_middle(int i, int size)
{
    return (uint32_t)(SPREAD_MIDDLE * (size - abs(2 * i + 1 - size)) / size);
}

ORDER_FUNCTION uint32_t spread_weight(int x, int y, int width, int height)
{
    return SPREAD_MIDDLE + spread_middle(y, height) * spread_middle(x, width);
}

// Columns of one border.
ORDER_FUNCTION int spread_border(int width)
{
    int border = (int)(SPREAD_BORDER * (float)width) + 1;

    return border < width ? border : width;
}
