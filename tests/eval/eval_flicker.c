#include "tests/eval/eval_flicker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/kernels.h"
#include "tests/eval/eval_metrics.h"

// Luma differences (of 255) up to which a point is taken for the same as the one that motion says.
#define SAME 8
// Pictures of which fewer points are the same tell nothing.
#define PART_LEAST 0.05

struct eval_flicker {
    int width, height;
    bool known;
    float *old;
    uint8_t *shrunk, *blocks[2];
    struct motion_plane luma, old_luma;
    struct motion_vector *scratch, *cells;
    double sum;
    int pictures;
};

static struct motion_plane plane_of(uint8_t *block, int width)
{
    return (struct motion_plane){block + MOTION_PAD_PX * motion_stride(width) + MOTION_PAD_PX,
                                 motion_stride(width)};
}

struct eval_flicker *eval_flicker_create(int width, int height)
{
    struct eval_flicker *f = calloc(1, sizeof(*f));
    size_t bytes = (size_t)motion_stride(width) * (size_t)(height + 2 * MOTION_PAD_PX);

    f->width = width;
    f->height = height;
    f->old = malloc((size_t)(width * height) * sizeof(float));
    f->shrunk = malloc((size_t)(width * height));
    for (int i = 0; i < 2; i++)
        f->blocks[i] = calloc(1, bytes);
    f->luma = plane_of(f->blocks[0], width);
    f->old_luma = plane_of(f->blocks[1], width);
    f->scratch =
        calloc((size_t)(motion_blocks(width) * motion_blocks(height)), sizeof(*f->scratch));
    f->cells = calloc((size_t)(motion_cells(width) * motion_cells(height)), sizeof(*f->cells));
    return f;
}

void eval_flicker_destroy(struct eval_flicker **flicker)
{
    struct eval_flicker *f = *flicker;

    if (f == NULL)
        return;
    free(f->old);
    free(f->shrunk);
    free(f->blocks[0]);
    free(f->blocks[1]);
    free(f->scratch);
    free(f->cells);
    free(f);
    *flicker = NULL;
}

static int within(int v, int size)
{
    return v < 0 ? 0 : v >= size ? size - 1 : v;
}

static void fill_luma(struct eval_flicker *f, const uint8_t *rgba, int width, int height)
{
    eval_luma(rgba, width, height, f->width, f->height, f->shrunk);
    for (int y = -MOTION_PAD_PX; y < f->height + MOTION_PAD_PX; y++)
        for (int x = -MOTION_PAD_PX; x < f->width + MOTION_PAD_PX; x++)
            f->luma.luma[y * f->luma.stride_px + x] =
                f->shrunk[within(y, f->height) * f->width + within(x, f->width)];
}

static void compare(struct eval_flicker *f, const float *near)
{
    struct motion_job job = {f->width, f->height, f->luma, f->old_luma, f->scratch, f->cells};
    double sum = 0, count = 0;

    kernels_best()->motion(&job);
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++) {
            struct motion_vector v =
                f->cells[y / MOTION_CELL_PX * motion_cells(f->width) + x / MOTION_CELL_PX];
            int u = x + v.x, w = y + v.y;
            if (u < 0 || u >= f->width || w < 0 || w >= f->height ||
                abs(f->luma.luma[y * f->luma.stride_px + x] -
                    f->old_luma.luma[w * f->luma.stride_px + u]) > SAME)
                continue;
            sum += fabs((double)near[y * f->width + x] - (double)f->old[w * f->width + u]);
            count++;
        }
    if (count < PART_LEAST * f->width * f->height)
        return;
    f->sum += sum / count;
    f->pictures++;
}

void eval_flicker_add(struct eval_flicker *f, const uint8_t *rgba, int picture_width,
                      int picture_height, const float *nearness, bool new_shot)
{
    struct motion_plane luma = f->luma;

    fill_luma(f, rgba, picture_width, picture_height);
    if (f->known && !new_shot)
        compare(f, nearness);
    memcpy(f->old, nearness, (size_t)(f->width * f->height) * sizeof(float));
    f->luma = f->old_luma;
    f->old_luma = luma;
    f->known = true;
}

double eval_flicker_percent(const struct eval_flicker *f)
{
    return f->pictures > 0 ? 100 * f->sum / f->pictures : 0;
}
