#include "kernels/synth.h"

#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/synth_scratch.h"
#include "kernels/variant.h"

// Torn pieces that lie this close together are one hole: the few pixels between them are an edge's
// soft mixture of both sides, which is better not seen on its own.
#define JOIN_PX 4
// A stretch of this much within a hole's reach belongs to the hole.
#define STEEP_PX 0.5f

struct map {
    const float *place;
    int width;
    int32_t *out;
    int next; // the output pixel to be written next
};

// A source position in 1/64 pixels, mirrored back at the borders.
static int32_t fold(float u, int width)
{
    float last = (float)(width - 1);

    u = u < 0.0f ? -u : u;
    u = u > last ? 2.0f * last - u : u;
    u = u < 0.0f ? 0.0f : u;
    return (int32_t)(u * SYNTH_UNIT + 0.5f);
}

// Nothing lands left of the first pixel's place: the row goes on there as its mirror image.
static void left_border(struct map *m)
{
    float first = m->place[0];

    while (m->next < m->width && (float)m->next < first) {
        m->out[m->next] = fold(first - (float)m->next, m->width);
        m->next++;
    }
}

static void right_border(struct map *m)
{
    float last = (float)(m->width - 1), end = m->place[m->width - 1];

    // where something near covers the border, the row goes on after that
    if (end < (float)(m->next - 1))
        end = (float)(m->next - 1);
    while (m->next < m->width) {
        m->out[m->next] = fold(last - ((float)m->next - end), m->width);
        m->next++;
    }
}

static int hole_end(const struct map *m, int x)
{
    int end = x;

    for (int i = x + 1; i < m->width && i <= end + JOIN_PX; i++)
        if (m->place[i] - m->place[i - 1] > 1.0f + STEEP_PX)
            end = i;
    return end;
}

// Fills from the far side, which is at x - 1: walking right, places jump only to something nearer.
// The mirror image stops where it would run into something nearer still.
static int hole(struct map *m, int x)
{
    int end = hole_end(m, x), back = x - 1, good = back;
    float edge = m->place[back],
          limit = (m->place[end] - (float)end - (edge - (float)back)) * 0.25f;
    float far = edge - (float)back;

    while (m->next < m->width && (float)m->next < m->place[end]) {
        float u = (float)back - ((float)m->next - edge);
        int whole = (int)u;
        if (whole < 0 || u < 0.0f || whole < good - 1)
            whole = good;
        if (m->place[whole] - (float)whole - far > limit || u < (float)good - 1.5f)
            u = (float)good;
        else
            good = whole;
        m->out[m->next++] = fold(u, m->width);
    }
    if (m->next < m->width && (float)m->next == m->place[end])
        m->out[m->next++] = end * SYNTH_UNIT;
    return end;
}

void KERNEL(synth_map)(const float *place, int width, float tear_px, int32_t *out)
{
    struct map m = {place, width, out, 0};
    int next;

    left_border(&m);
    next = m.next;
    for (int x = 1; x < width && next < width; x++) {
        float here = place[x], step;
        if (here < (float)next)
            continue; // hidden, or between two output pixels
        step = here - place[x - 1];
        if (step > 1.0f + tear_px) {
            m.next = next;
            x = hole(&m, x);
            next = m.next;
            continue;
        }
        float inverse = (float)SYNTH_UNIT / step, base = (float)(x * SYNTH_UNIT) + 0.5f;
        do {
            out[next] = (int32_t)(base - (here - (float)next) * inverse);
            next++;
        } while ((float)next <= here && next < width);
    }
    m.next = next;
    right_border(&m);
}

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

// Nearness of row y, ready to be drawn; the rows before and after it stand in s->near.
static void make_wide(struct strip *s, int y)
{
    int width = s->job->picture.width, last = s->job->picture.height - 1;
    const float *rows[3] = {s->near[(y > 0 ? y - 1 : y) % 3], s->near[y % 3],
                            s->near[(y < last ? y + 1 : y) % 3]};

    middle(rows, width, s->middle);
    repeat_ends(s->middle, width);
    widen(s->middle, width, s->job->dilate_px, s->wide);
}

static void draw_row(struct strip *s, int y)
{
    const struct synth_job *job = s->job;
    int width = job->picture.width;
    const uint8_t *pixels = job->picture.pixels + (size_t)y * job->picture.stride_bytes;

    for (int eye = 0; eye < 2; eye++) {
        if (eye == 0)
            places_left(s->wide, width, job->gain_px[0], job->convergence, s->place);
        else
            places_right(s->wide, width, job->gain_px[1], job->convergence, s->place);
        KERNEL(synth_map)(s->place, width, job->tear_px, s->map);
        if (eye == 1)
            turn_back(s->map, width);
        KERNEL(sample_row)(pixels, s->map, width, job->eye[eye] + (size_t)y * job->stride_bytes);
    }
}

static void bands(void *user, int first, int end)
{
    const struct synth_job *job = user;
    int height = job->picture.height;

    for (int band = first; band < end; band++) {
        struct strip s = strip_init(job, band);
        int begin = (int)((long long)height * band / job->bands);
        int stop = (int)((long long)height * (band + 1) / job->bands);
        for (int y = begin > 0 ? begin - 1 : 0; y <= begin && y < height; y++)
            refine_into(&s, y);
        for (int y = begin; y < stop; y++) {
            if (y + 1 < height)
                refine_into(&s, y + 1);
            make_wide(&s, y);
            draw_row(&s, y);
        }
    }
}

void KERNEL(synth)(const struct synth_job *job)
{
    parallel_rows(job->bands, job->bands, bands, (void *)job);
}
