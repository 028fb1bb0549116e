#include "engine/steady.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

// The part of a still pixel's way to its new nearness that is gone with each picture.
#define REST 0.15f
// Changes of colour (of 1) below which a pixel stands still, and from which it has moved.
#define STILL 0.015f
#define MOVING 0.08f
// The part of a picture-wide change of scale and shift that is taken for the network's breathing.
#define BREATH 0.85f
#define SCALE_MOST 1.25f

struct steady {
    const struct kernels *kernels;
    int width, height; // 0: no room
    bool known;        // past, old_guide and old_luma hold the previous picture's
    float *block;
    float *past, *moved_past, *aligned;     // [height][width]
    float *guide, *old_guide, *moved_guide; // [3][height][width]
    uint8_t *luma_block;
    struct motion_plane luma, old_luma;
    struct motion_vector *blocks, *cells;
    float *scratch; // of the resize to the guide
    int scratch_width;
};

struct steady *steady_create(const struct kernels *kernels)
{
    struct steady *s = mem_new(1, sizeof(*s));

    s->kernels = kernels;
    return s;
}

static void release(struct steady *s)
{
    mem_free(s->block);
    mem_free(s->luma_block);
    s->block = NULL;
    s->luma_block = NULL;
    s->width = s->height = 0;
    s->known = false;
}

void steady_destroy(struct steady **steady)
{
    if (*steady == NULL)
        return;
    release(*steady);
    mem_free((*steady)->scratch);
    mem_free(*steady);
    *steady = NULL;
}

// One block for both luma planes, their borders, and the vectors.
static bool make_luma(struct steady *s, int width, int height)
{
    ptrdiff_t stride = motion_stride(width);
    size_t plane = (size_t)stride * ((size_t)height + 2 * MOTION_PAD_PX);
    size_t blocks = (size_t)motion_blocks(width) * (size_t)motion_blocks(height);
    size_t cells = (size_t)motion_cells(width) * (size_t)motion_cells(height);

    s->luma_block = mem_try_block(2 * plane + (blocks + cells) * sizeof(struct motion_vector));
    if (s->luma_block == NULL)
        return false;
    uint8_t *first = s->luma_block + MOTION_PAD_PX * stride + MOTION_PAD_PX;
    s->luma = (struct motion_plane){first, stride};
    s->old_luma = (struct motion_plane){first + plane, stride};
    s->blocks = (struct motion_vector *)(void *)(s->luma_block + 2 * plane);
    s->cells = s->blocks + blocks;
    memset(s->luma_block, 0, 2 * plane);
    return true;
}

bool steady_resize(struct steady *s, int width, int height)
{
    size_t count = ((size_t)width * (size_t)height + 15) / 16 * 16;

    if (s->width == width && s->height == height)
        return true;
    release(s);
    s->block = mem_try_block(count * 12 * sizeof(float));
    if (s->block == NULL || !make_luma(s, width, height)) {
        log_error("no memory to steady a depth of %dx%d", width, height);
        release(s);
        return false;
    }
    s->past = s->block;
    s->moved_past = s->past + count;
    s->aligned = s->moved_past + count;
    s->guide = s->aligned + count;
    s->old_guide = s->guide + 3 * count;
    s->moved_guide = s->old_guide + 3 * count;
    s->width = width;
    s->height = height;
    return true;
}

static void make_guide(struct steady *s, const struct image *picture, float *guide)
{
    size_t plane = (size_t)s->width * (size_t)s->height;
    struct resize_job job = {.in = *picture,
                             .width = s->width,
                             .height = s->height,
                             .out = {guide, guide + plane, guide + 2 * plane},
                             .channel = {0, 1, 2},
                             .scale = {1 / 255.0f, 1 / 255.0f, 1 / 255.0f},
                             .bands = 1,
                             .scratch = s->scratch};

    s->kernels->resize(&job);
}

static void make_luma_row(const struct steady *s, int y)
{
    size_t plane = (size_t)s->width * (size_t)s->height;
    const float *g = s->guide + (size_t)y * (size_t)s->width;
    uint8_t *row = s->luma.luma + y * s->luma.stride_px;

    for (int x = 0; x < s->width; x++)
        row[x] =
            (uint8_t)((g[x] + 2 * g[plane + (size_t)x] + g[2 * plane + (size_t)x]) * 63.75f + 0.5f);
    memset(row - MOTION_PAD_PX, row[0], MOTION_PAD_PX);
    memset(row + s->width, row[s->width - 1], MOTION_PAD_PX);
}

static void make_guide_luma(const struct steady *s)
{
    ptrdiff_t stride = s->luma.stride_px;
    size_t bytes = (size_t)s->width + 2 * MOTION_PAD_PX;

    for (int y = 0; y < s->height; y++)
        make_luma_row(s, y);
    uint8_t *top = s->luma.luma - MOTION_PAD_PX, *bottom = top + (s->height - 1) * stride;
    for (int i = 1; i <= MOTION_PAD_PX; i++) {
        memcpy(top - i * stride, top, bytes);
        memcpy(bottom + i * stride, bottom, bytes);
    }
}

static int clamp(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

// The past as it would look from where things are now.
static void move(struct steady *s)
{
    size_t plane = (size_t)s->width * (size_t)s->height;
    int columns = motion_cells(s->width);

    for (int y = 0; y < s->height; y++)
        for (int x = 0; x < s->width; x++) {
            struct motion_vector v = s->cells[y / MOTION_CELL_PX * columns + x / MOTION_CELL_PX];
            size_t to = (size_t)y * (size_t)s->width + (size_t)x;
            size_t from = (size_t)clamp(y + v.y, s->height - 1) * (size_t)s->width +
                          (size_t)clamp(x + v.x, s->width - 1);
            s->moved_past[to] = s->past[from];
            for (size_t c = 0; c < 3; c++)
                s->moved_guide[to + c * plane] = s->old_guide[from + c * plane];
        }
}

// Least squares of the past on the answer over pixels that are the same in both pictures. 1 and 0
// where too few are, or they are too flat to tell.
static void fit(const struct steady *s, const float *now, float *out_scale, float *out_shift)
{
    size_t plane = (size_t)s->width * (size_t)s->height;
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;

    for (size_t i = 0; i < plane; i++) {
        float change = fabsf(s->guide[plane + i] - s->moved_guide[plane + i]);
        double w = change < STILL ? 1 : 0;
        n += w;
        x += w * now[i];
        y += w * s->moved_past[i];
        xx += w * now[i] * now[i];
        xy += w * now[i] * s->moved_past[i];
    }
    *out_scale = 1;
    *out_shift = 0;
    if (n < 0.1 * (double)plane)
        return;
    double variance = xx / n - x / n * (x / n), scale = (xy / n - x / n * (y / n)) / variance;
    if (!(variance > 1e-4) || !(scale < SCALE_MOST && scale > 1 / SCALE_MOST))
        scale = 1;
    *out_scale = (float)scale;
    *out_shift = (float)(y / n - scale * (x / n));
}

// The answer on the past's scale and shift. breath: the part of their change that is taken out.
static const float *align(struct steady *s, const float *now, float breath)
{
    size_t plane = (size_t)s->width * (size_t)s->height;
    float scale, shift;

    fit(s, now, &scale, &shift);
    scale = 1 + (scale - 1) * breath;
    shift *= breath;
    for (size_t i = 0; i < plane; i++) {
        float v = now[i] * scale + shift;
        s->aligned[i] = v < 0 ? 0 : v > 1 ? 1 : v;
    }
    return s->aligned;
}

static bool make_scratch(struct steady *s, int width)
{
    if (s->scratch != NULL && s->scratch_width == width)
        return true;
    mem_free(s->scratch);
    s->scratch = mem_try_block(resize_scratch_floats(width) * sizeof(float));
    s->scratch_width = width;
    return s->scratch != NULL;
}

static void follow(struct steady *s)
{
    struct motion_job job = {s->width, s->height, s->luma, s->old_luma, s->blocks, s->cells};

    s->kernels->motion(&job);
    move(s);
}

// The picture's guide becomes the old one, to be written over next.
static void keep_guide(struct steady *s)
{
    float *guide = s->old_guide;
    struct motion_plane luma = s->old_luma;

    s->old_guide = s->guide;
    s->old_luma = s->luma;
    s->guide = guide;
    s->luma = luma;
}

// Guide and luma of another picture.
static void see(struct steady *s, const struct image *picture)
{
    keep_guide(s);
    make_guide(s, picture, s->guide);
    make_guide_luma(s);
}

static void exchange_past(struct steady *s)
{
    float *past = s->past;

    s->past = s->moved_past;
    s->moved_past = past;
}

const float *steady_run(struct steady *s, const struct depth_answer *answer,
                        const struct image *picture, float turn)
{
    if (!make_scratch(s, picture->width))
        return answer->nearness; // unfiltered, which is better than nothing
    see(s, picture);
    if (turn >= 1 || !s->known) {
        memcpy(s->past, answer->nearness, (size_t)s->width * (size_t)s->height * sizeof(float));
        s->known = true;
        return s->past;
    }
    follow(s);
    struct steady_job job = {
        .width = s->width,
        .height = s->height,
        .nearness = align(s, answer->nearness, BREATH * (1 - turn)),
        .sureness = answer->sureness,
        .guide = s->guide,
        .old_guide = s->moved_guide,
        .rest = fmaxf(REST, turn),
        .still = STILL,
        .moving = MOVING,
        .past = s->moved_past,
        .threads = 1, // so little work that waking other threads for it costs more
    };
    s->kernels->steady(&job);
    exchange_past(s);
    return s->past;
}

const float *steady_follow(struct steady *s, const struct image *picture)
{
    if (!s->known || !make_scratch(s, picture->width))
        return NULL;
    see(s, picture);
    follow(s);
    exchange_past(s);
    return s->past;
}
