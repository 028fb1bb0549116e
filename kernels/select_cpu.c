#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/select_scratch.h"
#include "kernels/variant.h"

// One row at work.
struct row {
    float *left[3]; // the picture, its ends repeated; [-reach .. width + reach)
    float *p, *sum;
    int32_t *cell; // the network's pixel left of each
    float *weight; // of the one right of it
    float *here, *next;
};

static struct row row_init(const struct select_job *job, float *scratch)
{
    size_t n = SELECT_ROW_FLOATS(job->picture.width, job->width);
    int reach = select_reach_px(job->picture.width, job->width);
    float *rest = scratch + SELECT_ROWS * n;

    return (struct row){.left = {scratch + reach, scratch + n + reach, scratch + 2 * n + reach},
                        .p = scratch + 6 * n,
                        .sum = scratch + 7 * n,
                        .cell = (int32_t *)(void *)(scratch + 8 * n),
                        .weight = scratch + 9 * n,
                        .here = rest,
                        .next = rest + SELECT_NET_FLOATS(job->width)};
}

static void fill_left(const struct row *r, const struct select_job *job, int y)
{
    int width = job->picture.width, reach = select_reach_px(width, job->width);
    const uint8_t *pixels = job->picture.pixels + (size_t)y * job->picture.stride_bytes;

    for (int c = 0; c < 3; c++) {
        float *restrict left = r->left[c];
        for (int x = 0; x < width; x++)
            left[x] = pixels[x * 4 + c];
        for (int x = 1; x <= reach; x++) {
            left[-x] = left[0];
            left[width - 1 + x] = left[width - 1];
        }
    }
}

static void fill_cells(const struct row *r, const struct select_job *job)
{
    int width = job->picture.width, rest = 0;
    int32_t cell = 0;

    for (int x = 0; x < width; x++) {
        r->cell[x] = cell;
        r->weight[x] = (float)rest;
        for (rest += job->width; rest >= width; rest -= width)
            cell++;
    }
    for (int x = 0; x < width; x++)
        r->weight[x] /= (float)width;
}

// A channel between two of the network's rows: here, at its pixels, and next, at the neighbours
// right of them.
static void mix_rows(const struct row *r, const struct select_job *job, int channel, int cell,
                     float weight)
{
    int width = job->width, last = width - 1;
    const float *a =
        job->probability + ((size_t)channel * (size_t)job->height + (size_t)cell) * (size_t)width;

    if (cell + 1 < job->height) {
        const float *restrict b = a + width;
        for (int x = 0; x < width; x++)
            r->here[x] = a[x] * (1 - weight) + b[x] * weight;
        memcpy(r->next, r->here + 1, (size_t)last * sizeof(*r->next));
    } else {
        memcpy(r->here, a, (size_t)width * sizeof(*a));
        for (int x = 0; x < last; x++)
            r->next[x] = a[x + 1] * (1 - weight) + a[x] * weight;
    }
    r->next[last] = a[last];
}

static void spread(const struct row *r, int width)
{
    const float *restrict here = r->here, *restrict next = r->next, *restrict weight = r->weight;
    const int32_t *restrict cell = r->cell;
    float *restrict p = r->p, *restrict sum = r->sum;

    for (int x = 0; x < width; x++) {
        p[x] = here[cell[x]] * (1 - weight[x]) + next[cell[x]] * weight[x];
        sum[x] += p[x];
    }
}

static void add_shifted(const float *restrict p, const float *restrict left, int width,
                        float *restrict out)
{
    for (int x = 0; x < width; x++)
        out[x] += p[x] * left[x];
}

// j times the enlargement, to the nearest pixel.
static int shift_px(const struct select_job *job, int j)
{
    long long twice = 2LL * j * job->picture.width + job->width, unit = 2LL * job->width;

    return (int)(twice / unit - (twice % unit < 0));
}

void KERNEL(select_row)(const struct select_job *job, int y, float *scratch, float *const out[3])
{
    struct row r = row_init(job, scratch);
    int width = job->picture.width, height = job->picture.height;
    int cell = (int)((long long)y * job->height / height);
    float weight = (float)((long long)y * job->height % height) / (float)height;

    fill_left(&r, job, y);
    fill_cells(&r, job);
    memset(r.sum, 0, (size_t)width * sizeof(*r.sum));
    for (int i = 0; i < 3; i++)
        memset(out[i], 0, (size_t)width * sizeof(**out));
    for (int c = 0; c < SELECT_CHANNELS; c++) {
        mix_rows(&r, job, c, cell, weight);
        spread(&r, width);
        for (int i = 0; c > 0 && i < 3; i++)
            add_shifted(r.p, r.left[i] - shift_px(job, c - 1 + SELECT_NEAREST), width, out[i]);
    }
    for (int i = 0; i < 3; i++)
        for (int x = 0; x < width; x++)
            out[i][x] /= r.sum[x];
}

static inline uint8_t cut_off(float v)
{
    v = v > 0.0f ? v : 0.0f; // also for NaN
    return (uint8_t)(v < 255.0f ? v : 255.0f);
}

static void bands(void *user, int first, int end)
{
    const struct select_job *job = user;
    int width = job->picture.width;
    size_t n = SELECT_ROW_FLOATS(width, job->width);

    for (int band = first; band < end; band++) {
        float *scratch = job->scratch + (size_t)band * select_scratch_floats(width, job->width);
        float *out[3] = {scratch + 3 * n, scratch + 4 * n, scratch + 5 * n};
        int begin = (int)((long long)job->picture.height * band / job->bands);
        int stop = (int)((long long)job->picture.height * (band + 1) / job->bands);
        for (int y = begin; y < stop; y++) {
            uint8_t *eye = job->eye + (size_t)y * job->stride_bytes;
            KERNEL(select_row)(job, y, scratch, out);
            for (int x = 0; x < width; x++) {
                for (int c = 0; c < 3; c++)
                    eye[x * 4 + c] = cut_off(out[c][x]);
                eye[x * 4 + 3] = 255;
            }
        }
    }
}

void KERNEL(select)(const struct select_job *job)
{
    parallel_rows(job->bands, job->bands, bands, (void *)job);
}
