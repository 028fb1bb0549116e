#include "engine/deep3d.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/bars.h"
#include "engine/canvas.h"
#include "engine/colours.h"
#include "engine/comfort.h"
#include "engine/depth.h"
#include "engine/ferry.h"
#include "engine/flat.h"
#include "engine/glance.h"
#include "engine/layers.h"
#include "engine/near_copy.h"
#include "engine/over.h"
#include "engine/picture.h"
#include "engine/selection.h"
#include "engine/shot.h"
#include "engine/steady.h"
#include "engine/stereo.h"
#include "engine/stopwatch.h"
#include "kernels/cuda_library.h"

// What the host is told of each picture.
struct seen {
    struct spread spread;
    struct edges edges;
};

struct deep3d {
    const struct kernels *kernels;
    const struct device *device;
    int gpu; // which one, where it is one
    int threads;
    struct depth *depth;
    struct steady *steady;
    struct stereo *stereo;
    struct selection *selection;
    struct layers *layers;
    struct ferry *ferry;
    struct shot shot;
    struct glance *glance; // of the picture foreseen last
    struct shot_step step; // of the pictures since the last one that was converted
    enum deep3d_view what; // is drawn
    struct deep3d_comfort wish;
    struct comfort comfort;
    struct comfort_view view; // of the last picture
    struct bars bars;
    struct flat *flat;
    struct deep3d_flat found;
    struct synth_inner inner; // what of the last picture has depth
    float *flattened;         // nearness with what is flat, [near_height][near_width]
    float *pressed;           // nearness within the view's limits, [near_height][near_width]
    size_t pressed_count;
    int width, height; // of the last upright picture
    bool forget;       // the next picture begins a scene
    struct deep3d_effort effort;
    int unseen; // pictures that the network has not seen since the last one that it has
    // of the last picture:
    const struct image *small;
    float turn; // see struct shot_step
    bool held, network_due;
    bool looked;           // for what is flat in it
    const float *nearness; // of the last picture, or NULL
    int near_width, near_height;
    struct near_copy *near_copy;
    struct stopwatch watch;
    // in the device's memory, and the same on the host:
    struct seen *seen_there, *seen;
    uint8_t *glance_there;
    struct colour_tone *tone_there, *tone; // of the last transfer function that is not a display's
    bool tone_known;
    enum deep3d_transfer tone_transfer;
    bool tone_wide_gamut;
};

static void release_fixed_room(struct deep3d *c)
{
    c->device->give(c->seen_there);
    c->device->give_host(c->seen);
    c->device->give(c->glance_there);
    c->device->give_host(c->glance);
    c->device->give(c->tone_there);
    c->device->give_host(c->tone);
    c->seen = c->seen_there = NULL;
    c->glance_there = NULL;
    c->glance = NULL;
    c->tone = c->tone_there = NULL;
    c->tone_known = false;
}

static void release_device(struct deep3d *c)
{
    steady_destroy(&c->steady);
    stereo_destroy(&c->stereo);
    flat_destroy(&c->flat);
    ferry_destroy(&c->ferry);
    near_copy_finish(c->near_copy);
    stopwatch_finish(&c->watch);
    c->device->give(c->pressed);
    release_fixed_room(c);
    c->pressed = NULL;
    c->nearness = NULL;
}

// What has one size for all pictures; does nothing where it is there. False, logged.
static bool make_fixed_room(struct deep3d *c)
{
    const struct device *d = c->device;

    if (c->tone != NULL)
        return true;
    c->seen_there = d->take(sizeof(*c->seen_there));
    c->seen = d->take_host(sizeof(*c->seen));
    c->glance_there = d->take(sizeof(*c->glance));
    c->glance = d->take_host(sizeof(*c->glance));
    c->tone_there = d->take(sizeof(*c->tone_there));
    c->tone = d->take_host(sizeof(*c->tone));
    if (c->seen_there != NULL && c->seen != NULL && c->glance_there != NULL && c->glance != NULL &&
        c->tone_there != NULL && c->tone != NULL) {
        memset(c->glance, 0, sizeof(*c->glance));
        return true;
    }
    log_error("no memory for a converter");
    release_fixed_room(c);
    return false;
}

// Works with these kernels, in their device's memory, from now on; all is forgotten. False: memory
// is short.
static bool use(struct deep3d *c, const struct kernels *kernels, int gpu)
{
    const struct device *d = kernels->device;

    c->kernels = kernels;
    c->device = d;
    c->gpu = gpu;
    c->forget = true;
    depth_use(c->depth, kernels, gpu);
    c->stereo = stereo_create(kernels, c->threads);
    c->steady = steady_create(kernels);
    c->flat = flat_create(kernels);
    c->ferry = ferry_create(d);
    near_copy_init(c->near_copy, d);
    stopwatch_init(&c->watch, d);
    return make_fixed_room(c);
}

// The film goes on with the processor; false: no memory even for that.
static bool leave_gpu(struct deep3d *c, const char *why)
{
    log_warn("%s; going on with the CPU", why);
    release_device(c);
    depth_leave_gpu(c->depth);
    c->device->check(); // what failed has been told
    return use(c, kernels_best(), 0);
}

static bool leave_failed_gpu(struct deep3d *c)
{
    char why[256];

    snprintf(why, sizeof(why), "the GPU failed (%s)", c->device->error());
    return leave_gpu(c, why);
}

// The GPU's kernels where the backend may be one and it is here.
static const struct kernels *choose_kernels(const struct deep3d *c,
                                            const struct deep3d_params *params, int *out_gpu)
{
    const char *backend = params->backend != NULL ? params->backend : "auto";
    bool wanted = strcmp(backend, "auto") == 0 || strcmp(backend, "cuda") == 0;
    const struct kernels *kernels;
    char text[256], other[256];

    *out_gpu = 0;
    if (!wanted || depth_is_original(c->depth)) // which the processor alone draws
        return kernels_best();
    kernels = kernels_gpu(params->gpu_uuid, out_gpu, text, sizeof(text));
    if (kernels == NULL && params->gpu_uuid != NULL) // shown by another: pictures come down for it
        kernels = kernels_gpu(NULL, out_gpu, text, sizeof(text));
    if (kernels != NULL && kernels->device->enter(*out_gpu))
        return kernels;
    if (cuda_library(other, sizeof(other)) != NULL)
        log_warn("CUDA: %s; pictures stay in the CPU's memory", text);
    return kernels_best();
}

struct deep3d *deep3d_create(const struct deep3d_params *params)
{
    struct deep3d *c = mem_new(1, sizeof(*c));
    const struct kernels *kernels;
    int gpu;

    c->device = &device_host;
    c->near_copy = mem_new(1, sizeof(*c->near_copy));
    near_copy_init(c->near_copy, c->device);
    stopwatch_init(&c->watch, c->device);
    c->threads = params->threads > 0 ? params->threads : 0;
    c->selection = selection_create(kernels_best(), c->threads);
    c->layers = layers_create();
    c->depth = depth_create(params, kernels_best());
    if (c->depth == NULL)
        goto fail;
    kernels = choose_kernels(c, params, &gpu);
    if (!use(c, kernels, gpu) &&
        (!kernels->device->gpu || !leave_gpu(c, "the GPU has no memory left")))
        goto fail;
    log_debug("kernels: %s", c->kernels->name);
    return c;
fail:
    deep3d_destroy(&c);
    return NULL;
}

void deep3d_destroy(struct deep3d **converter)
{
    struct deep3d *c = *converter;

    if (c == NULL)
        return;
    c->device->enter(c->gpu);
    depth_destroy(&c->depth);
    release_device(c);
    selection_destroy(&c->selection);
    layers_destroy(&c->layers);
    mem_free(c->near_copy);
    mem_free(c);
    *converter = NULL;
}

bool deep3d_on_gpu(const struct deep3d *c)
{
    return c->device->gpu;
}

void deep3d_eyes_size(const struct deep3d_picture *picture, int *out_width, int *out_height)
{
    bool lying = picture->rotation_deg == 90 || picture->rotation_deg == 270;

    *out_width = lying ? picture->height : picture->width;
    *out_height = lying ? picture->width : picture->height;
}

static size_t pixel_bytes(const struct deep3d_eyes *eyes)
{
    return eyes->bits == 16 ? 8 : 4;
}

static bool check_eyes(const struct deep3d *c, const struct deep3d_picture *picture,
                       const struct deep3d_eyes *eyes)
{
    int width, height;

    deep3d_eyes_size(picture, &width, &height);
    if (eyes->width != width || eyes->height != height) {
        log_error("eyes of %dx%d do not fit a picture that is %dx%d when upright", eyes->width,
                  eyes->height, width, height);
        return false;
    }
    if (eyes->bits != 0 && eyes->bits != 8 && eyes->bits != 16) {
        log_error("eyes have 8 or 16 bits a sample, not %d", eyes->bits);
        return false;
    }
    if (eyes->pixels[0] == NULL || eyes->pixels[1] == NULL ||
        eyes->stride_bytes < (size_t)width * pixel_bytes(eyes) ||
        eyes->stride_bytes % pixel_bytes(eyes) != 0) {
        log_error("eyes have no memory, or rows of %zu bytes that do not fit %d pixels",
                  eyes->stride_bytes, width);
        return false;
    }
    if (eyes->memory != DEEP3D_MEMORY_HOST && !c->device->gpu) {
        log_error("the eyes are in GPU memory, but the converter is not; give it host memory");
        return false;
    }
    return true;
}

static bool check_settings(const struct deep3d_settings *s)
{
    if (s->strength >= 0 && s->strength <= 10 && s->convergence >= 0 && s->convergence <= 1 &&
        (unsigned)s->shift <= DEEP3D_SHIFT_RIGHT)
        return true;
    log_error("strength %g is not 0..10, or convergence %g not 0..1, or shift %d unknown",
              (double)s->strength, (double)s->convergence, (int)s->shift);
    return false;
}

static bool resize_pressed(struct deep3d *c, size_t count)
{
    if (c->pressed != NULL && c->pressed_count == count)
        return true;
    c->device->give(c->pressed);
    c->pressed = c->device->take(2 * count * sizeof(float));
    c->flattened = c->pressed + count;
    c->pressed_count = count;
    if (c->pressed == NULL)
        log_error("no memory for a depth of %zu points", count);
    return c->pressed != NULL;
}

// Room for everything that a picture of this size needs.
static bool resize(struct deep3d *c, const struct deep3d_eyes *eyes)
{
    int width = eyes->width, height = eyes->height;
    bool changed = false;
    struct depth_answer size;

    if (!stereo_resize(c->stereo, width, height) ||
        !stereo_keep_fine(c->stereo, eyes->bits == 16) ||
        !depth_resize(c->depth, width, height, &changed))
        return false;
    c->nearness = changed ? NULL : c->nearness;
    if (width != c->width || height != c->height)
        c->bars = (struct bars){0};
    c->forget = c->forget || changed || width != c->width || height != c->height;
    c->width = width;
    c->height = height;
    size = depth_answer_size(c->depth);
    return flat_resize(c->flat, stereo_small(c->stereo)->width, stereo_small(c->stereo)->height) &&
           steady_resize(c->steady, size.width, size.height) &&
           layers_resize(c->layers, size.width, size.height) &&
           (depth_original(c->depth) == NULL ||
            selection_resize(c->selection, width, size.width)) &&
           resize_pressed(c, (size_t)size.width * (size_t)size.height) &&
           near_copy_resize(c->near_copy, (size_t)size.width * (size_t)size.height);
}

// NULL: the picture is as displays show it.
static const struct colour_tone *tone_for(struct deep3d *c, const struct deep3d_picture *picture)
{
    if (picture->transfer == DEEP3D_TRANSFER_DISPLAY)
        return NULL;
    if (c->tone_known && c->tone_transfer == picture->transfer &&
        c->tone_wide_gamut == picture->wide_gamut)
        return c->tone_there;
    c->tone_known = true;
    c->tone_transfer = picture->transfer;
    c->tone_wide_gamut = picture->wide_gamut;
    colour_tone_init(c->tone,
                     picture->transfer == DEEP3D_TRANSFER_HLG ? COLOUR_TRANSFER_HLG
                                                              : COLOUR_TRANSFER_PQ,
                     picture->wide_gamut);
    c->device->upload(c->tone_there, c->tone, sizeof(*c->tone));
    return c->tone_there;
}

// What is to be done with the picture. The network sees the first one of a shot, and then as many
// as the effort says; one that says nothing of the scene changes nothing.
static void decide(struct deep3d *c)
{
    c->turn = c->forget ? 1 : c->step.turn;
    c->held = c->step.hold && c->nearness != NULL && !c->forget;
    c->network_due =
        depth_original(c->depth) != NULL || // its output itself is drawn
        (!c->held && (c->turn >= 1 || c->nearness == NULL || c->unseen + 1 >= c->effort.every));
    c->unseen = c->network_due ? 0 : c->unseen + 1;
    if (c->forget)
        c->comfort = (struct comfort){0};
}

static void prepare(struct deep3d *c, const struct deep3d_picture *picture)
{
    struct colour_job job = picture_colour_job(picture);

    job.out = *stereo_picture(c->stereo);
    job.tone = tone_for(c, picture);
    job.threads = c->threads;
    c->kernels->colour(&job);
    if (stereo_fine(c->stereo)->pixels != NULL) {
        job.out = *stereo_fine(c->stereo);
        job.out_bits = 16;
        c->kernels->colour(&job);
    }
    c->small = stereo_shrink(c->stereo);
    decide(c);
    if (c->network_due)
        depth_feed(c->depth, stereo_picture(c->stereo));
}

static const float *steady_nearness(struct deep3d *c)
{
    struct depth_answer answer;

    if (!c->network_due)
        return steady_follow(c->steady, c->small);
    answer = depth_read(c->depth, c->turn >= 1);
    c->near_width = answer.width;
    c->near_height = answer.height;
    return steady_run(c->steady, &answer, c->small, c->turn);
}

// The part of the small picture that lies wholly inside.
static struct synth_inner shrunk(struct synth_inner inner, const struct image *picture,
                                 const struct image *small)
{
    return (struct synth_inner){(inner.left * small->width + picture->width - 1) / picture->width,
                                (inner.top * small->height + picture->height - 1) / picture->height,
                                inner.right * small->width / picture->width,
                                inner.bottom * small->height / picture->height};
}

// Lays flat what was found to be flat.
static void flatten(struct deep3d *c)
{
    struct press_job job = bars_cover(&c->bars, c->near_width, c->near_height);

    if (c->forget)
        flat_reset(c->flat);
    c->inner = bars_inner(&c->bars, c->width, c->height);
    c->found = (struct deep3d_flat){c->inner.left, c->inner.top, c->width - c->inner.right,
                                    c->height - c->inner.bottom, flat_share(c->flat)};
    job.in = c->nearness;
    job.out = c->flattened;
    c->kernels->press(&job);
    flat_press(c->flat, c->flattened, c->near_width, c->near_height);
    c->nearness = c->flattened;
}

// Queues what the host is to know of the picture: how far its nearness reaches, and where it may be
// flat.
static void look(struct deep3d *c, bool flat)
{
    struct spread_job spread = {c->nearness, c->near_width, c->near_height, &c->seen_there->spread};
    struct edges_job edges = {*stereo_picture(c->stereo), &c->seen_there->edges};

    c->kernels->spread(&spread);
    c->looked = flat;
    if (flat) {
        c->kernels->edges(&edges);
        flat_look(c->flat, c->small);
    }
    c->device->download(c->seen, c->seen_there, sizeof(*c->seen));
    near_copy_next(c->near_copy, c->nearness);
}

// Finds what is flat in the picture; it counts from the next one on.
static void find_flat(struct deep3d *c)
{
    const struct image *picture = stereo_picture(c->stereo);

    if (!c->looked)
        return;
    bars_feed(&c->bars, c->width, c->height, &c->seen->edges);
    flat_feed(c->flat, shrunk(bars_inner(&c->bars, c->width, c->height), picture, c->small),
              c->turn >= 1);
    c->looked = false;
}

static void queue_filter(struct deep3d *c, const struct deep3d_settings *settings)
{
    const float *nearness = steady_nearness(c);
    bool flat = settings->flat && nearness != NULL;

    c->inner = (struct synth_inner){0, 0, c->width, c->height};
    c->found = (struct deep3d_flat){0};
    c->nearness = nearness != NULL ? nearness : c->nearness;
    if (flat)
        flatten(c);
    look(c, flat);
}

// The one wait of a picture: the host learns what its eyes may be given. A picture in the caller's
// memory has been read then.
static bool filter(struct deep3d *c, const struct deep3d_settings *settings)
{
    if (!c->held)
        queue_filter(c, settings);
    if (!c->device->wait())
        return false;
    stopwatch_waited(&c->watch);
    if (c->held)
        return true; // as it was
    c->view = comfort_update(&c->comfort, &c->wish, settings, &c->seen->spread, c->turn >= 1);
    c->forget = false;
    return true;
}

// Deep3D (2016) sees each picture alone and draws what it says: shifts from SELECT_NEAREST on, in
// pixels of the network, 0 of which is the screen.
static void take_as_it_is(struct deep3d *c)
{
    struct depth_answer answer = depth_read(c->depth, true);
    float range = SELECT_CHANNELS - 2;
    struct deep3d_settings fixed = {.strength = 100 * range / (float)answer.width,
                                    .convergence = 1 + SELECT_NEAREST / range};
    struct deep3d_comfort as_it_is = c->wish;

    c->nearness = answer.nearness;
    c->near_width = answer.width;
    c->near_height = answer.height;
    as_it_is.no_budget = true;
    as_it_is.auto_convergence = as_it_is.floating_window = false;
    look(c, false);
    c->comfort = (struct comfort){0};
    c->view = comfort_update(&c->comfort, &as_it_is, &fixed, &c->seen->spread, true);
}

// Nearness to draw with: the filtered one, pressed into the budget where it sticks out.
static const float *within_budget(struct deep3d *c)
{
    struct press_job job = {
        .in = c->nearness,
        .out = c->pressed,
        .width = c->near_width,
        .height = c->near_height,
        .right = c->near_width - 1,
        .bottom = c->near_height - 1,
        .low = c->view.low,
        .high = c->view.high,
    };

    if (c->view.low <= 0 && c->view.high >= 1)
        return c->nearness;
    c->kernels->press(&job);
    return c->pressed;
}

// The floating window's strips, at the sides of what has depth.
static void draw_window(const struct deep3d *c, const struct deep3d_eyes *eyes)
{
    float unit = (float)eyes->width / 100;
    int left_px = (int)(c->view.window_pct[0] * unit + 0.5f);
    int right_px = (int)(c->view.window_pct[1] * unit + 0.5f);
    struct strips_job job = {
        .eye = {eyes->pixels[0], eyes->pixels[1]},
        .stride_bytes = eyes->stride_bytes,
        .top = c->inner.top,
        .bottom = c->inner.bottom,
        .first = {c->inner.left, c->inner.right - right_px},
        .count = {left_px, right_px},
        .bits = eyes->bits,
    };

    if (left_px > 0 || right_px > 0)
        c->kernels->strips(&job);
}

static struct stereo_view stereo_view_of(struct deep3d *c, enum deep3d_shift shift,
                                         const struct deep3d_eyes *eyes)
{
    static const float parts[][2] = {[DEEP3D_SHIFT_BOTH] = {0.5f, 0.5f},
                                     [DEEP3D_SHIFT_LEFT] = {1, 0},
                                     [DEEP3D_SHIFT_RIGHT] = {0, 1}};
    float gain = c->view.strength / 100 * (float)eyes->width;

    return (struct stereo_view){
        .nearness = within_budget(c),
        .near_width = c->near_width,
        .near_height = c->near_height,
        .inner = c->inner,
        .gain_px = {gain * parts[shift][0], gain * parts[shift][1]},
        .convergence = c->view.convergence,
        .eye = {eyes->pixels[0], eyes->pixels[1]},
        .stride_bytes = eyes->stride_bytes,
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

static void draw_eyes(struct deep3d *c, enum deep3d_shift shift, const struct deep3d_eyes *eyes)
{
    const float *original = depth_original(c->depth);

    if (original != NULL) {
        selection_draw(c->selection, stereo_picture(c->stereo), original, c->near_width,
                       c->near_height, eyes);
        widen(eyes);
        return;
    }
    struct stereo_view view = stereo_view_of(c, shift, eyes);
    stereo_draw(c->stereo, &view);
    draw_window(c, eyes);
}

// Into c->glance; as it was, where the picture cannot be read.
static void glance_at(struct deep3d *c, const struct deep3d_picture *picture)
{
    struct glance_job job;

    if (c->glance == NULL || !picture_check(picture, c->device->gpu))
        return;
    if (picture->memory == DEEP3D_MEMORY_HOST) {
        glance_take(c->glance, picture);
        return;
    }
    job = glance_job(picture, c->glance_there);
    c->kernels->glance(&job);
    c->device->download(c->glance, c->glance_there, sizeof(*c->glance));
    if (!c->device->wait())
        leave_failed_gpu(c);
}

bool deep3d_foresee(struct deep3d *c, const struct deep3d_picture *picture)
{
    struct image image;

    if (shot_waiting(&c->shot) > DEEP3D_FORESIGHT)
        return false;
    c->device->enter(c->gpu);
    glance_at(c, picture);
    if (c->glance == NULL)
        return false;
    image = glance_image(c->glance);
    shot_feed(&c->shot, &image);
    return true;
}

void deep3d_pass_over(struct deep3d *c)
{
    struct shot_step step;

    if (shot_waiting(&c->shot) == 0)
        return;
    step = shot_next(&c->shot);
    step.turn = fmaxf(step.turn, c->step.turn); // a cut among pictures that were left out
    c->step = step;
}

static void disparity_row(void *user, int y, const float *nearness)
{
    const struct canvas *canvas = user;

    colours_row(nearness, canvas->width, canvas->pixels + (size_t)y * canvas->stride_bytes);
}

static bool draw_disparity(struct deep3d *c, const struct deep3d_eyes *eyes,
                           const struct canvas *canvas)
{
    struct stereo_view view = stereo_view_of(c, DEEP3D_SHIFT_BOTH, eyes);

    if (!stereo_rows(c->stereo, &view, disparity_row, (void *)canvas))
        return false;
    colours_scale(canvas, c->view.strength, c->view.convergence);
    return true;
}

static bool draw_layers(const struct deep3d *c, const struct canvas *canvas)
{
    struct depth_levels levels = depth_levels(c->depth);
    const float *nearness = near_copy_get(c->near_copy, c->nearness);

    if (nearness == NULL)
        return false;
    layers_set(c->layers, &levels, nearness);
    layers_draw(c->layers, canvas, (float)c->width / (float)c->height, c->view.strength,
                c->view.convergence, c->threads);
    return true;
}

static bool draw_view(struct deep3d *c, const struct deep3d_eyes *eyes, const struct canvas *canvas)
{
    return c->what == DEEP3D_VIEW_LAYERS ? draw_layers(c, canvas) : draw_disparity(c, eyes, canvas);
}

static bool draw(struct deep3d *c, enum deep3d_shift shift, const struct deep3d_eyes *eyes)
{
    struct canvas canvas = {eyes->pixels[0], eyes->width, eyes->height, eyes->stride_bytes};

    if (c->what == DEEP3D_VIEW_STEREO) {
        draw_eyes(c, shift, eyes);
        return true;
    }
    if (c->device->gpu) { // what is for people who look into the works is drawn by the processor
        if (!ferry_canvas(c->ferry, eyes, &canvas) || !draw_view(c, eyes, &canvas))
            return false;
        ferry_lay(c->ferry, &canvas, eyes);
        return true;
    }
    if (!draw_view(c, eyes, &canvas))
        return false;
    for (int y = 0; y < eyes->height; y++)
        memcpy(eyes->pixels[1] + (size_t)y * eyes->stride_bytes,
               eyes->pixels[0] + (size_t)y * eyes->stride_bytes, (size_t)eyes->width * 4);
    widen(eyes);
    return true;
}

// Puts what lies in the host's memory beside the GPU's.
static bool take_aboard(struct deep3d *c, struct deep3d_picture *picture, struct deep3d_eyes *eyes)
{
    const struct deep3d_picture here = *picture;
    const struct deep3d_eyes eyes_here = *eyes;

    if (!c->device->gpu)
        return true;
    return (here.memory == DEEP3D_MEMORY_CUDA || ferry_picture(c->ferry, &here, picture)) &&
           (eyes_here.memory == DEEP3D_MEMORY_CUDA || ferry_eyes(c->ferry, &eyes_here, eyes));
}

// The picture's eyes, wherever both lie, or queued. False: the device failed, or memory is short.
static bool convert(struct deep3d *c, struct deep3d_picture picture,
                    const struct deep3d_settings *settings, const struct deep3d_eyes *out_eyes)
{
    struct deep3d_eyes eyes = *out_eyes;

    if (!resize(c, &eyes) || !take_aboard(c, &picture, &eyes))
        return false;
    stopwatch_begin(&c->watch);
    prepare(c, &picture);
    stopwatch_stamp(&c->watch, STOPWATCH_PREPARED);
    if (c->network_due && !depth_run(c->depth))
        return false;
    stopwatch_stamp(&c->watch, STOPWATCH_ANSWERED);
    if (depth_is_original(c->depth))
        take_as_it_is(c);
    else if (!filter(c, settings))
        return false;
    stopwatch_stamp(&c->watch, STOPWATCH_FILTERED);
    if (!draw(c, settings->shift, &eyes))
        return false;
    stopwatch_stamp(&c->watch, STOPWATCH_DRAWN);
    find_flat(c);
    stopwatch_end(&c->watch, c->network_due);
    if (eyes.memory == out_eyes->memory)
        return c->device->check();
    ferry_bring(c->ferry, &eyes, out_eyes);
    return c->device->wait();
}

bool deep3d_convert(struct deep3d *c, const struct deep3d_picture *picture,
                    const struct deep3d_settings *settings, const struct deep3d_eyes *out_eyes)
{
    bool done;

    if (shot_waiting(&c->shot) == 0)
        deep3d_foresee(c, picture);
    deep3d_pass_over(c);
    c->device->enter(c->gpu);
    if (c->device->gpu && out_eyes->bits == 16)
        leave_gpu(c, "eyes of 16 bits a sample are drawn by the CPU");
    if (!make_fixed_room(c) || !picture_check(picture, c->device->gpu) ||
        !check_settings(settings) || !check_eyes(c, picture, out_eyes))
        return false;
    done = convert(c, *picture, settings, out_eyes);
    if (!done && c->device->gpu && leave_failed_gpu(c))
        done = picture->memory == DEEP3D_MEMORY_HOST && out_eyes->memory == DEEP3D_MEMORY_HOST &&
               convert(c, *picture, settings, out_eyes);
    if (done)
        c->step.turn = 0;
    return done;
}

void deep3d_set_comfort(struct deep3d *c, const struct deep3d_comfort *comfort)
{
    c->wish = *comfort;
}

void deep3d_set_view(struct deep3d *c, enum deep3d_view view)
{
    c->what = view;
}

void deep3d_set_effort(struct deep3d *c, const struct deep3d_effort *effort)
{
    c->effort = *effort;
    depth_want(c->depth, effort->size > 0 ? effort->size : 0);
}

int deep3d_sizes(const struct deep3d *c, struct deep3d_size *out)
{
    return depth_sizes(c->depth, out);
}

void deep3d_reset(struct deep3d *c)
{
    c->forget = true;
    shot_reset(&c->shot);
    c->step = (struct shot_step){0};
}

void deep3d_draw_layers(const struct deep3d *c, int width, int height, uint8_t *pixels,
                        size_t stride_bytes)
{
    c->device->enter(c->gpu);
    draw_layers(c, &(struct canvas){pixels, width, height, stride_bytes});
}

const float *deep3d_nearness(const struct deep3d *c, int *out_width, int *out_height)
{
    const float *nearness = NULL;

    c->device->enter(c->gpu);
    if (c->nearness != NULL)
        nearness = near_copy_get(c->near_copy, c->nearness);
    *out_width = nearness != NULL ? c->near_width : 0;
    *out_height = nearness != NULL ? c->near_height : 0;
    return nearness;
}

float deep3d_parallax_over(const struct deep3d *c, const struct deep3d_area *area)
{
    float front_max_pct = c->wish.no_budget ? INFINITY : comfort_limits_for(&c->wish).front_pct;
    const float *nearness;
    int width, height;

    if (c->nearness == NULL || c->what != DEEP3D_VIEW_STEREO)
        return 0;
    nearness = deep3d_nearness(c, &width, &height);
    if (nearness == NULL)
        return 0;
    return over_parallax_pct(&c->view, front_max_pct, nearness, width, height, area);
}

struct deep3d_timing deep3d_last_timing(const struct deep3d *c)
{
    return c->watch.timing;
}

struct deep3d_parallax deep3d_last_parallax(const struct deep3d *c)
{
    return c->view.parallax;
}

struct deep3d_flat deep3d_last_flat(const struct deep3d *c)
{
    return c->found;
}

const char *deep3d_backend_name(const struct deep3d *c)
{
    return depth_backend_name(c->depth);
}

const char *deep3d_model_name(const struct deep3d *c)
{
    return depth_model_name(c->depth);
}
