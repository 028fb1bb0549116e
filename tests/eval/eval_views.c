#include "tests/eval/eval_views.h"

#include <stdlib.h>
#include <string.h>

#include "engine/stereo.h"

const char *const eval_way_names[EVAL_WAYS] = {"identity", "shift", "backward", "weighted",
                                               "forward"};

static float clampf(float v, float most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

// A plane of the answer at a pixel of the picture, linearly interpolated.
static float plane_at(const struct eval_scene *s, const float *plane, int x, int y)
{
    int w = s->answer.width, h = s->answer.height;
    float u = clampf(((float)x + 0.5f) * (float)w / (float)s->left->width - 0.5f, (float)(w - 1));
    float v = clampf(((float)y + 0.5f) * (float)h / (float)s->left->height - 0.5f, (float)(h - 1));
    int x0 = (int)u, y0 = (int)v, x1 = x0 + 1 < w ? x0 + 1 : x0, y1 = y0 + 1 < h ? y0 + 1 : y0;
    float fx = u - (float)x0, fy = v - (float)y0;
    float top = plane[y0 * w + x0] * (1 - fx) + plane[y0 * w + x1] * fx;
    float bottom = plane[y1 * w + x0] * (1 - fx) + plane[y1 * w + x1] * fx;

    return top * (1 - fy) + bottom * fy;
}

static void add_sample(const struct eval_picture *p, float x, int y, float weight, float rgb[3])
{
    float u = clampf(x, (float)(p->width - 1));
    int x0 = (int)u, x1 = x0 + 1 < p->width ? x0 + 1 : x0;
    const uint8_t *row = p->rgba + (size_t)y * (size_t)p->width * 4;

    for (int c = 0; c < 3; c++)
        rgb[c] += weight * ((float)row[x0 * 4 + c] * (1 - (u - (float)x0)) +
                            (float)row[x1 * 4 + c] * (u - (float)x0));
}

static void put(const float rgb[3], float weight, uint8_t *out)
{
    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)(clampf(rgb[c] / weight, 255) + 0.5f);
    out[3] = 255;
}

static float parallax(const struct eval_scene *s, float nearness)
{
    return s->gain_px * (nearness - s->convergence);
}

static void weighted_pixel(const struct eval_scene *s, int x, int y, uint8_t *out)
{
    size_t plane = (size_t)s->answer.width * (size_t)s->answer.height;
    float rgb[3] = {0}, total = 1e-6f;

    for (int k = 0; k < s->levels; k++) {
        float p = plane_at(s, s->probability + (size_t)k * plane, x, y);
        if (p < 1e-3f)
            continue;
        add_sample(s->left, (float)x + parallax(s, (float)k / (float)(s->levels - 1)), y, p, rgb);
        total += p;
    }
    put(rgb, total, out);
}

static void draw_by_pixel(const struct eval_scene *s, enum eval_way way, uint8_t *out)
{
    for (int y = 0; y < s->left->height; y++)
        for (int x = 0; x < s->left->width; x++, out += 4) {
            float rgb[3] = {0}, move = way == EVAL_SHIFT ? s->shift_px : 0;
            if (way == EVAL_WEIGHTED && s->probability != NULL) {
                weighted_pixel(s, x, y, out);
                continue;
            }
            if (way == EVAL_BACKWARD || way == EVAL_WEIGHTED)
                move = parallax(s, plane_at(s, s->answer.nearness, x, y));
            add_sample(s->left, (float)x + move, y, 1, rgb);
            put(rgb, 1, out);
        }
}

static void draw_forward(const struct eval_scene *s, uint8_t *out)
{
    const struct eval_picture *p = s->left;
    size_t bytes = (size_t)p->width * (size_t)p->height * 4;
    struct stereo *stereo = stereo_create(kernels_best(), 0);
    uint8_t *left = malloc(bytes);

    memset(out, 0, bytes);
    if (stereo_resize(stereo, p->width, p->height)) {
        struct colour_job job = {.width = p->width,
                                 .height = p->height,
                                 .matrix = colour_matrix_for(COLOUR_IDENTITY, 8, 0, true, false),
                                 .out = *stereo_picture(stereo)};
        for (int i = 0; i < 3; i++)
            job.component[i] =
                (struct colour_component){p->rgba + i, (ptrdiff_t)p->width * 4, 4, 0, 0};
        kernels_best()->colour(&job);
        stereo_shrink(stereo);
        stereo_draw(stereo, &(struct stereo_view){.nearness = s->answer.nearness,
                                                  .near_width = s->answer.width,
                                                  .near_height = s->answer.height,
                                                  .gain_px = {0, s->gain_px},
                                                  .convergence = s->convergence,
                                                  .eye = {left, out},
                                                  .stride_bytes = (size_t)p->width * 4});
    }
    stereo_destroy(&stereo);
    free(left);
}

void eval_draw(const struct eval_scene *scene, enum eval_way way, uint8_t *out)
{
    if (way == EVAL_FORWARD)
        draw_forward(scene, out);
    else
        draw_by_pixel(scene, way, out);
}
