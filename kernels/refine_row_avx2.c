#include "kernels/refine_row.h"

#include <immintrin.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

// How eight neighbouring pixels lie between their cells.
struct phases {
    __m256i left, right; // which of eight loaded cells
    __m256 part;         // of the right one
};

static struct phases phases_for(int log2_step)
{
    int left[8], right[8], step = 1 << log2_step;
    float part[8];

    for (int i = 0; i < 8; i++) {
        left[i] = i >> log2_step;
        right[i] = left[i] + (log2_step > 0 ? 1 : 0);
        part[i] = log2_step > 0 ? ((float)(i & (step - 1)) + 0.5f) / (float)step : 0.0f;
    }
    return (struct phases){_mm256_loadu_si256((const __m256i *)(const void *)left),
                           _mm256_loadu_si256((const __m256i *)(const void *)right),
                           _mm256_loadu_ps(part)};
}

static inline __m256 spread(const float *cells, const struct phases *p)
{
    __m256 c = _mm256_loadu_ps(cells);
    __m256 left = _mm256_permutevar8x32_ps(c, p->left);
    __m256 right = _mm256_permutevar8x32_ps(c, p->right);

    return _mm256_add_ps(left, _mm256_mul_ps(_mm256_sub_ps(right, left), p->part));
}

static inline __m256 channel(__m256i pixels, int shift)
{
    __m256i c = _mm256_and_si256(_mm256_srli_epi32(pixels, shift), _mm256_set1_epi32(255));

    return _mm256_cvtepi32_ps(c);
}

// Eight pixels; c: their first cell in each plane.
static inline void eight(const float *c, size_t plane, const struct phases *phases,
                         const uint8_t *pixels, float *out)
{
    __m256i p = _mm256_loadu_si256((const __m256i *)(const void *)pixels);
    __m256 t = _mm256_mul_ps(spread(c, phases), channel(p, 0));

    t = _mm256_add_ps(t, _mm256_mul_ps(spread(c + plane, phases), channel(p, 8)));
    t = _mm256_add_ps(t, _mm256_mul_ps(spread(c + 2 * plane, phases), channel(p, 16)));
    t = _mm256_add_ps(_mm256_mul_ps(t, _mm256_set1_ps(1.0f / 255.0f)),
                      spread(c + 3 * plane, phases));
    t = _mm256_min_ps(_mm256_max_ps(t, _mm256_setzero_ps()), _mm256_set1_ps(1.0f));
    t = _mm256_add_ps(spread(c + 4 * plane, phases),
                      _mm256_mul_ps(spread(c + 5 * plane, phases), t));
    _mm256_storeu_ps(out, t);
}

void KERNEL(refine_row)(const struct refine_grid *grid, const struct refine_look *look, int y,
                        float *out)
{
    struct refine_blend b = refine_blend_for(grid, y);
    struct phases phases = phases_for(grid->log2_step);
    uint8_t mean[REFINE_LOOK_PX * 4];
    float cells[REFINE_PLANES][REFINE_RUN_CELLS + REFINE_RUN_EXTRA];
    int step = 1 << grid->log2_step, begin = step > 1 ? -1 : 0;

    // the first run begins half a cell before the row: between the repeated first cell and the
    // first
    for (int first = begin; first < grid->width; first += REFINE_RUN_CELLS) {
        int x = first * step + step / 2, left = look->picture->width - x;
        int count = REFINE_RUN_CELLS * step < left ? REFINE_RUN_CELLS * step : left;
        const uint8_t *pixels = refine_look_run(look, y, x, count, mean);
        for (int p = 0; p < REFINE_PLANES; p++)
            refine_blend_run(&b, (size_t)p * (size_t)grid->stride, first, cells[p]);
        for (int i = 0; i < count; i += 8)
            eight(cells[0] + (i >> grid->log2_step), REFINE_RUN_CELLS + REFINE_RUN_EXTRA, &phases,
                  pixels + (ptrdiff_t)i * 4, out + x + i);
    }
}
