#include "kernels/synth.h"

#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/synth_scratch.h"
#include "kernels/variant.h"

// The greatest within `reach` pixels on both sides. near: from -reach to width + reach.
static void widen(const float *restrict near, int width, int reach, float *restrict out)
{
    memcpy(out, near, (size_t)width * sizeof(*out));
    for (int k = 1; k <= reach; k++)
        for (int x = 0; x < width; x++) {
            float most = near[x - k] > near[x + k] ? near[x - k] : near[x + k];
            out[x] = out[x] > most ? out[x] : most;
        }
}

static void repeat_ends(float *row, int width)
{
    for (int i = 1; i <= REFINE_SLACK; i++) {
        row[-i] = row[0];
        row[width - 1 + i] = row[width - 1];
    }
}

static void places_left(const float *restrict near, int width, float gain, float convergence,
                        float *restrict out)
{
    for (int x = 0; x < width; x++)
        out[x] = (float)x + gain * (near[x] - convergence);
}

// The row walked backwards, so that the right eye becomes a left one.
static void places_right(const float *restrict near, int width, float gain, float convergence,
                         float *restrict out)
{
    for (int x = 0; x < width; x++)
        out[x] = (float)x + gain * (near[width - 1 - x] - convergence);
}

static void turn_back(int32_t *map, int width)
{
    int32_t top = (width - 1) * SYNTH_UNIT;

    for (int x = 0, z = width - 1; x <= z; x++, z--) {
        int32_t a = map[x];
        map[x] = top - map[z];
        map[z] = top - a;
    }
}

// The middle one of three rows: single rows that stand out would tear an edge into a comb.
static void middle(const float *const near[3], int width, float *restrict out)
{
    const float *a = near[0], *b = near[1], *c = near[2];

    for (int x = 0; x < width; x++) {
        float low = a[x] < b[x] ? a[x] : b[x], high = a[x] < b[x] ? b[x] : a[x];
        float rest = high < c[x] ? high : c[x];
        out[x] = low > rest ? low : rest;
    }
}

// One run of rows at work.
struct strip {
    const struct synth_job *job;
    float *near[3]; // of row y in near[y % 3]
    float *middle, *wide, *place;
    int32_t *map;
};

static struct strip strip_init(const struct synth_job *job, int band)
{
    int width = job->picture.width;
    size_t n = (size_t)SYNTH_ROW_FLOATS(width);
    float *row = job->scratch + (size_t)band * synth_scratch_floats(width) + 2 * REFINE_SLACK;

    return (struct strip){.job = job,
                          .near = {row, row + n, row + 2 * n},
                          .middle = row + 3 * n,
                          .wide = row + 4 * n,
                          .place = row + 5 * n,
                          .map = (int32_t *)(void *)(row + 6 * n - REFINE_SLACK)};
}

static void refine_into(struct strip *s, int y)
{
    KERNEL(refine_row)(&s->job->grid, &s->job->picture, y, s->near[y % 3]);
}

static int inner_width(const struct synth_job *job)
{
    return job->inner.right - job->inner.left;
}

// Nearness of row y, ready to be drawn; the rows before and after it stand in s->near.
static void make_wide(struct strip *s, int y)
{
    const struct synth_inner *inner = &s->job->inner;
    int width = inner_width(s->job), last = inner->bottom - 1;
    const float *rows[3] = {s->near[(y > inner->top ? y - 1 : y) % 3] + inner->left,
                            s->near[y % 3] + inner->left,
                            s->near[(y < last ? y + 1 : y) % 3] + inner->left};

    middle(rows, width, s->middle);
    repeat_ends(s->middle, width);
    widen(s->middle, width, s->job->dilate_px, s->wide);
}

// The picture that eyes are made of.
static const struct image *shown(const struct synth_job *job)
{
    return job->fine.pixels != NULL ? &job->fine : &job->picture;
}

static size_t pixel_bytes(const struct synth_job *job)
{
    return job->fine.pixels != NULL ? 8 : 4;
}

static void copy_pixels(const struct synth_job *job, int y, int first, int end, int eye)
{
    size_t bytes = pixel_bytes(job), skip = (size_t)first * bytes;

    memcpy(job->eye[eye] + (size_t)y * job->stride_bytes + skip,
           shown(job)->pixels + (size_t)y * shown(job)->stride_bytes + skip,
           (size_t)(end - first) * bytes);
}

static void sample(const struct synth_job *job, int y, int eye, const int32_t *map)
{
    size_t left = (size_t)job->inner.left * pixel_bytes(job);
    const void *row = shown(job)->pixels + (size_t)y * shown(job)->stride_bytes + left;
    void *out = job->eye[eye] + (size_t)y * job->stride_bytes + left;

    if (job->fine.pixels != NULL)
        KERNEL(sample_row16)(row, map, inner_width(job), out);
    else
        KERNEL(sample_row)(row, map, inner_width(job), out);
}

static void draw_row(struct strip *s, int y, int eye)
{
    const struct synth_job *job = s->job;
    int width = inner_width(job);

    if (eye == 0)
        places_left(s->wide, width, job->gain_px[0], job->convergence, s->place);
    else
        places_right(s->wide, width, job->gain_px[1], job->convergence, s->place);
    KERNEL(synth_map)(s->place, width, job->tear_px, s->map);
    if (eye == 1)
        turn_back(s->map, width);
    sample(job, y, eye, s->map);
    copy_pixels(job, y, 0, job->inner.left, eye);
    copy_pixels(job, y, job->inner.right, job->picture.width, eye);
}

static void copy_rows(const struct synth_job *job, int first, int end, int eye)
{
    for (int y = first; y < end; y++)
        copy_pixels(job, y, 0, job->picture.width, eye);
}

// Rows of the inner part.
static void draw_rows(struct strip *s, int first, int end)
{
    const struct synth_job *job = s->job;
    int top = job->inner.top, bottom = job->inner.bottom;

    for (int y = first > top ? first - 1 : top; y <= first && y < end; y++)
        refine_into(s, y);
    for (int y = first; y < end; y++) {
        if (y + 1 < bottom)
            refine_into(s, y + 1);
        make_wide(s, y);
        for (int eye = 0; eye < 2; eye++)
            if (job->gain_px[eye] != 0)
                draw_row(s, y, eye);
    }
}

static void draw_band(struct strip *s, int begin, int stop)
{
    const struct synth_job *job = s->job;
    int first = begin > job->inner.top ? begin : job->inner.top;
    int end = stop < job->inner.bottom ? stop : job->inner.bottom;

    if (first >= end)
        first = end = stop; // a bar alone
    for (int eye = 0; eye < 2; eye++) {
        if (job->gain_px[eye] == 0) {
            copy_rows(job, begin, stop, eye);
            continue;
        }
        copy_rows(job, begin, first, eye);
        copy_rows(job, end, stop, eye);
    }
    if (job->gain_px[0] != 0 || job->gain_px[1] != 0)
        draw_rows(s, first, end);
}

static void bands(void *user, int first, int end)
{
    const struct synth_job *job = user;
    int height = job->picture.height;

    for (int band = first; band < end; band++) {
        struct strip s = strip_init(job, band);
        int begin = (int)((long long)height * band / job->bands);
        int stop = (int)((long long)height * (band + 1) / job->bands);
        draw_band(&s, begin, stop);
    }
}

void KERNEL(synth)(const struct synth_job *job)
{
    parallel_rows(job->bands, job->bands, bands, (void *)job);
}
