#include "engine/steady.h"

#include <math.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

// The part of a still pixel's way to its new nearness that is gone with each picture.
#define REST 0.2f
// Changes of colour (of 1) below which a pixel stands still, and from which it has moved.
#define STILL 0.015f
#define MOVING 0.08f
// The part of a picture-wide change of scale and shift that is taken for the network's breathing.
#define BREATH 0.85f
#define SCALE_MOST 1.25f

struct steady {
    const struct kernels *kernels;
    int width, height; // 0: no room
    bool known;        // past and old_guide hold the previous picture's
    float *block;
    float *past, *aligned, *guide, *old_guide;
    float *scratch; // of the resize to the guide
    int scratch_width;
};

struct steady *steady_create(const struct kernels *kernels)
{
    struct steady *s = mem_new(1, sizeof(*s));

    s->kernels = kernels;
    return s;
}

void steady_destroy(struct steady **steady)
{
    if (*steady == NULL)
        return;
    mem_free((*steady)->block);
    mem_free((*steady)->scratch);
    mem_free(*steady);
    *steady = NULL;
}

bool steady_resize(struct steady *s, int width, int height)
{
    size_t count = ((size_t)width * (size_t)height + 15) / 16 * 16;

    if (s->width == width && s->height == height)
        return true;
    mem_free(s->block);
    s->known = false;
    s->width = s->height = 0;
    s->block = mem_try_block(count * 8 * sizeof(float));
    if (s->block == NULL) {
        log_error("no memory to steady a depth of %dx%d", width, height);
        return false;
    }
    s->past = s->block;
    s->aligned = s->past + count;
    s->guide = s->aligned + count;
    s->old_guide = s->guide + 3 * count;
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

// Least squares of the past on the answer over still pixels. 1 and 0 where too few are still, or
// they are too flat to tell.
static void fit(const struct steady *s, const float *now, float *out_scale, float *out_shift)
{
    size_t plane = (size_t)s->width * (size_t)s->height;
    double n = 0, x = 0, y = 0, xx = 0, xy = 0;

    for (size_t i = 0; i < plane; i++) {
        float change = fabsf(s->guide[plane + i] - s->old_guide[plane + i]);
        double w = change < STILL ? 1 : 0;
        n += w;
        x += w * now[i];
        y += w * s->past[i];
        xx += w * now[i] * now[i];
        xy += w * now[i] * s->past[i];
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

static const float *align(struct steady *s, const float *now)
{
    size_t plane = (size_t)s->width * (size_t)s->height;
    float scale, shift;

    fit(s, now, &scale, &shift);
    scale = 1 + (scale - 1) * BREATH;
    shift *= BREATH;
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

const float *steady_run(struct steady *s, const struct depth_answer *answer,
                        const struct image *picture, bool new_shot)
{
    float *swap = s->old_guide;

    if (!make_scratch(s, picture->width))
        return answer->nearness; // unfiltered, which is better than nothing
    s->old_guide = s->guide;
    s->guide = swap;
    make_guide(s, picture, s->guide);
    if (new_shot || !s->known) {
        memcpy(s->past, answer->nearness, (size_t)s->width * (size_t)s->height * sizeof(float));
        s->known = true;
        return s->past;
    }
    struct steady_job job = {
        .width = s->width,
        .height = s->height,
        .nearness = align(s, answer->nearness),
        .sureness = answer->sureness,
        .guide = s->guide,
        .old_guide = s->old_guide,
        .rest = REST,
        .still = STILL,
        .moving = MOVING,
        .past = s->past,
        .threads = 1, // so little work that waking other threads for it costs more
    };
    s->kernels->steady(&job);
    return s->past;
}
