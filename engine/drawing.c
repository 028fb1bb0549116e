#include "engine/drawing.h"

#include <string.h>

#include "base/mem.h"
#include "engine/colours.h"
#include "engine/layers.h"
#include "engine/selection.h"

struct drawing {
    struct rig *rig;
    struct depth *depth;
    int threads;
    struct selection *selection;
    struct layers *layers;
};

struct drawing *drawing_create(struct rig *rig, struct depth *depth, int threads)
{
    struct drawing *d = mem_new(1, sizeof(*d));

    *d = (struct drawing){rig, depth, threads, selection_create(kernels_best(), threads),
                          layers_create()};
    return d;
}

void drawing_destroy(struct drawing **drawing)
{
    struct drawing *d = *drawing;

    if (d == NULL)
        return;
    selection_destroy(&d->selection);
    layers_destroy(&d->layers);
    mem_free(d);
    *drawing = NULL;
}

bool drawing_resize(struct drawing *d, int picture_width)
{
    struct depth_answer size = depth_answer_size(d->depth);

    return layers_resize(d->layers, size.width, size.height) &&
           (depth_original(d->depth) == NULL ||
            selection_resize(d->selection, picture_width, size.width));
}

// Nearness to draw with: the filtered one, pressed into the budget where it sticks out.
static const float *within_budget(const struct drawing *d, const struct drawing_picture *p)
{
    struct press_job job = {
        .in = p->nearness,
        .out = d->rig->pressed,
        .width = p->near_width,
        .height = p->near_height,
        .right = p->near_width - 1,
        .bottom = p->near_height - 1,
        .low = p->view.low,
        .high = p->view.high,
    };

    if (p->view.low <= 0 && p->view.high >= 1)
        return p->nearness;
    d->rig->kernels->press(&job);
    return d->rig->pressed;
}

// The floating window's strips, at the sides of what has depth.
static void draw_window(const struct drawing *d, const struct drawing_picture *p,
                        const struct deep3d_eyes *eyes)
{
    float unit = (float)eyes->width / 100;
    int left_px = (int)(p->view.window_pct[0] * unit + 0.5f);
    int right_px = (int)(p->view.window_pct[1] * unit + 0.5f);
    struct strips_job job = {
        .eye = {eyes->pixels[0], eyes->pixels[1]},
        .stride_bytes = eyes->stride_bytes,
        .top = p->inner.top,
        .bottom = p->inner.bottom,
        .first = {p->inner.left, p->inner.right - right_px},
        .count = {left_px, right_px},
        .bits = eyes->bits,
    };

    if (left_px > 0 || right_px > 0)
        d->rig->kernels->strips(&job);
}

static struct stereo_view stereo_view_of(const struct drawing *d, const struct drawing_picture *p,
                                         enum deep3d_shift shift, const struct deep3d_eyes *eyes)
{
    static const float parts[][2] = {[DEEP3D_SHIFT_BOTH] = {0.5f, 0.5f},
                                     [DEEP3D_SHIFT_LEFT] = {1, 0},
                                     [DEEP3D_SHIFT_RIGHT] = {0, 1}};
    float gain = p->view.strength / 100 * (float)eyes->width;
    const float *nearness = within_budget(d, p);

    return (struct stereo_view){
        .nearness = nearness,
        .near_width = p->near_width,
        .near_height = p->near_height,
        .inner = p->inner,
        .gain_px = {gain * parts[shift][0], gain * parts[shift][1]},
        .convergence = p->view.convergence,
        .eye = {eyes->pixels[0], eyes->pixels[1]},
        .stride_bytes = eyes->stride_bytes,
        .refined = p->refined && nearness == p->nearness,
    };
}

// What was drawn with 8 bits a sample gets those of the eyes, where it lies.
static void widen(const struct deep3d_eyes *eyes)
{
    for (int y = 0; eyes->bits == 16 && y < eyes->height; y++)
        for (int eye = 0; eye < 2; eye++) {
            uint8_t *bytes = eyes->pixels[eye] + (size_t)y * eyes->stride_bytes;
            uint16_t *words = (uint16_t *)(void *)bytes;
            for (size_t i = (size_t)eyes->width * 4; i-- > 0;)
                words[i] = (uint16_t)(bytes[i] * 257);
        }
}

static void draw_eyes(const struct drawing *d, const struct drawing_picture *p,
                      enum deep3d_shift shift, const struct deep3d_eyes *eyes)
{
    const float *original = depth_original(d->depth);

    if (original != NULL) {
        selection_draw(d->selection, stereo_picture(d->rig->stereo), original, p->near_width,
                       p->near_height, eyes);
        widen(eyes);
        return;
    }
    struct stereo_view view = stereo_view_of(d, p, shift, eyes);
    stereo_draw(d->rig->stereo, &view);
    draw_window(d, p, eyes);
}

static void disparity_row(void *user, int y, const float *nearness)
{
    const struct canvas *canvas = user;

    colours_row(nearness, canvas->width, canvas->pixels + (size_t)y * canvas->stride_bytes);
}

static bool draw_disparity(const struct drawing *d, const struct drawing_picture *p,
                           const struct deep3d_eyes *eyes, const struct canvas *canvas)
{
    struct stereo_view view = stereo_view_of(d, p, DEEP3D_SHIFT_BOTH, eyes);

    if (!stereo_rows(d->rig->stereo, &view, disparity_row, (void *)canvas))
        return false;
    colours_scale(canvas, p->view.strength, p->view.convergence);
    return true;
}

bool drawing_layers(const struct drawing *d, const struct drawing_picture *p,
                    const struct canvas *canvas)
{
    const struct image *picture = stereo_picture(d->rig->stereo);
    const float *nearness =
        p->nearness != NULL ? near_copy_get(d->rig->near_copy, p->nearness) : NULL;
    struct depth_levels levels;

    if (nearness == NULL)
        return false;
    levels = depth_levels(d->depth);
    layers_set(d->layers, &levels, nearness);
    layers_draw(d->layers, canvas, (float)picture->width / (float)picture->height, p->view.strength,
                p->view.convergence, d->threads);
    return true;
}

// One picture for both eyes, by the processor. False: see drawing_run().
static bool draw_view(const struct drawing *d, const struct drawing_picture *p,
                      enum deep3d_view what, const struct deep3d_eyes *eyes)
{
    struct canvas canvas = {eyes->pixels[0], eyes->width, eyes->height, eyes->stride_bytes};
    bool gpu = d->rig->device->gpu;

    if ((gpu && !ferry_canvas(d->rig->ferry, eyes, &canvas)) ||
        !(what == DEEP3D_VIEW_LAYERS ? drawing_layers(d, p, &canvas)
                                     : draw_disparity(d, p, eyes, &canvas)))
        return false;
    if (gpu) {
        ferry_lay(d->rig->ferry, &canvas, eyes);
        return true;
    }
    for (int y = 0; y < eyes->height; y++)
        memcpy(eyes->pixels[1] + (size_t)y * eyes->stride_bytes,
               eyes->pixels[0] + (size_t)y * eyes->stride_bytes, (size_t)eyes->width * 4);
    widen(eyes);
    return true;
}

bool drawing_run(struct drawing *d, const struct drawing_picture *p, enum deep3d_view what,
                 enum deep3d_shift shift, const struct deep3d_eyes *eyes)
{
    if (what != DEEP3D_VIEW_STEREO)
        return draw_view(d, p, what, eyes);
    draw_eyes(d, p, shift, eyes);
    return true;
}
