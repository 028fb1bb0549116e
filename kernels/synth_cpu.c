#include "kernels/synth.h"

#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/synth_scratch.h"
#include "kernels/variant.h"

// The greatest from `before` pixels before to `after` pixels after each. near: so much wider.
static void widen(const float *restrict near, int width, int before, int after, float *restrict out)
{
    memcpy(out, near - before, (size_t)width * sizeof(*out));
    for (int k = 1 - before; k <= after; k++)
        for (int x = 0; x < width; x++)
            out[x] = out[x] > near[x + k] ? out[x] : near[x + k];
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

// One run of rows at work.
struct strip {
    const struct synth_job *job;
    float *near[SYNTH_NEAR_ROWS]; // of row y in near[y % SYNTH_NEAR_ROWS]
    int next;                     // row whose nearness is not there yet
    float *tall, *wide, *place;
    int32_t *map;
};

static struct strip strip_init(const struct synth_job *job, int band)
{
    int width = job->picture.width;
    size_t n = (size_t)SYNTH_ROW_FLOATS(width);
    float *row = job->scratch + (size_t)band * synth_scratch_floats(width) + 2 * REFINE_SLACK;
    struct strip s = {.job = job};

    for (int i = 0; i < SYNTH_NEAR_ROWS; i++, row += n)
        s.near[i] = row;
    s.tall = row;
    s.wide = row + n;
    s.place = row + 2 * n;
    s.map = (int32_t *)(void *)(row + 3 * n - REFINE_SLACK);
    return s;
}

static void refine_up_to(struct strip *s, int end)
{
    const struct synth_job *job = s->job;
    const struct synth_inner *inner = &job->inner;
    struct refine_look look = {&job->picture, inner->left,   inner->top,
                               inner->right,  inner->bottom, job->soft_px};

    for (; s->next < end && s->next < inner->bottom; s->next++)
        KERNEL(refine_row)(&job->grid, &look, s->next, s->near[s->next % SYNTH_NEAR_ROWS]);
}

static int inner_width(const struct synth_job *job)
{
    return job->inner.right - job->inner.left;
}

// Nearness of row y, widened down and along.
static void make_wide(struct strip *s, int y)
{
    const struct synth_inner *inner = &s->job->inner;
    int width = inner_width(s->job), soft = s->job->soft_px;
    int first = y - soft > inner->top ? y - soft : inner->top;

    refine_up_to(s, y + soft + 1);
    memcpy(s->tall, s->near[first % SYNTH_NEAR_ROWS] + inner->left,
           (size_t)width * sizeof(*s->tall));
    for (int k = first + 1; k < s->next; k++) {
        const float *near = s->near[k % SYNTH_NEAR_ROWS] + inner->left;
        for (int x = 0; x < width; x++)
            s->tall[x] = s->tall[x] > near[x] ? s->tall[x] : near[x];
    }
    repeat_ends(s->tall, width);
    widen(s->tall, width, soft, soft, s->wide);
    repeat_ends(s->wide, width);
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

    // wider still on the side where it uncovers something
    widen(s->wide, width, eye == 1 ? job->soft_px : 0, eye == 0 ? job->soft_px : 0, s->tall);
    if (eye == 0)
        places_left(s->tall, width, job->gain_px[0], job->convergence, s->place);
    else
        places_right(s->tall, width, job->gain_px[1], job->convergence, s->place);
    KERNEL(synth_map)(s->place, width, job->tear_px, job->soft_px, s->map);
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

    s->next = first - job->soft_px > job->inner.top ? first - job->soft_px : job->inner.top;
    for (int y = first; y < end; y++) {
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
