#include "kernels/refine_row.h"

#include <string.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

// Pixels of the look that are made at a time: a run of the widest cells, and what vectors read past
// it.
#define LOOK_PX (REFINE_RUN_CELLS * 8 + 8)

// Sums over rows y - soft_px .. y + soft_px in columns x.., count of them.
static void look_down(const struct refine_look *look, int y, int x, int count,
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

// What is looked at in row y, pixels x.., count of them and 8 more.
static const uint8_t *look_run(const struct refine_look *look, int y, int x, int count,
                               uint8_t *restrict out)
{
    uint16_t sum[(LOOK_PX + 2 * REFINE_SOFT_MAX) * 4], all[LOOK_PX * 4];
    int soft = look->soft_px, side = 2 * soft + 1, n = (count + 8) * 4;
    uint32_t part = (uint32_t)(65536 / (side * side));
    uint16_t half = (uint16_t)(side * side / 2);

    look_down(look, y, x - soft, count + 8 + 2 * soft, sum);
    memcpy(all, sum, (size_t)n * sizeof(*all));
    for (int k = 1; k < side; k++)
        for (int i = 0; i < n; i++)
            all[i] = (uint16_t)(all[i] + sum[i + 4 * k]);
    for (int i = 0; i < n; i++)
        out[i] = (uint8_t)((uint32_t)(uint16_t)(all[i] + half) * part >> 16);
    return out;
}

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
    uint8_t mean[LOOK_PX * 4];
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
        apply(full, look_run(look, y, x, count, mean), count, out + x);
    }
}

// No interpolation: a cell is a pixel.
static void row_direct(const struct refine_grid *grid, const struct refine_look *look, int y,
                       float *out)
{
    const float *c = grid->cells + (size_t)y * REFINE_PLANES * (size_t)grid->stride;
    size_t n = (size_t)grid->stride, width = (size_t)look->picture->width;
    uint8_t mean[LOOK_PX * 4];

    for (size_t first = 0; first < width; first += REFINE_RUN_CELLS) {
        size_t end = first + REFINE_RUN_CELLS < width ? first + REFINE_RUN_CELLS : width;
        const uint8_t *p = look_run(look, y, (int)first, (int)(end - first), mean);
        for (size_t x = first; x < end; x++, p += 4) {
            float t = c[x] * (float)p[0] + c[n + x] * (float)p[1] + c[2 * n + x] * (float)p[2];
            out[x] = c[4 * n + x] + c[5 * n + x] * clamp01(t * (1.0f / 255.0f) + c[3 * n + x]);
        }
    }
}

static void one_row(const struct refine_grid *grid, const struct refine_look *look, int y,
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

void KERNEL(refine_rows)(const struct refine_grid *grid, const struct refine_look *look, int y,
                         int rows, float *const *out)
{
    for (int i = 0; i < rows; i++)
        one_row(grid, look, y + i, out[i]);
}
