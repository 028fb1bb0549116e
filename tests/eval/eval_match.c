#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/eval/eval_metrics.h"

// Census transform and window, half their widths; the second best disparity must cost this much
// more.
#define CENSUS 3
#define WINDOW 4
#define UNIQUE 1.06f
#define AGREE_PX 1.0f

static uint64_t *census(const uint8_t *p, int width, int height)
{
    uint64_t *out = calloc((size_t)(width * height), sizeof(*out));

    for (int y = CENSUS; y < height - CENSUS; y++)
        for (int x = CENSUS; x < width - CENSUS; x++) {
            uint64_t bits = 0;
            for (int dy = -CENSUS; dy <= CENSUS; dy++)
                for (int dx = -CENSUS; dx <= CENSUS; dx++)
                    bits = bits << 1 | (p[(y + dy) * width + x + dx] > p[y * width + x]);
            out[y * width + x] = bits;
        }
    return out;
}

// Costs of one disparity, summed over windows: x of the left picture against x - d of the right
// one.
static void window_costs(const uint64_t *left, const uint64_t *right, int width, int height, int d,
                         int *row, uint16_t *out)
{
    for (int y = WINDOW; y < height - WINDOW; y++) {
        for (int x = 0; x < width; x++) {
            row[x] = 0;
            for (int k = -WINDOW; k <= WINDOW; k++) {
                int z = x - d;
                row[x] += z < 0 || z >= width ? 24
                                              : __builtin_popcountll(left[(y + k) * width + x] ^
                                                                     right[(y + k) * width + z]);
            }
        }
        int sum = 0;
        for (int x = 0; x < width; x++) {
            sum += row[x] - (x > 2 * WINDOW ? row[x - 2 * WINDOW - 1] : 0);
            if (x >= 2 * WINDOW)
                out[y * width + x - WINDOW] = (uint16_t)sum;
        }
    }
}

static float refine(const uint16_t *costs, size_t plane, size_t at, int best, int count)
{
    if (best == 0 || best == count - 1)
        return (float)best;
    float a = costs[(size_t)(best - 1) * plane + at], b = costs[(size_t)best * plane + at];
    float c = costs[(size_t)(best + 1) * plane + at], bend = a - 2 * b + c;
    return (float)best + (bend > 0 ? 0.5f * (a - c) / bend : 0);
}

static int least(const uint16_t *costs, size_t plane, size_t at, int count, int step)
{
    int best = 0;

    // step: how the place moves from disparity to disparity (the right picture's pixel sees left
    // ones further right)
    for (int d = 1; d < count; d++)
        if (costs[(size_t)d * plane + at + (size_t)(d * step)] <
            costs[(size_t)best * plane + at + (size_t)(best * step)])
            best = d;
    return best;
}

static int is_unique(const uint16_t *costs, size_t plane, size_t at, int count, int best)
{
    float limit = (float)costs[(size_t)best * plane + at] * UNIQUE;

    for (int d = 0; d < count; d++)
        if (abs(d - best) > 1 && (float)costs[(size_t)d * plane + at] < limit)
            return 0;
    return 1;
}

void eval_match(const uint8_t *left_luma, const uint8_t *right_luma, int width, int height,
                int reach, float *out)
{
    size_t plane = (size_t)width * (size_t)height;
    int count = 2 * reach + 1, *row = calloc((size_t)width, sizeof(int));
    uint64_t *left = census(left_luma, width, height), *right = census(right_luma, width, height);
    uint16_t *costs = malloc(plane * (size_t)count * sizeof(*costs));

    memset(costs, 0xff, plane * (size_t)count * sizeof(*costs));
    for (int d = 0; d < count; d++)
        window_costs(left, right, width, height, d - reach, row, costs + (size_t)d * plane);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            size_t at = (size_t)y * (size_t)width + (size_t)x;
            int best = least(costs, plane, at, count, 0), seen = x - (best - reach);
            out[at] = NAN;
            // all of the right pixel's candidates must lie in the row
            if (x < WINDOW || seen - reach < 0 || seen + reach >= width || y < WINDOW ||
                y >= height - WINDOW || !is_unique(costs, plane, at, count, best))
                continue;
            int back = least(costs, plane, at - (size_t)best, count, 1);
            if (abs(back - best) <= AGREE_PX)
                out[at] = refine(costs, plane, at, best, count) - (float)reach;
        }
    free(row);
    free(left);
    free(right);
    free(costs);
}
