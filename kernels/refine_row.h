// What the variants of refine_row share.
#pragma once
#include <string.h>

#include "kernels/refine.h"

// Cells that are spread over pixels at a time; more are read, so that vectors may reach over the
// end.
#define REFINE_RUN_CELLS 32
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

// Cells first.. of one plane, blended; cells past the ends repeat the last.
static inline void refine_blend_run(const struct refine_blend *b, size_t plane_at, int first,
                                    float *restrict out)
{
    const float *upper = b->upper + plane_at, *lower = b->lower + plane_at;
    const int count = REFINE_RUN_CELLS + REFINE_RUN_EXTRA;

    if (first >= 0 && first + count <= b->width) {
        for (int i = 0; i < count; i++)
            out[i] = upper[first + i] + (lower[first + i] - upper[first + i]) * b->part;
        return;
    }
    for (int i = 0; i < count; i++) {
        int x = refine_clamp(first + i, b->width - 1);
        out[i] = upper[x] + (lower[x] - upper[x]) * b->part;
    }
}

// Pixels of the look that are made at a time: a run of the widest cells, and what vectors read past
// it.
#define REFINE_LOOK_PX (REFINE_RUN_CELLS * 8 + 8)

static inline int refine_within(int v, int least, int most)
{
    return v < least ? least : v > most ? most : v;
}

// Sums over rows y - soft_px .. y + soft_px in columns x.., count of them.
static inline void refine_look_down(const struct refine_look *look, int y, int x, int count,
                                    uint16_t *restrict sum)
{
    int first = refine_within(x, look->left, look->right - 1);
    int last = refine_within(x + count - 1, look->left, look->right - 1);
    int from = refine_within(first - x, 0, count - 1) * 4, n = (last - first + 1) * 4;

    memset(sum + from, 0, (size_t)n * sizeof(*sum));
    for (int k = -look->soft_px; k <= look->soft_px; k++) {
        int v = refine_within(y + k, look->top, look->bottom - 1);
        const uint8_t *row = look->picture->pixels + (size_t)v * look->picture->stride_bytes;
        row += (ptrdiff_t)first * 4;
        for (int i = 0; i < n; i++)
            sum[from + i] = (uint16_t)(sum[from + i] + row[i]);
    }
    for (int i = from - 1; i >= 0; i--)
        sum[i] = sum[i + 4];
    for (int i = from + n; i < count * 4; i++)
        sum[i] = sum[i - 4];
}

// What is looked at in row y, pixels x.., count of them and 8 more; in out, or where it lies.
static inline const uint8_t *refine_look_run(const struct refine_look *look, int y, int x,
                                             int count, uint8_t *restrict out)
{
    uint16_t sum[(REFINE_LOOK_PX + 2 * REFINE_SOFT_MAX) * 4], all[REFINE_LOOK_PX * 4];
    int soft = look->soft_px, side = 2 * soft + 1, n = (count + 8) * 4;
    uint32_t part = (uint32_t)(65536 / (side * side));
    uint16_t half = (uint16_t)(side * side / 2);

    if (soft == 0)
        return look->picture->pixels + (size_t)y * look->picture->stride_bytes + (ptrdiff_t)x * 4;
    refine_look_down(look, y, x - soft, count + 8 + 2 * soft, sum);
    memcpy(all, sum, (size_t)n * sizeof(*all));
    for (int k = 1; k < side; k++)
        for (int i = 0; i < n; i++)
            all[i] = (uint16_t)(all[i] + sum[i + 4 * k]);
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)((uint32_t)(uint16_t)(all[i] + half) * part >> 16);
    return out;
}
