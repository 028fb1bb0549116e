#include "kernels/synth.h"

#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/synth_scratch.h"
#include "kernels/variant.h"

static inline float greater(float a, float b)
{
    return a > b ? a : b;
}

KERNEL_INLINE void greatest_of(const float *const *row, int count, int width, float *restrict out)
{
    for (int x = 0; x < width; x++) {
        float most = row[0][x];
        for (int k = 1; k < count; k++)
            most = greater(most, row[k][x]);
        out[x] = most;
    }
}

// The greatest of `count` rows: those about a row, or one moved along by a pixel each.
static void greatest(const float *const *row, int count, int width, float *restrict out)
{
    switch (count) {
    case 1:
        greatest_of(row, 1, width, out);
        break;
    case 2:
        greatest_of(row, 2, width, out);
        break;
    case 3:
        greatest_of(row, 3, width, out);
        break;
    case 4:
        greatest_of(row, 4, width, out);
        break;
    case 5:
        greatest_of(row, 5, width, out);
        break;
    default:
        greatest_of(row, 2 * SYNTH_SOFT_MAX + 1, width, out);
        break;
    }
}

static void repeat_ends(float *row, int width)
{
    for (int i = 1; i <= REFINE_SLACK; i++) {
        row[-i] = row[0];
        row[width - 1 + i] = row[width - 1];
    }
}

// near: of row x the greatest of x .. x + soft. What is near is wider by soft to both sides, and by
// soft + 1 more where it uncovers something: for the left eye x - soft .. x + 2 * soft + 1.
static void places_left(const float *restrict near, int width, int soft, float gain,
                        float convergence, float *restrict out)
{
    for (int x = 0; x < width; x++) {
        float most = greater(greater(near[x - soft], near[x + 1]), near[x + soft + 1]);
        out[x] = (float)x + gain * (most - convergence);
    }
}

// The row walked backwards, so that the right eye becomes a left one.
static void places_right(const float *restrict near, int width, int soft, float gain,
                         float convergence, float *restrict out)
{
    for (int x = 0; x < width; x++) {
        float most = greater(greater(near[x - 2 * soft - 1], near[x - soft]), near[x]);
        out[width - 1 - x] = (float)(width - 1 - x) + gain * (most - convergence);
    }
}

static void turn_back(const int32_t *restrict map, int width, int32_t *restrict out)
{
    int32_t top = (width - 1) * SYNTH_UNIT;

    for (int x = 0; x < width; x++)
        out[x] = top - map[width - 1 - x];
}

// One run of rows at work.
struct strip {
    const struct synth_job *job;
    float *near[SYNTH_NEAR_ROWS]; // of row y in near[y % SYNTH_NEAR_ROWS]
    int next, last;               // row whose nearness is not there yet, and the first not wanted
    float *tall, *wide, *place;
    int32_t *map, *turned;
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
    s.turned = s.map + n;
    return s;
}

static void refine_up_to(struct strip *s, int end)
{
    const struct synth_job *job = s->job;
    const struct synth_inner *inner = &job->inner;
    struct refine_look look = {&job->picture, inner->left,   inner->top,
                               inner->right,  inner->bottom, job->look_px};

    while (s->next < end && s->next < s->last) {
        float *row[SYNTH_BATCH];
        int rows = s->last - s->next < SYNTH_BATCH ? s->last - s->next : SYNTH_BATCH;
        for (int i = 0; i < rows; i++)
            row[i] = s->near[(s->next + i) % SYNTH_NEAR_ROWS];
        KERNEL(refine_rows)(&job->grid, &look, s->next, rows, row);
        s->next += rows;
    }
}

static int inner_width(const struct synth_job *job)
{
    return job->inner.right - job->inner.left;
}

static int within(int y, const struct synth_inner *inner)
{
    return y < inner->top ? inner->top : y < inner->bottom ? y : inner->bottom - 1;
}

// Nearness of row y, widened down, and along for places_left() and places_right().
static void make_wide(struct strip *s, int y)
{
    const struct synth_inner *inner = &s->job->inner;
    const float *row[SYNTH_NEAR_ROWS];
    int width = inner_width(s->job), soft = s->job->soft_px;

    refine_up_to(s, y + soft + 1);
    for (int k = 0; k <= 2 * soft; k++)
        row[k] = s->near[within(y + k - soft, inner) % SYNTH_NEAR_ROWS] + inner->left;
    greatest(row, 2 * soft + 1, width, s->tall);
    repeat_ends(s->tall, width);
    for (int k = 0; k <= soft; k++)
        row[k] = s->tall - 2 * soft - 1 + k;
    greatest(row, soft + 1, width + 3 * soft + 2, s->wide - 2 * soft - 1);
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

    (eye == 0 ? places_left : places_right)(s->wide, width, job->soft_px, job->gain_px[eye],
                                            job->convergence, s->place);
    KERNEL(synth_map)(s->place, width, job->tear_px, job->soft_px, s->map);
    if (eye == 1)
        turn_back(s->map, width, s->turned);
    sample(job, y, eye, eye == 0 ? s->map : s->turned);
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

    s->next = within(first - job->soft_px, &job->inner);
    s->last = within(end - 1 + job->soft_px, &job->inner) + 1;
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
    parallel_bands(job->bands, job->threads, bands, (void *)job);
}
