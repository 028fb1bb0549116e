#include "kernels/refine_row.h"

#include <immintrin.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

// Pixels of a run of the widest cells, and what lies about them and is read past them.
#define LOOK_PX (REFINE_RUN_CELLS * 8 + 8 + 2 * REFINE_SOFT_MAX)

// Sums over columns of pixels. Two channels lie side by side in words, so that a register holds
// eight pixels and all but A is added up without unpacking.
struct sums {
    uint32_t rb[LOOK_PX + 8], ga[LOOK_PX + 8];
};

static inline __m256i load(const void *at)
{
    return _mm256_loadu_si256(at);
}

static void repeat_ends(uint32_t *row, int from, int end, int count)
{
    for (int i = 0; i < from; i++)
        row[i] = row[from];
    for (int i = end; i < count; i++)
        row[i] = row[end - 1];
}

// Over the `side` rows about y, in columns x.., count of them.
KERNEL_INLINE void look_down(const struct refine_look *look, int y, int x, int count, int side,
                             struct sums *s)
{
    const uint8_t *row[2 * REFINE_SOFT_MAX + 1];
    int first = refine_within(x, look->left, look->right - 1);
    int last = refine_within(x + count - 1, look->left, look->right - 1);
    int from = refine_within(first - x, 0, count - 1), end = from + last - first + 1;

    for (int k = 0; k < side; k++) {
        int v = refine_within(y + k - side / 2, look->top, look->bottom - 1);
        row[k] = look->picture->pixels + (size_t)v * look->picture->stride_bytes +
                 (ptrdiff_t)(first - from) * 4;
    }
    for (int i = from; i < end; i += 8) {
        __m256i rb = _mm256_setzero_si256(), ga = _mm256_setzero_si256();
        for (int k = 0; k < side; k++) {
            __m256i p = load(row[k] + (ptrdiff_t)i * 4);
            rb = _mm256_add_epi16(rb, _mm256_and_si256(p, _mm256_set1_epi16(255)));
            ga = _mm256_add_epi16(ga, _mm256_srli_epi16(p, 8));
        }
        _mm256_storeu_si256((__m256i *)(void *)(s->rb + i), rb);
        _mm256_storeu_si256((__m256i *)(void *)(s->ga + i), ga);
    }
    repeat_ends(s->rb, from, end, count);
    repeat_ends(s->ga, from, end, count);
}

// Two channels of eight pixels: means of side * side.
KERNEL_INLINE __m256i look_along(const uint32_t *sums, int side)
{
    __m256i all = load(sums);

    for (int k = 1; k < side; k++)
        all = _mm256_add_epi16(all, load(sums + k));
    if (side == 1)
        return all;
    return _mm256_mulhi_epu16(_mm256_add_epi16(all, _mm256_set1_epi16((short)(side * side / 2))),
                              _mm256_set1_epi16((short)(65536 / (side * side))));
}

// How eight neighbouring pixels lie between their cells; four of them know four cells.
struct phases {
    ptrdiff_t fifth;     // the first cell of the fifth pixel
    __m256i left, right; // which of the four
    __m256 part;         // of the right one
};

static struct phases phases_for(int log2_step)
{
    int left[8], right[8], step = 1 << log2_step;
    float part[8];

    for (int i = 0; i < 8; i++) {
        left[i] = (i & 3) >> log2_step;
        right[i] = left[i] + (log2_step > 0 ? 1 : 0);
        part[i] = log2_step > 0 ? ((float)(i & (step - 1)) + 0.5f) / (float)step : 0.0f;
    }
    return (struct phases){4 >> log2_step, load(left), load(right), _mm256_loadu_ps(part)};
}

static inline __m256 spread(const float *cells, const struct phases *p)
{
    __m256 c = _mm256_loadu2_m128(cells + p->fifth, cells);
    __m256 left = _mm256_permutevar_ps(c, p->left), right = _mm256_permutevar_ps(c, p->right);

    return _mm256_add_ps(left, _mm256_mul_ps(_mm256_sub_ps(right, left), p->part));
}

static inline __m256 low_word(__m256i words)
{
    return _mm256_cvtepi32_ps(_mm256_and_si256(words, _mm256_set1_epi32(65535)));
}

// Eight pixels; c: their first cell in each plane.
static inline __m256 eight(const float *c, size_t plane, const struct phases *phases, __m256i rb,
                           __m256i ga)
{
    __m256 blue = _mm256_cvtepi32_ps(_mm256_srli_epi32(rb, 16));
    __m256 t = _mm256_mul_ps(spread(c, phases), low_word(rb));

    t = _mm256_add_ps(t, _mm256_mul_ps(spread(c + plane, phases), low_word(ga)));
    t = _mm256_add_ps(t, _mm256_mul_ps(spread(c + 2 * plane, phases), blue));
    t = _mm256_add_ps(_mm256_mul_ps(t, _mm256_set1_ps(1.0f / 255.0f)),
                      spread(c + 3 * plane, phases));
    t = _mm256_min_ps(_mm256_max_ps(t, _mm256_setzero_ps()), _mm256_set1_ps(1.0f));
    return _mm256_add_ps(spread(c + 4 * plane, phases),
                         _mm256_mul_ps(spread(c + 5 * plane, phases), t));
}

KERNEL_INLINE void row_with_side(const struct refine_grid *grid, const struct refine_look *look,
                                 int y, int side, float *out)
{
    struct refine_blend b = refine_blend_for(grid, y);
    struct phases phases = phases_for(grid->log2_step);
    struct sums sums;
    float cells[REFINE_PLANES][REFINE_RUN_CELLS + REFINE_RUN_EXTRA];
    int step = 1 << grid->log2_step, begin = step > 1 ? -1 : 0;

    // the first run begins half a cell before the row: between the repeated first cell and the
    // first
    for (int first = begin; first < grid->width; first += REFINE_RUN_CELLS) {
        int x = first * step + step / 2, left = look->picture->width - x;
        int count = REFINE_RUN_CELLS * step < left ? REFINE_RUN_CELLS * step : left;
        look_down(look, y, x - side / 2, count + 7 + side - 1, side, &sums);
        for (int p = 0; p < REFINE_PLANES; p++)
            refine_blend_run(&b, (size_t)p * (size_t)grid->stride, first, cells[p]);
        for (int i = 0; i < count; i += 8)
            _mm256_storeu_ps(out + x + i,
                             eight(cells[0] + (i >> grid->log2_step),
                                   REFINE_RUN_CELLS + REFINE_RUN_EXTRA, &phases,
                                   look_along(sums.rb + i, side), look_along(sums.ga + i, side)));
    }
}

void KERNEL(refine_row)(const struct refine_grid *grid, const struct refine_look *look, int y,
                        float *out)
{
    switch (look->soft_px) {
    case 0:
        row_with_side(grid, look, y, 1, out);
        break;
    case 1:
        row_with_side(grid, look, y, 3, out);
        break;
    case 2:
        row_with_side(grid, look, y, 5, out);
        break;
    case 3:
        row_with_side(grid, look, y, 7, out);
        break;
    default:
        row_with_side(grid, look, y, 9, out);
        break;
    }
}
