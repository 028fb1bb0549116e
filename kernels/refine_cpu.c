#include "kernels/refine.h"

#include <stdbool.h>
#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/refine_math.h"
#include "kernels/refine_scratch.h"
#include "kernels/variant.h"

// Rows of whole numbers, kept in a ring, of which the last window's are summed: one comes in, the
// one that it pushes out is taken off. Rows beyond the grid repeat its border.
struct slide {
    int32_t *ring; // [window + 1][planes][row]
    int planes;
    int from; // the first row that is summed; may lie beyond the grid, as the next
    int next; // to be summed
    int made; // rows before this one are in the ring
};

// One run of rows at work. Rows have their ends repeated as far as windows reach,
// REFINE_ROW_FLOATS numbers; the working set stays in the second cache whatever the picture's
// height.
struct strip {
    const struct refine_job *job;
    size_t row;
    int window; // its side, in cells
    struct slide inputs, fits;
    int32_t *input_sums, *fit_sums; // [REFINE_SUMS], [REFINE_FITS][row]: down the window
    float *own;                     // [window + 1][REFINE_OWN][row]: a ring beside the fits
    int32_t *zeros;                 // [REFINE_INPUTS][row]
    int32_t *sums, *work;           // [REFINE_SUMS], [4][row]
};

static int clamp_int(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static int grid_row(const struct strip *s, int y)
{
    return clamp_int(y, s->job->out.height - 1);
}

// Row y, which may lie beyond the grid.
static int32_t *ring_row(const struct strip *s, const struct slide *slide, int y)
{
    size_t at = (size_t)(grid_row(s, y) % (s->window + 1));

    return slide->ring + at * (size_t)slide->planes * s->row;
}

// What is taken off as row y comes in.
static const int32_t *pushed_out(const struct strip *s, const struct slide *slide, int y)
{
    return y - s->window < slide->from ? s->zeros : ring_row(s, slide, y - s->window);
}

static float *own_row(const struct strip *s, int y)
{
    return s->own + (size_t)(y % (s->window + 1)) * REFINE_OWN * s->row;
}

// Nearness at the centres of the cells of row y, linearly interpolated.
static void sample_nearness(const struct refine_job *job, int y, int32_t *restrict out)
{
    float step = (float)(1 << job->out.log2_step);
    float v =
        ((float)y + 0.5f) * step * (float)job->near_height / (float)job->picture_height - 0.5f;
    float ratio = step * (float)job->near_width / (float)job->picture_width;
    int top = job->near_height - 1, right = job->near_width - 1;
    v = v > 0.0f ? v : 0.0f;
    int y0 = clamp_int((int)v, top), y1 = clamp_int(y0 + 1, top);
    float fy = v - (float)y0;
    const float *a = job->nearness + (size_t)y0 * (size_t)job->near_width;
    const float *b = job->nearness + (size_t)y1 * (size_t)job->near_width;

    fy = fy < 1.0f ? fy : 1.0f;
    for (int x = 0; x < job->out.width; x++) {
        float u = ((float)x + 0.5f) * ratio - 0.5f;
        u = u > 0.0f ? u : 0.0f;
        int x0 = (int)u < right ? (int)u : right, x1 = x0 + 1 < right ? x0 + 1 : right;
        float fx = u - (float)x0;
        fx = fx < 1.0f ? fx : 1.0f;
        float upper = a[x0] + (a[x1] - a[x0]) * fx, lower = b[x0] + (b[x1] - b[x0]) * fx;
        out[x] = refine_near(upper + (lower - upper) * fy);
    }
}

static void take_channel(const uint8_t *restrict pixels, int count, int32_t *restrict out)
{
    for (int x = 0; x < count; x++)
        out[x] = pixels[x * 4];
}

static void take_squares(const int32_t *restrict near, int count, int32_t *restrict out)
{
    for (int x = 0; x < count; x++)
        out[x] = refine_square(near[x]);
}

// Repeats the ends of a row `radius` times on both sides; the row begins at row[radius].
static void extend(int32_t *row, int width, int radius)
{
    for (int i = 0; i < radius; i++) {
        row[i] = row[radius];
        row[radius + width + i] = row[radius + width - 1];
    }
}

static void make_inputs(struct strip *s, int y)
{
    const struct refine_job *job = s->job;
    const uint8_t *restrict pixels = job->guide.pixels + (size_t)y * job->guide.stride_bytes;
    int32_t *in = ring_row(s, &s->inputs, y) + job->radius, *near = in + 3 * s->row;
    int width = job->out.width;

    for (int c = 0; c < 3; c++)
        take_channel(pixels + c, width, in + (size_t)c * s->row);
    sample_nearness(job, y, near);
    take_squares(near, width, near + s->row);
    for (size_t c = 0; c < REFINE_INPUTS; c++)
        extend(in + c * s->row - job->radius, width, job->radius);
}

static void slide_row(const int32_t *restrict in, const int32_t *restrict out, int count,
                      int32_t *restrict sum)
{
    for (int x = 0; x < count; x++)
        sum[x] += in[x] - out[x];
}

// Of the products of two planes.
static void slide_product(const int32_t *restrict in_a, const int32_t *restrict in_b,
                          const int32_t *restrict out_a, const int32_t *restrict out_b, int count,
                          int32_t *restrict sum)
{
    for (int x = 0; x < count; x++)
        sum[x] += in_a[x] * in_b[x] - out_a[x] * out_b[x];
}

static void slide_inputs(struct strip *s)
{
    static const size_t factor[REFINE_SUMS - REFINE_INPUTS][2] = {
        {0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2}, {2, 2}, {0, 3}, {1, 3}, {2, 3}};
    struct slide *slide = &s->inputs;
    int count = s->job->out.width + 2 * s->job->radius, y = slide->next++;
    const int32_t *in = ring_row(s, slide, y), *out = pushed_out(s, slide, y);
    int32_t *sum = s->input_sums;

    if (grid_row(s, y) == slide->made)
        make_inputs(s, slide->made++);
    for (size_t c = 0; c < REFINE_INPUTS; c++, sum += s->row)
        slide_row(in + c * s->row, out + c * s->row, count, sum);
    for (size_t m = 0; m < REFINE_SUMS - REFINE_INPUTS; m++, sum += s->row) {
        size_t a = factor[m][0] * s->row, b = factor[m][1] * s->row;
        slide_product(in + a, in + b, out + a, out + b, count, sum);
    }
}

// What becomes of a window's rows, or of rows moved along by a cell each.
enum fold { SUM, LEAST, MOST };

KERNEL_INLINE int32_t both(enum fold how, int32_t a, int32_t b)
{
    if (how == SUM)
        return a + b;
    return how == LEAST ? (b < a ? b : a) : (b > a ? b : a);
}

// fresh: nothing is in `all` yet.
KERNEL_INLINE void fold_few(enum fold how, const int32_t *const *row, int count, bool fresh,
                            int width, int32_t *restrict all)
{
    for (int x = 0; x < width; x++) {
        int32_t v = fresh ? row[0][x] : both(how, all[x], row[0][x]);
        for (int k = 1; k < count; k++)
            v = both(how, v, row[k][x]);
        all[x] = v;
    }
}

// Many in each pass over the result. count: >= 2.
KERNEL_INLINE void fold_rows(enum fold how, const int32_t *const *row, int count, int width,
                             int32_t *all)
{
    int k = count % 2 != 0 ? 3 : 2;

    if (k == 3)
        fold_few(how, row, 3, true, width, all);
    else
        fold_few(how, row, 2, true, width, all);
    for (; k + 8 <= count; k += 8)
        fold_few(how, row + k, 8, false, width, all);
    for (; k + 4 <= count; k += 4)
        fold_few(how, row + k, 4, false, width, all);
    if (k < count)
        fold_few(how, row + k, 2, false, width, all);
}

// Over windows along a row: three cells, and then two and two, which many windows share; pair:
// [width + 2 * radius].
KERNEL_INLINE void fold_along(enum fold how, const int32_t *restrict row, int width, int radius,
                              int32_t *restrict pair, int32_t *restrict out)
{
    const int32_t *part[REFINE_RADIUS_MAX + 1] = {pair, row + 2};

    for (int x = 0; x < width + 2 * radius - 1; x++)
        pair[x] = both(how, row[x], row[x + 1]);
    for (int k = 1; k < radius; k++)
        part[k + 1] = pair + 2 * k + 1;
    fold_rows(how, part, radius + 1, width, out);
}

// Of so many planes.
static void sum_along(const struct strip *s, const int32_t *in, size_t planes)
{
    for (size_t i = 0; i < planes; i++)
        fold_along(SUM, in + i * s->row, s->job->out.width, s->job->radius, s->work,
                   s->sums + i * s->row);
}

// The least or the greatest nearness of the windows about row y.
KERNEL_INLINE void extreme(const struct strip *s, enum fold how, int y, int32_t *out)
{
    const int32_t *row[2 * REFINE_RADIUS_MAX + 1];
    int width = s->job->out.width, radius = s->job->radius;

    for (int k = 0; k < s->window; k++)
        row[k] = ring_row(s, &s->inputs, y + k - radius) + 3 * s->row;
    fold_rows(how, row, s->window, width + 2 * radius, s->work + s->row);
    fold_along(how, s->work + s->row, width, radius, s->work, out);
}

static void least(const struct strip *s, int y, int32_t *out)
{
    extreme(s, LEAST, y, out);
}

static void most(const struct strip *s, int y, int32_t *out)
{
    extreme(s, MOST, y, out);
}

// Least squares of nearness on colour in each window, and what a cell has of its own.
static void solve(const struct strip *s, const int32_t *restrict low, const int32_t *restrict high,
                  int32_t *restrict fit, float *restrict own)
{
    const struct refine_job *job = s->job;
    const int32_t *sum = s->sums;
    size_t n = s->row;
    float unit[REFINE_SUMS], norm = 1.0f / (float)(s->window * s->window);

    for (int i = 0; i < REFINE_SUMS; i++)
        unit[i] = norm * refine_unit(i);
    for (size_t x = 0; x < (size_t)job->out.width; x++) {
        float means[REFINE_SUMS];
        float range = (float)(high[x] - low[x]) * (1.0f / REFINE_NEAR_UNIT);
        struct refine_fit f;

        for (size_t i = 0; i < REFINE_SUMS; i++)
            means[i] = (float)sum[i * n + x] * unit[i];
        f = refine_solve(means, range, job->smooth, job->gain);
        fit[x] = refine_fixed(f.r);
        fit[n + x] = refine_fixed(f.g);
        fit[2 * n + x] = refine_fixed(f.b);
        fit[3 * n + x] = refine_fixed(f.base);
        own[x] = f.gain;
        own[n + x] = (float)low[x] * (1.0f / REFINE_NEAR_UNIT);
        own[2 * n + x] = range > 1e-3f ? range : 1e-3f;
    }
}

static void make_fits(struct strip *s, int y)
{
    int width = s->job->out.width, radius = s->job->radius;
    int32_t *fit = ring_row(s, &s->fits, y), *low = s->work + 2 * s->row, *high = low + s->row;

    while (s->inputs.next <= y + radius)
        slide_inputs(s);
    sum_along(s, s->input_sums, REFINE_SUMS);
    least(s, y, low);
    most(s, y, high);
    solve(s, low, high, fit + radius, own_row(s, y));
    for (size_t c = 0; c < REFINE_FITS; c++)
        extend(fit + c * s->row, width, radius);
}

static void slide_fits(struct strip *s)
{
    struct slide *slide = &s->fits;
    int count = s->job->out.width + 2 * s->job->radius, y = slide->next++;
    const int32_t *in = ring_row(s, slide, y), *out = pushed_out(s, slide, y);

    if (grid_row(s, y) == slide->made)
        make_fits(s, slide->made++);
    for (size_t c = 0; c < REFINE_FITS; c++)
        slide_row(in + c * s->row, out + c * s->row, count, s->fit_sums + c * s->row);
}

static void times(const int32_t *restrict sum, const float *restrict unit, float norm, int width,
                  float *restrict out)
{
    for (int x = 0; x < width; x++)
        out[x] = (float)sum[x] * (unit[x] * norm);
}

static void fold_base(const int32_t *restrict sum, const float *restrict gain,
                      const float *restrict low, const float *restrict range, float norm, int width,
                      float *restrict out)
{
    for (int x = 0; x < width; x++)
        out[x] = refine_base((float)sum[x] * norm, low[x], range[x], gain[x]);
}

// The mean of the fits around row y, folded into the six numbers of a cell.
static void make_cells(struct strip *s, int y)
{
    const struct refine_grid *grid = &s->job->out;
    const float *gain = own_row(s, y), *low = gain + s->row, *range = low + s->row;
    size_t n = (size_t)grid->stride, bytes = (size_t)grid->width * sizeof(float);
    float *out = grid->cells + (size_t)y * REFINE_PLANES * n, *unit = out + 5 * n;
    float norm = 1.0f / (float)(s->window * s->window * REFINE_FIT_UNIT);

    while (s->fits.next <= y + s->job->radius)
        slide_fits(s);
    sum_along(s, s->fit_sums, REFINE_FITS);
    for (int x = 0; x < grid->width; x++)
        unit[x] = gain[x] / range[x];
    for (size_t c = 0; c < 3; c++)
        times(s->sums + c * s->row, unit, norm, grid->width, out + c * n);
    fold_base(s->sums + 3 * s->row, gain, low, range, norm, grid->width, out + 3 * n);
    memcpy(out + 4 * n, low, bytes);
    memcpy(out + 5 * n, range, bytes);
}

static struct slide slide_from(const struct strip *s, int32_t *ring, int planes, int from)
{
    return (struct slide){ring, planes, from, from, grid_row(s, from)};
}

// Rows from y on.
static struct strip strip_init(const struct refine_job *job, int band, int y)
{
    struct strip s = {
        .job = job, .row = REFINE_ROW_FLOATS(job->out.width), .window = 2 * job->radius + 1};
    size_t ring = (size_t)(s.window + 1) * s.row;
    size_t floats = refine_scratch_floats(job->out.width, job->radius);
    int32_t *at = (int32_t *)(void *)(job->scratch + (size_t)band * floats);

    s.fits = slide_from(&s, at, REFINE_FITS, y - job->radius);
    at += REFINE_FITS * ring;
    s.inputs = slide_from(&s, at, REFINE_INPUTS, s.fits.made - job->radius);
    at += REFINE_INPUTS * ring;
    s.own = (float *)(void *)at;
    s.zeros = at + REFINE_OWN * ring;
    s.fit_sums = s.zeros + REFINE_INPUTS * s.row;
    s.input_sums = s.fit_sums + REFINE_FITS * s.row;
    s.sums = s.input_sums + REFINE_SUMS * s.row;
    s.work = s.sums + REFINE_SUMS * s.row;
    memset(s.zeros, 0, (size_t)(s.sums - s.zeros) * sizeof(*s.zeros));
    return s;
}

static void bands(void *user, int first, int end)
{
    const struct refine_job *job = user;

    for (int band = first; band < end; band++) {
        int begin = (int)((long long)job->out.height * band / job->bands);
        int stop = (int)((long long)job->out.height * (band + 1) / job->bands);
        struct strip s = strip_init(job, band, begin);
        for (int y = begin; y < stop; y++)
            make_cells(&s, y);
    }
}

void KERNEL(refine)(const struct refine_job *job)
{
    parallel_rows(job->bands, job->bands, bands, (void *)job);
}
