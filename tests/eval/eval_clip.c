// A film through the whole converter: how steady depth is, what happens at cuts, and how much of it
// keeps the budget.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/comfort.h"
#include "engine/deep3d.h"
#include "engine/shot.h"
#include "kernels/kernels.h"
#include "tests/eval/eval.h"
#include "tests/eval/eval_metrics.h"

// Luma differences (of 255) up to which a point is taken for the same as the one that motion says.
#define SAME 8
// The screen that the budget is asked for: the player's own default, 3 m wide and 3 m away.
#define SCREEN_M 3.0f

struct look {
    int width, height; // of nearness
    float *old;
    struct motion_plane luma, old_luma;
    uint8_t *blocks[2];
    struct motion_vector *scratch, *cells;
};

static struct motion_plane plane_of(uint8_t *block, int width)
{
    return (struct motion_plane){block + MOTION_PAD_PX * motion_stride(width) + MOTION_PAD_PX,
                                 motion_stride(width)};
}

static void look_init(struct look *l, int width, int height)
{
    size_t bytes = (size_t)motion_stride(width) * (size_t)(height + 2 * MOTION_PAD_PX);

    l->width = width;
    l->height = height;
    l->old = malloc((size_t)(width * height) * sizeof(float));
    for (int i = 0; i < 2; i++)
        l->blocks[i] = calloc(1, bytes);
    l->luma = plane_of(l->blocks[0], width);
    l->old_luma = plane_of(l->blocks[1], width);
    l->scratch =
        calloc((size_t)(motion_blocks(width) * motion_blocks(height)), sizeof(*l->scratch));
    l->cells = calloc((size_t)(motion_cells(width) * motion_cells(height)), sizeof(*l->cells));
}

static void look_finish(struct look *l)
{
    free(l->old);
    free(l->blocks[0]);
    free(l->blocks[1]);
    free(l->scratch);
    free(l->cells);
}

static void fill_luma(struct look *l, const struct eval_picture *p)
{
    uint8_t *plane = malloc((size_t)(l->width * l->height));

    eval_luma(p->rgba, p->width, p->height, l->width, l->height, plane);
    for (int y = -MOTION_PAD_PX; y < l->height + MOTION_PAD_PX; y++)
        for (int x = -MOTION_PAD_PX; x < l->width + MOTION_PAD_PX; x++) {
            int u = x < 0           ? 0
                    : x >= l->width ? l->width - 1
                                    : x,
                v = y < 0            ? 0
                    : y >= l->height ? l->height - 1
                                     : y;
            l->luma.luma[y * l->luma.stride_px + x] = plane[v * l->width + u];
        }
    free(plane);
}

// Mean change of nearness along the motion, over points that are the same in both pictures.
// Negative: too few.
static double change(struct look *l, const float *near)
{
    struct motion_job job = {l->width, l->height, l->luma, l->old_luma, l->scratch, l->cells};
    double sum = 0, count = 0;

    kernels_best()->motion(&job);
    for (int y = 0; y < l->height; y++)
        for (int x = 0; x < l->width; x++) {
            struct motion_vector v =
                l->cells[y / MOTION_CELL_PX * motion_cells(l->width) + x / MOTION_CELL_PX];
            int u = x + v.x, w = y + v.y;
            if (u < 0 || u >= l->width || w < 0 || w >= l->height ||
                abs(l->luma.luma[y * l->luma.stride_px + x] -
                    l->old_luma.luma[w * l->luma.stride_px + u]) > SAME)
                continue;
            sum += fabs((double)near[y * l->width + x] - (double)l->old[w * l->width + u]);
            count++;
        }
    return count > 0.05 * l->width * l->height ? sum / count : -1;
}

struct figures {
    int pictures, cuts, steady_pictures;
    double flicker, comfortable;
};

// The share of points whose parallax at default strength and convergence keeps the budget.
static double within(const float *near, int count)
{
    struct comfort_limits limits = comfort_limits_for(
        &(struct deep3d_comfort){.screen_width_m = SCREEN_M, .distance_m = SCREEN_M});
    int inside = 0;

    for (int i = 0; i < count; i++) {
        float parallax = DEEP3D_STRENGTH_DEFAULT * (near[i] - DEEP3D_CONVERGENCE_DEFAULT);
        inside += parallax <= limits.front_pct && parallax >= -limits.back_pct;
    }
    return (double)inside / count;
}

static void look_at(struct look *l, const struct eval_picture *p, const float *near, bool cut,
                    struct figures *f)
{
    struct motion_plane luma = l->luma;

    fill_luma(l, p);
    if (!cut) {
        double flicker = change(l, near);
        f->flicker += flicker >= 0 ? flicker : 0;
        f->steady_pictures += flicker >= 0;
    }
    memcpy(l->old, near, (size_t)(l->width * l->height) * sizeof(float));
    l->luma = l->old_luma;
    l->old_luma = luma;
    f->comfortable += within(near, l->width * l->height);
    f->cuts += cut;
    f->pictures++;
}

static bool run(struct deep3d *converter, struct eval_film *film, const char *pictures,
                struct figures *f)
{
    struct eval_picture p;
    struct look look = {0};
    struct shot shot = {0};
    uint8_t *eyes[2] = {NULL, NULL};
    bool ok = true;
    char path[1200];
    int width_px = 0, height_px = 0;

    // a film that changes its size is judged up to there
    while (ok && eval_film_next(film, &p) &&
           (width_px == 0 || (p.width == width_px && p.height == height_px))) {
        struct deep3d_picture in = {.width = p.width,
                                    .height = p.height,
                                    .plane = {p.rgba},
                                    .stride_bytes = {(ptrdiff_t)p.width * 4},
                                    .layout = DEEP3D_RGBA,
                                    .matrix = DEEP3D_MATRIX_RGB,
                                    .bits = 8,
                                    .full_range = true};
        int width, height;
        width_px = p.width, height_px = p.height;
        for (int i = 0; i < 2 && eyes[i] == NULL; i++)
            eyes[i] = malloc((size_t)p.width * (size_t)p.height * 4);
        struct deep3d_eyes out = {p.width, p.height, {eyes[0], eyes[1]}, (size_t)p.width * 4};
        ok = deep3d_convert(
            converter, &in,
            &(struct deep3d_settings){.strength = DEEP3D_STRENGTH_DEFAULT, .convergence = DEEP3D_CONVERGENCE_DEFAULT}, &out);
        const float *near = deep3d_nearness(converter, &width, &height);
        if (!ok || near == NULL)
            break;
        if (look.old == NULL)
            look_init(&look, width, height);
        struct image image = {p.rgba, p.width, p.height, (size_t)p.width * 4};
        look_at(&look, &p, near, shot_feed(&shot, &image), f);
        for (int eye = 0; pictures != NULL && f->pictures % 30 == 1 && eye < 2; eye++) {
            snprintf(path, sizeof(path), "%s/%05d_%s.png", pictures, f->pictures - 1,
                     eye == 0 ? "left" : "right");
            eval_picture_write(path, eyes[eye], p.width, p.height);
        }
    }
    look_finish(&look);
    free(eyes[0]);
    free(eyes[1]);
    return ok;
}

bool eval_clip(const char *model, const char *backend, const char *path, const char *pictures,
               cJSON *json)
{
    struct eval_film *film = eval_film_open(path);
    struct deep3d *converter =
        deep3d_create(&(struct deep3d_params){.model = model, .backend = backend});
    struct figures f = {0};
    bool ok =
        film != NULL && converter != NULL && run(converter, film, pictures, &f) && f.pictures > 0;

    if (ok) {
        cJSON *clip = cJSON_AddObjectToObject(json, "clip");
        cJSON_AddNumberToObject(clip, "pictures", f.pictures);
        cJSON_AddNumberToObject(clip, "shots", f.cuts);
        cJSON_AddNumberToObject(clip, "flicker",
                                f.steady_pictures > 0 ? f.flicker / f.steady_pictures : 0);
        cJSON_AddNumberToObject(clip, "comfortable_share", f.comfortable / f.pictures);
    }
    deep3d_destroy(&converter);
    eval_film_close(&film);
    return ok;
}
