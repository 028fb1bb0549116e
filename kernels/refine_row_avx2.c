#include "kernels/refine_row.h"

#include <immintrin.h>
#include <stdbool.h>

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

// Columns x.., count of them, of which the look has from..end - 1.
struct columns {
    int x, count, from, end;
};

static struct columns columns_for(const struct refine_look *look, int x, int count)
{
    int first = refine_within(x, look->left, look->right - 1);
    int last = refine_within(x + count - 1, look->left, look->right - 1);
    int from = refine_within(first - x, 0, count - 1);

    return (struct columns){first - from, count, from, from + last - first + 1};
}

static inline const uint8_t *row_at(const struct refine_look *look, const struct columns *c, int y)
{
    return look->picture->pixels +
           (size_t)refine_within(y, look->top, look->bottom - 1) * look->picture->stride_bytes +
           (ptrdiff_t)c->x * 4;
}

// Eight pixels of a row.
static inline __m256i rb_of(const uint8_t *row, int i)
{
    return _mm256_and_si256(load(row + (ptrdiff_t)i * 4), _mm256_set1_epi16(255));
}

static inline __m256i ga_of(const uint8_t *row, int i)
{
    return _mm256_srli_epi16(load(row + (ptrdiff_t)i * 4), 8);
}

static inline void store(uint32_t *at, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)at, v);
}

// Over the `side` rows about y.
KERNEL_INLINE void look_down(const struct refine_look *look, const struct columns *c, int y,
                             int side, struct sums *s)
{
    const uint8_t *row[2 * REFINE_SOFT_MAX + 1];

    for (int k = 0; k < side; k++)
        row[k] = row_at(look, c, y + k - side / 2);
    for (int i = c->from; i < c->end; i += 8) {
        __m256i rb = _mm256_setzero_si256(), ga = _mm256_setzero_si256();
        for (int k = 0; k < side; k++) {
            rb = _mm256_add_epi16(rb, rb_of(row[k], i));
            ga = _mm256_add_epi16(ga, ga_of(row[k], i));
        }
        store(s->rb + i, rb);
        store(s->ga + i, ga);
    }
}

// before: what was over the rows about y - 1.
static void look_further_down(const struct refine_look *look, const struct columns *c, int y,
                              int side, const struct sums *restrict before, struct sums *restrict s)
{
    const uint8_t *in = row_at(look, c, y + side / 2), *out = row_at(look, c, y - side / 2 - 1);

    for (int i = c->from; i < c->end; i += 8) {
        store(s->rb + i, _mm256_sub_epi16(_mm256_add_epi16(load(before->rb + i), rb_of(in, i)),
                                          rb_of(out, i)));
        store(s->ga + i, _mm256_sub_epi16(_mm256_add_epi16(load(before->ga + i), ga_of(in, i)),
                                          ga_of(out, i)));
    }
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

#define RUN (REFINE_RUN_CELLS + REFINE_RUN_EXTRA)

// A run of cells in a row: each plane of them and how far each is from the next.
static void run_of(const struct refine_grid *grid, int y, int first, float (*run)[2][RUN])
{
    struct refine_blend b = refine_blend_for(grid, y);

    for (int p = 0; p < REFINE_PLANES; p++) {
        refine_blend_run(&b, (size_t)p * (size_t)grid->stride, first, run[p][0]);
        for (int i = 0; i < RUN - 1; i++)
            run[p][1][i] = run[p][0][i + 1] - run[p][0][i];
        run[p][1][RUN - 1] = 0.0f;
    }
}

// How eight neighbouring pixels lie between their cells.
struct phases {
    bool direct;  // a cell is a pixel
    __m256i cell; // which of four cells they follow
    __m256 part;  // of the step to the next
};

static struct phases phases_for(int log2_step)
{
    int cell[8], step = 1 << log2_step;
    float part[8];

    for (int i = 0; i < 8; i++) {
        cell[i] = i >> log2_step & 3;
        part[i] = log2_step > 0 ? ((float)(i & (step - 1)) + 0.5f) / (float)step : 0.0f;
    }
    return (struct phases){log2_step == 0, load(cell), _mm256_loadu_ps(part)};
}

static inline __m256 cells_of(const float *cells, const struct phases *p)
{
    if (p->direct)
        return _mm256_loadu_ps(cells);
    return _mm256_permutevar_ps(_mm256_broadcast_ps((const __m128 *)(const void *)cells), p->cell);
}

static inline __m256 spread(const float *cells, const struct phases *p)
{
    return _mm256_add_ps(cells_of(cells, p), _mm256_mul_ps(cells_of(cells + RUN, p), p->part));
}

static inline __m256 low_word(__m256i words)
{
    return _mm256_cvtepi32_ps(_mm256_and_si256(words, _mm256_set1_epi32(65535)));
}

// Eight pixels; c: their first cell in the first plane.
static inline __m256 eight(const float *c, const struct phases *p, __m256i rb, __m256i ga)
{
    const int plane = 2 * RUN;
    __m256 blue = _mm256_cvtepi32_ps(_mm256_srli_epi32(rb, 16));
    __m256 t = _mm256_mul_ps(spread(c, p), low_word(rb));

    t = _mm256_add_ps(t, _mm256_mul_ps(spread(c + plane, p), low_word(ga)));
    t = _mm256_add_ps(t, _mm256_mul_ps(spread(c + 2 * plane, p), blue));
    t = _mm256_add_ps(_mm256_mul_ps(t, _mm256_set1_ps(1.0f / 255.0f)), spread(c + 3 * plane, p));
    t = _mm256_min_ps(_mm256_max_ps(t, _mm256_setzero_ps()), _mm256_set1_ps(1.0f));
    return _mm256_add_ps(spread(c + 4 * plane, p), _mm256_mul_ps(spread(c + 5 * plane, p), t));
}

// What a run of a row is drawn of.
struct part {
    struct sums sums;
    float cells[REFINE_PLANES][2][RUN];
};

KERNEL_INLINE void draw_part(const struct part *part, int log2_step, int count, int side,
                             float *out)
{
    struct phases phases = phases_for(log2_step);

    for (int i = 0; i < count; i += 8)
        _mm256_storeu_ps(out + i, eight(part->cells[0][0] + (i >> log2_step), &phases,
                                        look_along(part->sums.rb + i, side),
                                        look_along(part->sums.ga + i, side)));
}

KERNEL_INLINE void make_part(const struct refine_grid *grid, const struct refine_look *look,
                             const struct columns *c, int y, int first, int side,
                             const struct part *before, struct part *part)
{
    if (before == NULL || side == 1)
        look_down(look, c, y, side, &part->sums);
    else
        look_further_down(look, c, y, side, &before->sums, &part->sums);
    repeat_ends(part->sums.rb, c->from, c->end, c->count);
    repeat_ends(part->sums.ga, c->from, c->end, c->count);
    run_of(grid, y, first, part->cells);
}

// Run by run, so that rows that share pixels and cells find them in the first cache. A row's part
// is made before the one above is drawn: vectors that reach over two just written would wait for
// them.
KERNEL_INLINE void rows_with_side(const struct refine_grid *grid, const struct refine_look *look,
                                  int y, int rows, int side, float *const *out)
{
    struct part part[2];
    int step = 1 << grid->log2_step, begin = step > 1 ? -1 : 0;

    // the first run begins half a cell before the row: between the repeated first cell and the
    // first
    for (int first = begin; first < grid->width; first += REFINE_RUN_CELLS) {
        int x = first * step + step / 2, left = look->picture->width - x;
        int count = REFINE_RUN_CELLS * step < left ? REFINE_RUN_CELLS * step : left;
        struct columns c = columns_for(look, x - side / 2, count + 7 + side - 1);
        for (int i = 0; i <= rows; i++) {
            if (i < rows)
                make_part(grid, look, &c, y + i, first, side, i > 0 ? &part[(i - 1) % 2] : NULL,
                          &part[i % 2]);
            if (i > 0)
                draw_part(&part[(i - 1) % 2], grid->log2_step, count, side, out[i - 1] + x);
        }
    }
}

void KERNEL(refine_rows)(const struct refine_grid *grid, const struct refine_look *look, int y,
                         int rows, float *const *out)
{
    switch (look->soft_px) {
    case 0:
        rows_with_side(grid, look, y, rows, 1, out);
        break;
    case 1:
        rows_with_side(grid, look, y, rows, 3, out);
        break;
    case 2:
        rows_with_side(grid, look, y, rows, 5, out);
        break;
    case 3:
        rows_with_side(grid, look, y, rows, 7, out);
        break;
    default:
        rows_with_side(grid, look, y, rows, 9, out);
        break;
    }
}
