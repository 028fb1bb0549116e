// What the variants of refine_rows share.
#pragma once
#include "kernels/refine.h"

// Cells that are spread over pixels at a time; more are read, so that vectors may reach over the
// end.
#define REFINE_RUN_CELLS 64
#define REFINE_RUN_EXTRA 8

// The two rows of cells about a row of the picture.
struct refine_blend {
    const float *upper, *lower; // [REFINE_PLANES][stride]
    float part;                 // of the lower one
    int width;                  // of the rows
};

static inline int refine_clamp(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static inline struct refine_blend refine_blend_for(const struct refine_grid *grid, int y)
{
    float v = ((float)y + 0.5f) / (float)(1 << grid->log2_step) - 0.5f;
    size_t row = (size_t)REFINE_PLANES * (size_t)grid->stride;

    v = v > 0.0f ? v : 0.0f;
    int y0 = refine_clamp((int)v, grid->height - 1), y1 = refine_clamp(y0 + 1, grid->height - 1);
    return (struct refine_blend){grid->cells + (size_t)y0 * row, grid->cells + (size_t)y1 * row,
                                 v - (float)y0, grid->width};
}

// Cells first.. of one plane, blended, first >= -1; cells past the ends repeat the last.
static inline void refine_blend_run(const struct refine_blend *b, size_t plane_at, int first,
                                    float *restrict out)
{
    const float *upper = b->upper + plane_at, *lower = b->lower + plane_at;
    int count = REFINE_RUN_CELLS + REFINE_RUN_EXTRA, from = first < 0 ? -first : 0;
    int end = first + count < b->width ? count : b->width - first;

    for (int i = from; i < end; i++)
        out[i] = upper[first + i] + (lower[first + i] - upper[first + i]) * b->part;
    for (int i = 0; i < from; i++)
        out[i] = out[from];
    for (int i = end; i < count; i++)
        out[i] = out[end - 1];
}

static inline int refine_within(int v, int least, int most)
{
    return v < least ? least : v > most ? most : v;
}
