#include "engine/steady.h"

#include <math.h>

#include "base/log.h"
#include "base/mem.h"

// The part of a still pixel's way to its new nearness that is gone with each picture.
#define REST 0.15f
// Changes of colour (of 1) below which a pixel stands still, and from which it has moved.
#define STILL 0.015f
#define MOVING 0.08f
// The part of a picture-wide change of scale and shift that is taken for the network's breathing.
#define BREATH 0.85f

struct steady {
    const struct kernels *kernels;
    const struct device *device;
    int width, height; // 0: no room
    bool known;        // past, old_guide and old_luma hold the previous picture's
    // in the device's memory:
    float *block;
    float *past, *moved_past, *snapped;     // [height][width]
    float *guide, *old_guide, *moved_guide; // [3][height][width]
    struct carry_sums *sums;
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
    s->device = kernels->device;
    return s;
}

static void release(struct steady *s)
{
    s->device->give(s->block);
    s->device->give(s->luma_block);
    s->device->give(s->sums);
    s->block = NULL;
    s->luma_block = NULL;
    s->sums = NULL;
    s->width = s->height = 0;
    s->known = false;
}

void steady_destroy(struct steady **steady)
{
    if (*steady == NULL)
        return;
    release(*steady);
    (*steady)->device->give((*steady)->scratch);
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

    s->luma_block = s->device->take(2 * plane + (blocks + cells) * sizeof(struct motion_vector));
    if (s->luma_block == NULL)
        return false;
    uint8_t *first = s->luma_block + MOTION_PAD_PX * stride + MOTION_PAD_PX;
    s->luma = (struct motion_plane){first, stride};
    s->old_luma = (struct motion_plane){first + plane, stride};
    s->blocks = (struct motion_vector *)(void *)(s->luma_block + 2 * plane);
    s->cells = s->blocks + blocks;
    s->device->clear(s->luma_block, 2 * plane);
    return true;
}

bool steady_resize(struct steady *s, int width, int height)
{
    size_t count = ((size_t)width * (size_t)height + 15) / 16 * 16;

    if (s->width == width && s->height == height)
        return true;
    release(s);
    s->block = s->device->take(count * 12 * sizeof(float));
    s->sums = s->device->take(sizeof(*s->sums));
    if (s->block == NULL || s->sums == NULL || !make_luma(s, width, height)) {
        log_error("no memory to steady a depth of %dx%d", width, height);
        release(s);
        return false;
    }
    s->past = s->block;
    s->moved_past = s->past + count;
    s->snapped = s->moved_past + count;
    s->guide = s->snapped + count;
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

static bool make_scratch(struct steady *s, int width)
{
    if (s->scratch != NULL && s->scratch_width == width)
        return true;
    s->device->give(s->scratch);
    s->scratch = s->device->take(resize_scratch_floats(width) * sizeof(float));
    s->scratch_width = width;
    return s->scratch != NULL;
}

// The past as it would look from where things are now. answer: what it is compared with, or NULL.
static void follow(struct steady *s, const float *answer)
{
    struct motion_job motion = {s->width, s->height, s->luma, s->old_luma, s->blocks, s->cells};
    struct carry_job carry = {
        .width = s->width,
        .height = s->height,
        .cells = s->cells,
        .past = s->past,
        .old_guide = s->old_guide,
        .moved_past = s->moved_past,
        .moved_guide = s->moved_guide,
        .nearness = answer,
        .guide = s->guide,
        .still = STILL,
        .sums = s->sums,
    };

    s->kernels->motion(&motion);
    s->kernels->carry(&carry);
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
    struct luma_job job = {s->width, s->height, s->guide, s->luma};
    s->kernels->luma(&job);
}

static void exchange_past(struct steady *s)
{
    float *past = s->past;

    s->past = s->moved_past;
    s->moved_past = past;
}

// The answer on the edges of its picture.
static void snap(const struct steady *s, const float *answer, float *out)
{
    struct snap_job job = {s->width, s->height, answer, s->guide, out, 1};

    s->kernels->snap(&job);
}

const float *steady_run(struct steady *s, const struct depth_answer *answer,
                        const struct image *picture, float turn)
{
    if (!make_scratch(s, picture->width))
        return answer->nearness; // unfiltered, which is better than nothing
    see(s, picture);
    if (turn >= 1 || !s->known) {
        snap(s, answer->nearness, s->past);
        s->known = true;
        return s->past;
    }
    snap(s, answer->nearness, s->snapped);
    follow(s, s->snapped);
    struct steady_job job = {
        .width = s->width,
        .height = s->height,
        .nearness = s->snapped,
        .sureness = answer->sureness,
        .guide = s->guide,
        .old_guide = s->moved_guide,
        .sums = s->sums,
        .breath = BREATH * (1 - turn),
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
    follow(s, NULL);
    exchange_past(s);
    return s->past;
}
