#include "kernels/refine.h"

#include <stdbool.h>
#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/refine_math.h"
#include "kernels/refine_scratch.h"
#include "kernels/variant.h"

// One run of rows at work. Rows of moments and fits are kept in rings, long enough for one window:
// the working set stays in the second cache whatever the picture's height.
struct strip {
    const struct refine_job *job;
    int row_floats, window;
    float *moments, *fits; // [window][REFINE_MOMENTS or REFINE_FITS][row_floats]
    float *work;           // [REFINE_WORK + REFINE_MOMENTS][row_floats]
    int next_moments, next_fits;
};

static int clamp_int(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static float *ring_row(float *ring, int planes, const struct strip *s, int y)
{
    return ring + (size_t)(y % s->window) * (size_t)planes * (size_t)s->row_floats;
}

// Nearness at the centres of the cells of row y, linearly interpolated.
static void sample_nearness(const struct refine_job *job, int y, float *restrict out)
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
        out[x] = upper + (lower - upper) * fy;
    }
}

// Repeats the ends of a row of `width` floats `radius` times on both sides; the row begins at
// row[radius].
static void extend(float *row, int width, int radius)
{
    for (int i = 0; i < radius; i++) {
        row[i] = row[radius];
        row[radius + width + i] = row[radius + width - 1];
    }
}

// What becomes of a window's rows, pixel by pixel.
enum fold { SUM, LEAST, MOST };

KERNEL_INLINE float both(enum fold how, float a, float b)
{
    if (how == SUM)
        return a + b;
    return how == LEAST ? (b < a ? b : a) : (b > a ? b : a);
}

// fresh: nothing is in `all` yet.
KERNEL_INLINE void fold_few(enum fold how, const float *const *row, int count, bool fresh,
                            int width, float *restrict all)
{
    for (int x = 0; x < width; x++) {
        float v = fresh ? row[0][x] : both(how, all[x], row[0][x]);
        for (int k = 1; k < count; k++)
            v = both(how, v, row[k][x]);
        all[x] = v;
    }
}

// One row after another, as their order counts for a sum's bits, many in each pass over the
// result. count: >= 2.
KERNEL_INLINE void fold_rows(enum fold how, const float *const *row, int count, int width,
                             float *all)
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

static void sum_rows(const float *const *row, int count, int width, float *sum)
{
    fold_rows(SUM, row, count, width, sum);
}

static void least_rows(const float *const *row, int count, int width, float *least)
{
    fold_rows(LEAST, row, count, width, least);
}

static void most_rows(const float *const *row, int count, int width, float *most)
{
    fold_rows(MOST, row, count, width, most);
}

// Pixel by pixel three, and then two and two, which many windows share; pair: [width + 2 * radius].
static void window_sum(const float *restrict row, int width, int radius, float *restrict pair,
                       float *restrict out)
{
    const float *part[REFINE_RADIUS_MAX + 1] = {pair, row + 2};

    for (int x = 0; x < width + 2 * radius - 1; x++)
        pair[x] = row[x] + row[x + 1];
    for (int k = 1; k < radius; k++)
        part[k + 1] = pair + 2 * k + 1;
    sum_rows(part, radius + 1, width, out);
}

static void window_range(const float *row, int width, int radius, float *least, float *most)
{
    const float *along[2 * REFINE_RADIUS_MAX + 1];

    for (int k = 0; k <= 2 * radius; k++)
        along[k] = row + k;
    least_rows(along, 2 * radius + 1, width, least);
    most_rows(along, 2 * radius + 1, width, most);
}

// Sums over the windows of row y, horizontally.
static void make_moments(struct strip *s, int y)
{
    const struct refine_job *job = s->job;
    int width = job->out.width, radius = job->radius, n = s->row_floats;
    float *in = s->work, *product = in + 4 * (size_t)n, *pair = product + n;
    float *out = ring_row(s->moments, REFINE_MOMENTS, s, y);
    const uint8_t *pixels = job->guide.pixels + (size_t)y * job->guide.stride_bytes;
    static const int factor[10][2] = {{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 2},
                                      {2, 2}, {0, 3}, {1, 3}, {2, 3}, {3, 3}};

    for (int c = 0; c < 3; c++)
        for (int x = 0; x < width; x++)
            in[(size_t)c * (size_t)n + (size_t)(radius + x)] =
                (float)pixels[x * 4 + c] * (1.0f / 255.0f);
    sample_nearness(job, y, in + 3 * (size_t)n + radius);
    for (int c = 0; c < 4; c++) {
        extend(in + (size_t)c * (size_t)n, width, radius);
        window_sum(in + (size_t)c * (size_t)n, width, radius, pair, out + (size_t)c * (size_t)n);
    }
    for (int m = 0; m < 10; m++) {
        const float *a = in + (size_t)factor[m][0] * (size_t)n,
                    *b = in + (size_t)factor[m][1] * (size_t)n;
        for (int x = 0; x < width + 2 * radius; x++)
            product[x] = a[x] * b[x];
        window_sum(product, width, radius, pair, out + (size_t)(4 + m) * (size_t)n);
    }
    window_range(in + 3 * (size_t)n, width, radius, out + REFINE_SUMS * (size_t)n,
                 out + (REFINE_SUMS + 1) * (size_t)n);
}

// A plane's rows of the window around row y.
static void window_rows(const struct strip *s, float *ring, int planes, int plane, int y,
                        const float **out)
{
    for (int k = 0; k < s->window; k++) {
        int v = clamp_int(y + k - s->job->radius, s->job->out.height - 1);
        out[k] = ring_row(ring, planes, s, v) + (size_t)plane * (size_t)s->row_floats;
    }
}

// Vertical part of the windows' sums, least and greatest around row y.
static void add_moments(struct strip *s, int y, float *sum)
{
    const float *row[2 * REFINE_RADIUS_MAX + 1];
    size_t n = (size_t)s->row_floats;
    int width = s->job->out.width;

    for (int m = 0; m < REFINE_SUMS; m++) {
        window_rows(s, s->moments, REFINE_MOMENTS, m, y, row);
        sum_rows(row, s->window, width, sum + (size_t)m * n);
    }
    window_rows(s, s->moments, REFINE_MOMENTS, REFINE_SUMS, y, row);
    least_rows(row, s->window, width, sum + REFINE_SUMS * n);
    window_rows(s, s->moments, REFINE_MOMENTS, REFINE_SUMS + 1, y, row);
    most_rows(row, s->window, width, sum + (REFINE_SUMS + 1) * n);
}

// Least squares of nearness on colour in each window: slopes, base, and the gain that the fit
// deserves.
static void solve(const struct strip *s, const float *restrict sum, float *restrict fit,
                  float *restrict gain)
{
    const struct refine_job *job = s->job;
    size_t n = (size_t)s->row_floats;
    float norm = 1.0f / (float)(s->window * s->window);

    for (size_t x = 0; x < (size_t)job->out.width; x++) {
        float means[REFINE_SUMS];
        float range = sum[(REFINE_SUMS + 1) * n + x] - sum[REFINE_SUMS * n + x];
        struct refine_fit f;

        for (size_t i = 0; i < REFINE_SUMS; i++)
            means[i] = sum[i * n + x] * norm;
        f = refine_solve(means, range, job->smooth, job->gain);
        fit[x] = f.r;
        fit[n + x] = f.g;
        fit[2 * n + x] = f.b;
        fit[3 * n + x] = f.base;
        gain[x] = f.gain;
    }
}

static void make_fits(struct strip *s, int y)
{
    size_t n = (size_t)s->row_floats;
    int width = s->job->out.width, radius = s->job->radius;
    float *fit = s->work, *sum = s->work + 4 * n;
    float *out = ring_row(s->fits, REFINE_FITS, s, y);

    for (int last = clamp_int(y + radius, s->job->out.height - 1); s->next_moments <= last;
         s->next_moments++)
        make_moments(s, s->next_moments);
    add_moments(s, y, sum);
    solve(s, sum, fit, out + 4 * n);
    for (int c = 0; c < 4; c++) {
        float *row = fit + (size_t)c * n;
        memmove(row + radius, row, (size_t)width * sizeof(*row));
        extend(row, width, radius);
        window_sum(row, width, radius, s->work + 4 * n, out + (size_t)c * n);
    }
    for (size_t x = 0; x < (size_t)width; x++) {
        float range = sum[(REFINE_SUMS + 1) * n + x] - sum[REFINE_SUMS * n + x];
        out[5 * n + x] = sum[REFINE_SUMS * n + x];
        out[6 * n + x] = range > 1e-3f ? range : 1e-3f;
    }
}

// own: gain, low and range of a row; sum: of the fits about it, `n` floats a row each.
static void fold(const float *restrict sum, const float *restrict own, size_t n, float norm,
                 int width, float *restrict out, size_t stride)
{
    for (size_t x = 0; x < (size_t)width; x++) {
        float gain = own[x], low = own[n + x], range = own[2 * n + x], unit = gain * norm / range;
        out[x] = sum[x] * unit;
        out[stride + x] = sum[n + x] * unit;
        out[2 * stride + x] = sum[2 * n + x] * unit;
        out[3 * stride + x] = refine_base(sum[3 * n + x] * norm, low, range, gain);
        out[4 * stride + x] = low;
        out[5 * stride + x] = range;
    }
}

// The mean of the fits around row y, folded into the six numbers of a cell.
static void make_cells(struct strip *s, int y)
{
    const struct refine_job *job = s->job;
    const float *row[2 * REFINE_RADIUS_MAX + 1];
    size_t n = (size_t)s->row_floats, stride = (size_t)job->out.stride;
    float *sum = s->work, *out = job->out.cells + (size_t)y * REFINE_PLANES * stride;
    float norm = 1.0f / (float)(s->window * s->window);

    for (int last = clamp_int(y + job->radius, job->out.height - 1); s->next_fits <= last;
         s->next_fits++)
        make_fits(s, s->next_fits);
    for (int c = 0; c < 4; c++) {
        window_rows(s, s->fits, REFINE_FITS, c, y, row);
        sum_rows(row, s->window, job->out.width, sum + (size_t)c * n);
    }
    fold(sum, ring_row(s->fits, REFINE_FITS, s, y) + 4 * n, n, norm, job->out.width, out, stride);
}

static void bands(void *user, int first, int end)
{
    const struct refine_job *job = user;
    struct strip s = {
        .job = job, .row_floats = REFINE_ROW_FLOATS(job->out.width), .window = 2 * job->radius + 1};

    for (int band = first; band < end; band++) {
        int begin = (int)((long long)job->out.height * band / job->bands);
        int stop = (int)((long long)job->out.height * (band + 1) / job->bands);
        size_t ring = (size_t)s.window * (size_t)s.row_floats;
        s.moments =
            job->scratch + (size_t)band * refine_scratch_floats(job->out.width, job->radius);
        s.fits = s.moments + ring * REFINE_MOMENTS;
        s.work = s.fits + ring * REFINE_FITS;
        s.next_fits = begin - job->radius > 0 ? begin - job->radius : 0;
        s.next_moments = s.next_fits - job->radius > 0 ? s.next_fits - job->radius : 0;
        for (int y = begin; y < stop; y++)
            make_cells(&s, y);
    }
}

void KERNEL(refine)(const struct refine_job *job)
{
    parallel_rows(job->bands, job->bands, bands, (void *)job);
}
