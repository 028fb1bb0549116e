#include "kernels/refine_row.h"

#include "kernels/columns.h"
#include "kernels/variant.h"

static inline float clamp01(float t)
{
    t = t > 0.0f ? t : 0.0f;
    return t < 1.0f ? t : 1.0f;
}

// Pixel k of cell c's run lies between the centres of cells c and c + 1.
KERNEL_INLINE void spread(const float *restrict cells, int step, float *restrict out)
{
    for (int c = 0; c < REFINE_RUN_CELLS; c++)
        for (int k = 0; k < step; k++)
            out[c * step + k] =
                cells[c] + (cells[c + 1] - cells[c]) * (((float)k + 0.5f) / (float)step);
}

KERNEL_INLINE void apply(const float (*restrict c)[REFINE_RUN_CELLS * 8],
                         const uint8_t *restrict pixels, int count, float *restrict out)
{
    for (int i = 0; i < count; i++) {
        float t = c[0][i] * (float)pixels[i * 4] + c[1][i] * (float)pixels[i * 4 + 1] +
                  c[2][i] * (float)pixels[i * 4 + 2];
        out[i] = c[4][i] + c[5][i] * clamp01(t * (1.0f / 255.0f) + c[3][i]);
    }
}

KERNEL_INLINE void row_with_step(const struct refine_grid *grid, const struct refine_look *look,
                                 int y, int step, float *out)
{
    struct refine_blend b = refine_blend_for(grid, y);
    uint8_t mean[REFINE_LOOK_PX * 4];
    float cells[REFINE_RUN_CELLS + REFINE_RUN_EXTRA], full[REFINE_PLANES][REFINE_RUN_CELLS * 8];

    // the first run begins half a cell before the row: between the repeated first cell and the
    // first
    for (int first = -1; first < grid->width; first += REFINE_RUN_CELLS) {
        int x = first * step + step / 2, left = look->picture->width - x;
        int count = REFINE_RUN_CELLS * step < left ? REFINE_RUN_CELLS * step : left;
        for (int p = 0; p < REFINE_PLANES; p++) {
            refine_blend_run(&b, (size_t)p * (size_t)grid->stride, first, cells);
            spread(cells, step, full[p]);
        }
        apply(full, refine_look_run(look, y, x, count, mean), count, out + x);
    }
}

// No interpolation: a cell is a pixel.
static void row_direct(const struct refine_grid *grid, const struct refine_look *look, int y,
                       float *out)
{
    const float *c = grid->cells + (size_t)y * REFINE_PLANES * (size_t)grid->stride;
    size_t n = (size_t)grid->stride, width = (size_t)look->picture->width;
    uint8_t mean[REFINE_LOOK_PX * 4];

    for (size_t first = 0; first < width; first += REFINE_RUN_CELLS) {
        size_t end = first + REFINE_RUN_CELLS < width ? first + REFINE_RUN_CELLS : width;
        const uint8_t *p = refine_look_run(look, y, (int)first, (int)(end - first), mean);
        for (size_t x = first; x < end; x++, p += 4) {
            float t = c[x] * (float)p[0] + c[n + x] * (float)p[1] + c[2 * n + x] * (float)p[2];
            out[x] = c[4 * n + x] + c[5 * n + x] * clamp01(t * (1.0f / 255.0f) + c[3 * n + x]);
        }
    }
}

void KERNEL(refine_row)(const struct refine_grid *grid, const struct refine_look *look, int y,
                        float *out)
{
    switch (grid->log2_step) {
    case 0:
        row_direct(grid, look, y, out);
        break;
    case 1:
        row_with_step(grid, look, y, 2, out);
        break;
    case 2:
        row_with_step(grid, look, y, 4, out);
        break;
    default:
        row_with_step(grid, look, y, 8, out);
        break;
    }
}
