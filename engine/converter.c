#include "engine/deep3d.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/bars.h"
#include "engine/canvas.h"
#include "engine/colours.h"
#include "engine/comfort.h"
#include "engine/depth.h"
#include "engine/flat.h"
#include "engine/glance.h"
#include "engine/layers.h"
#include "engine/over.h"
#include "engine/picture.h"
#include "engine/selection.h"
#include "engine/shot.h"
#include "engine/steady.h"
#include "engine/stereo.h"

struct deep3d {
    const struct kernels *kernels;
    int threads;
    struct depth *depth;
    struct steady *steady;
    struct stereo *stereo;
    struct selection *selection;
    struct layers *layers;
    struct shot shot;
    struct glance glance;  // of the picture foreseen last
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
    const float *nearness; // of the last picture, or NULL
    int near_width, near_height;
    struct deep3d_timing timing;
    struct colour_tone *tone; // of the last picture's transfer function; NULL: none yet
    enum deep3d_transfer tone_transfer;
    bool tone_wide_gamut;
};

struct deep3d *deep3d_create(const struct deep3d_params *params)
{
    struct deep3d *c = mem_new(1, sizeof(*c));

    c->kernels = kernels_best();
    c->threads = params->threads > 0 ? params->threads : 0;
    c->stereo = stereo_create(c->kernels, c->threads);
    c->selection = selection_create(c->kernels, c->threads);
    c->layers = layers_create();
    c->steady = steady_create(c->kernels);
    c->flat = flat_create();
    c->depth = depth_create(params, c->kernels);
    if (c->depth == NULL)
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
    depth_destroy(&c->depth);
    steady_destroy(&c->steady);
    stereo_destroy(&c->stereo);
    selection_destroy(&c->selection);
    layers_destroy(&c->layers);
    flat_destroy(&c->flat);
    mem_free(c->pressed);
    mem_free(c->tone);
    mem_free(c);
    *converter = NULL;
}

bool deep3d_on_gpu(const struct deep3d *c)
{
    return false;
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

static bool check_eyes(const struct deep3d_picture *picture, const struct deep3d_eyes *eyes)
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
    if (eyes->memory != DEEP3D_MEMORY_HOST) {
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
    mem_free(c->pressed);
    c->pressed = mem_try_block(2 * count * sizeof(float));
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
    c->forget = c->forget || changed || width != c->width || height != c->height;
    c->width = width;
    c->height = height;
    size = depth_answer_size(c->depth);
    return flat_resize(c->flat, stereo_small(c->stereo)->width, stereo_small(c->stereo)->height) &&
           steady_resize(c->steady, size.width, size.height) &&
           layers_resize(c->layers, size.width, size.height) &&
           (depth_original(c->depth) == NULL ||
            selection_resize(c->selection, width, size.width)) &&
           resize_pressed(c, (size_t)size.width * (size_t)size.height);
}

// NULL: the picture is as displays show it.
static const struct colour_tone *tone_for(struct deep3d *c, const struct deep3d_picture *picture)
{
    if (picture->transfer == DEEP3D_TRANSFER_DISPLAY)
        return NULL;
    if (c->tone != NULL && c->tone_transfer == picture->transfer &&
        c->tone_wide_gamut == picture->wide_gamut)
        return c->tone;
    if (c->tone == NULL)
        c->tone = mem_new(1, sizeof(*c->tone));
    c->tone_transfer = picture->transfer;
    c->tone_wide_gamut = picture->wide_gamut;
    colour_tone_init(c->tone,
                     picture->transfer == DEEP3D_TRANSFER_HLG ? COLOUR_TRANSFER_HLG
                                                              : COLOUR_TRANSFER_PQ,
                     picture->wide_gamut);
    return c->tone;
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

// Finds what is flat in the picture, and lays it flat.
static void flatten(struct deep3d *c, const struct image *small, bool wanted, bool cut)
{
    const struct image *picture = stereo_picture(c->stereo);

    c->inner = (struct synth_inner){0, 0, picture->width, picture->height};
    c->found = (struct deep3d_flat){0};
    if (!wanted)
        return;
    c->inner = bars_feed(&c->bars, picture);
    if (c->forget)
        flat_reset(c->flat);
    flat_feed(c->flat, small, shrunk(c->inner, picture, small), cut);
    memcpy(c->flattened, c->nearness, c->pressed_count * sizeof(*c->flattened));
    bars_cover(&c->bars, c->flattened, c->near_width, c->near_height);
    flat_press(c->flat, c->flattened, c->near_width, c->near_height);
    c->nearness = c->flattened;
    c->found = (struct deep3d_flat){c->inner.left, c->inner.top, picture->width - c->inner.right,
                                    picture->height - c->inner.bottom, flat_share(c->flat)};
}

static void filter(struct deep3d *c, const struct deep3d_settings *settings)
{
    const float *nearness;

    if (c->held)
        return; // as it was
    nearness = steady_nearness(c);
    if (nearness != NULL) {
        c->nearness = nearness;
        flatten(c, c->small, settings->flat, c->turn >= 1);
    }
    c->view = comfort_update(&c->comfort, &c->wish, settings, c->nearness, c->near_width,
                             c->near_height, c->turn >= 1);
    c->forget = false;
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
    c->comfort = (struct comfort){0};
    c->view = comfort_update(&c->comfort, &as_it_is, &fixed, c->nearness, c->near_width,
                             c->near_height, true);
}

// Nearness to draw with: the filtered one, pressed into the budget where it sticks out.
static const float *within_budget(struct deep3d *c)
{
    if (c->view.low <= 0 && c->view.high >= 1)
        return c->nearness;
    for (size_t i = 0; i < c->pressed_count; i++) {
        float v = c->nearness[i] > c->view.low ? c->nearness[i] : c->view.low;
        c->pressed[i] = v < c->view.high ? v : c->view.high;
    }
    return c->pressed;
}

static void black_out(uint8_t *pixels, int count, size_t bytes)
{
    const uint8_t black[] = {0, 0, 0, 255}, black16[] = {0, 0, 0, 0, 0, 0, 255, 255};

    for (int x = 0; x < count; x++)
        memcpy(pixels + (size_t)x * bytes, bytes == 8 ? black16 : black, bytes);
}

// The floating window's strips, at the sides of what has depth.
static void draw_window(const struct deep3d *c, const struct deep3d_eyes *eyes)
{
    float unit = (float)eyes->width / 100;
    int left_px = (int)(c->view.window_pct[0] * unit + 0.5f);
    int right_px = (int)(c->view.window_pct[1] * unit + 0.5f);
    size_t bytes = pixel_bytes(eyes);

    for (int y = c->inner.top; (left_px > 0 || right_px > 0) && y < c->inner.bottom; y++) {
        size_t row = (size_t)y * eyes->stride_bytes;
        black_out(eyes->pixels[0] + row + (size_t)c->inner.left * bytes, left_px, bytes);
        black_out(eyes->pixels[1] + row + (size_t)(c->inner.right - right_px) * bytes, right_px,
                  bytes);
    }
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

bool deep3d_foresee(struct deep3d *c, const struct deep3d_picture *picture)
{
    struct image image = glance_image(&c->glance);

    if (shot_waiting(&c->shot) > DEEP3D_FORESIGHT)
        return false;
    if (picture_check(picture)) // else it counts as the one before it
        glance_take(&c->glance, picture);
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

static void draw_disparity(struct deep3d *c, const struct deep3d_eyes *eyes,
                           const struct canvas *canvas)
{
    struct stereo_view view = stereo_view_of(c, DEEP3D_SHIFT_BOTH, eyes);

    stereo_rows(c->stereo, &view, disparity_row, (void *)canvas);
    colours_scale(canvas, c->view.strength, c->view.convergence);
}

static void draw_layers(const struct deep3d *c, const struct canvas *canvas)
{
    struct depth_levels levels = depth_levels(c->depth);

    layers_set(c->layers, &levels, c->nearness);
    layers_draw(c->layers, canvas, (float)c->width / (float)c->height, c->view.strength,
                c->view.convergence, c->threads);
}

static void draw(struct deep3d *c, enum deep3d_shift shift, const struct deep3d_eyes *eyes)
{
    struct canvas canvas = {eyes->pixels[0], eyes->width, eyes->height, eyes->stride_bytes};

    if (c->what == DEEP3D_VIEW_STEREO) {
        draw_eyes(c, shift, eyes);
        return;
    }
    if (c->what == DEEP3D_VIEW_LAYERS)
        draw_layers(c, &canvas);
    else
        draw_disparity(c, eyes, &canvas);
    for (int y = 0; y < eyes->height; y++)
        memcpy(eyes->pixels[1] + (size_t)y * eyes->stride_bytes,
               eyes->pixels[0] + (size_t)y * eyes->stride_bytes, (size_t)eyes->width * 4);
    widen(eyes);
}

bool deep3d_convert(struct deep3d *c, const struct deep3d_picture *picture,
                    const struct deep3d_settings *settings, const struct deep3d_eyes *out_eyes)
{
    int64_t start, prepared, answered, filtered;

    if (shot_waiting(&c->shot) == 0)
        deep3d_foresee(c, picture);
    deep3d_pass_over(c);
    if (!picture_check(picture) || !check_settings(settings) || !check_eyes(picture, out_eyes) ||
        !resize(c, out_eyes))
        return false;
    start = clock_now_ns();
    prepare(c, picture);
    prepared = clock_now_ns();
    if (c->network_due && !depth_run(c->depth))
        return false;
    answered = c->network_due ? clock_now_ns() : prepared;
    if (depth_original(c->depth) != NULL)
        take_as_it_is(c);
    else
        filter(c, settings);
    c->step.turn = 0;
    filtered = clock_now_ns();
    draw(c, settings->shift, out_eyes);
    c->timing = (struct deep3d_timing){prepared - start, answered - prepared, filtered - answered,
                                       clock_now_ns() - filtered};
    return true;
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
    draw_layers(c, &(struct canvas){pixels, width, height, stride_bytes});
}

const float *deep3d_nearness(const struct deep3d *c, int *out_width, int *out_height)
{
    *out_width = c->nearness != NULL ? c->near_width : 0;
    *out_height = c->nearness != NULL ? c->near_height : 0;
    return c->nearness;
}

float deep3d_parallax_over(const struct deep3d *c, const struct deep3d_area *area)
{
    float front_max_pct = c->wish.no_budget ? INFINITY : comfort_limits_for(&c->wish).front_pct;

    if (c->nearness == NULL || c->what != DEEP3D_VIEW_STEREO)
        return 0;
    return over_parallax_pct(&c->view, front_max_pct, c->nearness, c->near_width, c->near_height,
                             area);
}

struct deep3d_timing deep3d_last_timing(const struct deep3d *c)
{
    return c->timing;
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
