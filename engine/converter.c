#include "engine/deep3d.h"

#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/bars.h"
#include "engine/comfort.h"
#include "engine/depth.h"
#include "engine/drawing.h"
#include "engine/foresight.h"
#include "engine/native.h"
#include "engine/over.h"
#include "engine/picture.h"
#include "engine/rig.h"

struct deep3d {
    int threads;
    struct depth *depth;
    struct rig rig;
    struct drawing *drawing;
    struct foresight foresight;
    bool judged;           // this picture is no more among those that are foreseen
    enum deep3d_view what; // is drawn
    struct deep3d_comfort wish;
    struct comfort comfort;
    struct bars bars;
    struct deep3d_flat found;
    int width, height; // of the last upright picture
    bool forget;       // the next picture begins a scene
    struct deep3d_effort effort;
    int unseen; // pictures that the network has not seen since the last one that it has
    // of the last picture:
    const struct image *small;
    float turn; // see struct shot_step
    bool held, network_due;
    bool looked; // for what is flat in it
    struct drawing_picture last;
};

// The film goes on with the processor; false: no memory even for that.
static bool leave_gpu(struct deep3d *c, const char *why)
{
    bool room;

    log_warn("%s; going on with the CPU", why);
    room = foresight_use(&c->foresight, kernels_best());
    depth_leave_gpu(c->depth);
    depth_use(c->depth, kernels_best(), 0);
    rig_finish(&c->rig);
    c->rig.device->check(); // what failed has been told
    c->last.nearness = NULL;
    c->forget = true;
    return rig_init(&c->rig, kernels_best(), 0, c->threads) && room;
}

static bool leave_failed_gpu(struct deep3d *c)
{
    char why[256];

    snprintf(why, sizeof(why), "the GPU failed (%s)", c->rig.device->error());
    return leave_gpu(c, why);
}

// Works with these kernels. False: memory is short.
static bool begin(struct deep3d *c, const struct kernels *kernels, int gpu)
{
    bool room = foresight_init(&c->foresight, kernels);

    depth_use(c->depth, kernels, gpu);
    return rig_init(&c->rig, kernels, gpu, c->threads) && room;
}

struct deep3d *deep3d_create(const struct deep3d_params *params)
{
    struct depth *depth = depth_create(params, kernels_best());
    const struct kernels *kernels = kernels_best();
    struct deep3d *c;
    int gpu = 0;

    if (depth == NULL)
        return NULL;
    c = mem_new(1, sizeof(*c));
    c->depth = depth;
    c->threads = params->threads > 0 ? params->threads : 0;
    c->drawing = drawing_create(&c->rig, depth, c->threads);
    if (!network_is_original(depth_network(depth))) // the original is drawn by the processor alone
        kernels = rig_choose(params, &gpu);
    if (!begin(c, kernels, gpu) &&
        (!kernels->device->gpu || !leave_gpu(c, "the GPU has no memory left"))) {
        deep3d_destroy(&c);
        return NULL;
    }
    log_debug("kernels: %s", c->rig.kernels->name);
    return c;
}

void deep3d_destroy(struct deep3d **converter)
{
    struct deep3d *c = *converter;

    if (c == NULL)
        return;
    rig_enter(&c->rig);
    depth_destroy(&c->depth);
    foresight_finish(&c->foresight);
    rig_finish(&c->rig);
    drawing_destroy(&c->drawing);
    mem_free(c);
    *converter = NULL;
}

bool deep3d_on_gpu(const struct deep3d *c)
{
    return c->rig.device->gpu;
}

void deep3d_eyes_size(const struct deep3d_picture *picture, int *out_width, int *out_height)
{
    bool lying = picture->rotation_deg == 90 || picture->rotation_deg == 270;
    struct deep3d_size eye = picture_eye_size(picture);

    *out_width = lying ? eye.height : eye.width;
    *out_height = lying ? eye.width : eye.height;
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

// Room for everything that a picture of this size needs.
static bool resize(struct deep3d *c, const struct deep3d_eyes *eyes)
{
    int width = eyes->width, height = eyes->height;
    bool changed = false;
    struct depth_answer size;

    if (!stereo_resize(c->rig.stereo, width, height) ||
        !stereo_keep_fine(c->rig.stereo, eyes->bits == 16) ||
        !depth_resize(c->depth, width, height, &changed))
        return false;
    c->last.nearness = changed ? NULL : c->last.nearness;
    if (width != c->width || height != c->height)
        c->bars = (struct bars){0};
    c->forget = c->forget || changed || width != c->width || height != c->height;
    c->width = width;
    c->height = height;
    size = depth_answer_size(c->depth);
    return flat_resize(c->rig.flat, stereo_small(c->rig.stereo)->width,
                       stereo_small(c->rig.stereo)->height) &&
           steady_resize(c->rig.steady, size.width, size.height) &&
           drawing_resize(c->drawing, width) &&
           rig_resize(&c->rig, (size_t)size.width * (size_t)size.height);
}

// What is to be done with the picture. The network sees the first one of a shot, and then as many
// as the effort says; one that says nothing of the scene changes nothing.
static void decide(struct deep3d *c)
{
    c->turn = c->forget ? 1 : c->foresight.step.turn;
    c->held = c->foresight.step.hold && c->last.nearness != NULL && !c->forget;
    c->network_due = depth_original(c->depth) != NULL || // its output itself is drawn
                     (!c->held && (c->turn >= 1 || c->last.nearness == NULL ||
                                   c->unseen + 1 >= c->effort.every));
    c->unseen = c->network_due ? 0 : c->unseen + 1;
    if (c->forget)
        c->comfort = (struct comfort){0};
}

static void prepare(struct deep3d *c, const struct deep3d_picture *picture)
{
    struct colour_job job = picture_colour_job(picture);

    job.out = *stereo_picture(c->rig.stereo);
    job.tone = rig_tone(&c->rig, picture);
    job.threads = c->threads;
    c->rig.kernels->colour(&job);
    if (stereo_fine(c->rig.stereo)->pixels != NULL) {
        job.out = *stereo_fine(c->rig.stereo);
        job.out_bits = 16;
        c->rig.kernels->colour(&job);
    }
    c->small = stereo_shrink(c->rig.stereo);
}

// The verdict on the picture. False: the device failed.
static bool judge(struct deep3d *c)
{
    if (c->judged)
        return true;
    c->judged = true;
    return foresight_next(&c->foresight);
}

// The network's answer, or none is due. A GPU need not wait for the verdict on the picture while
// the network sees each one anyway: those that say nothing of the scene are rare.
static bool answer(struct deep3d *c)
{
    bool early = c->rig.device->gpu && c->effort.every <= 1;

    if (!early) {
        if (!judge(c))
            return false;
        decide(c);
    }
    if (early || c->network_due)
        depth_feed(c->depth, stereo_picture(c->rig.stereo));
    stopwatch_stamp(&c->rig.watch, STOPWATCH_PREPARED);
    if ((early || c->network_due) && !depth_run(c->depth))
        return false;
    stopwatch_stamp(&c->rig.watch, STOPWATCH_ANSWERED);
    if (!early)
        return true;
    if (!judge(c))
        return false;
    decide(c);
    return true;
}

static const float *steady_nearness(struct deep3d *c)
{
    struct depth_answer answer;

    if (!c->network_due)
        return steady_follow(c->rig.steady, c->small);
    answer = depth_read(c->depth, c->turn >= 1);
    c->last.near_width = answer.width;
    c->last.near_height = answer.height;
    return steady_run(c->rig.steady, &answer, c->small, c->turn);
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
    struct press_job job = bars_cover(&c->bars, c->last.near_width, c->last.near_height);

    if (c->forget)
        flat_reset(c->rig.flat);
    c->last.inner = bars_inner(&c->bars, c->width, c->height);
    c->found =
        (struct deep3d_flat){c->last.inner.left, c->last.inner.top, c->width - c->last.inner.right,
                             c->height - c->last.inner.bottom, flat_share(c->rig.flat)};
    job.in = c->last.nearness;
    job.out = c->rig.flattened;
    c->rig.kernels->press(&job);
    flat_press(c->rig.flat, c->rig.flattened, c->last.near_width, c->last.near_height);
    c->last.nearness = c->rig.flattened;
}

// Queues what the host is to know of the picture: how far its nearness reaches, and where it may be
// flat.
static void look(struct deep3d *c, bool flat)
{
    struct spread_job spread = {c->last.nearness, c->last.near_width, c->last.near_height,
                                &c->rig.seen_there->spread};
    struct edges_job edges = {*stereo_picture(c->rig.stereo), &c->rig.seen_there->edges};

    c->rig.kernels->spread(&spread);
    c->looked = flat;
    if (flat) {
        c->rig.kernels->edges(&edges);
        flat_look(c->rig.flat, c->small,
                  shrunk(c->last.inner, stereo_picture(c->rig.stereo), c->small), c->turn >= 1);
    }
    c->rig.device->download(c->rig.seen, c->rig.seen_there, sizeof(*c->rig.seen));
    near_copy_next(c->rig.near_copy, c->last.nearness);
}

// Finds what is flat in the picture; it counts from the next one on.
static void find_flat(struct deep3d *c)
{
    if (!c->looked)
        return;
    bars_feed(&c->bars, c->width, c->height, &c->rig.seen->edges);
    flat_feed(c->rig.flat, c->turn >= 1);
    c->looked = false;
}

static void queue_filter(struct deep3d *c, const struct deep3d_settings *settings)
{
    const float *nearness = steady_nearness(c);
    bool flat = settings->flat && nearness != NULL;

    c->last.inner = (struct synth_inner){0, 0, c->width, c->height};
    c->found = (struct deep3d_flat){0};
    c->last.nearness = nearness != NULL ? nearness : c->last.nearness;
    if (flat)
        flatten(c);
    look(c, flat);
}

// The one wait of a picture: the host learns what its eyes may be given. A picture in the caller's
// memory has been read then. A GPU refines nearness meanwhile, as if no limit were met.
static bool filter(struct deep3d *c, const struct deep3d_settings *settings)
{
    if (!c->held)
        queue_filter(c, settings);
    c->rig.device->stamp(&c->rig.filtered);
    c->last.refined = c->rig.device->gpu && !c->held && c->what == DEEP3D_VIEW_STEREO;
    if (c->last.refined) {
        stopwatch_stamp(&c->rig.watch, STOPWATCH_FILTERED);
        stereo_refine(c->rig.stereo, c->last.nearness, c->last.near_width, c->last.near_height);
    }
    if (!c->rig.device->wait_for(&c->rig.filtered))
        return false;
    stopwatch_waited(&c->rig.watch);
    if (c->held)
        return true; // as it was
    c->last.view =
        comfort_update(&c->comfort, &c->wish, settings, &c->rig.seen->spread, c->turn >= 1);
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

    c->last.nearness = answer.nearness;
    c->last.near_width = answer.width;
    c->last.near_height = answer.height;
    as_it_is.no_budget = true;
    as_it_is.auto_convergence = as_it_is.floating_window = false;
    look(c, false);
    c->comfort = (struct comfort){0};
    c->last.view = comfort_update(&c->comfort, &as_it_is, &fixed, &c->rig.seen->spread, true);
}

bool deep3d_foresee(struct deep3d *c, const struct deep3d_picture *picture)
{
    if (foresight_waiting(&c->foresight) > DEEP3D_FORESIGHT)
        return false;
    rig_enter(&c->rig);
    return foresight_add(&c->foresight,
                         picture_check(picture, c->rig.device->gpu) ? picture : NULL);
}

void deep3d_pass_over(struct deep3d *c)
{
    rig_enter(&c->rig);
    if (!foresight_next(&c->foresight))
        leave_failed_gpu(c);
}

// Puts what lies in the host's memory beside the GPU's.
static bool take_aboard(struct deep3d *c, struct deep3d_picture *picture, struct deep3d_eyes *eyes)
{
    const struct deep3d_picture here = *picture;
    const struct deep3d_eyes eyes_here = *eyes;

    if (!c->rig.device->gpu)
        return true;
    return (here.memory == DEEP3D_MEMORY_CUDA || ferry_picture(c->rig.ferry, &here, picture)) &&
           (eyes_here.memory == DEEP3D_MEMORY_CUDA || ferry_eyes(c->rig.ferry, &eyes_here, eyes));
}

// Both eyes of a native 3D film: nothing is known of their depth.
static bool draw_native(struct deep3d *c, const struct deep3d_picture *picture,
                        const struct deep3d_eyes *eyes)
{
    c->forget = true;
    c->network_due = false;
    c->last.nearness = NULL;
    c->last.view = (struct comfort_view){.parallax.comfortable = true};
    c->found = (struct deep3d_flat){0};
    stopwatch_stamp(&c->rig.watch, STOPWATCH_PREPARED);
    stopwatch_stamp(&c->rig.watch, STOPWATCH_ANSWERED);
    stopwatch_stamp(&c->rig.watch, STOPWATCH_FILTERED);
    native_draw(&c->rig, picture, c->threads, eyes);
    stopwatch_stamp(&c->rig.watch, STOPWATCH_DRAWN);
    if (!c->rig.device->wait()) // the picture has been read then
        return false;
    stopwatch_waited(&c->rig.watch);
    return true;
}

static bool draw_converted(struct deep3d *c, const struct deep3d_picture *picture,
                           const struct deep3d_settings *settings, const struct deep3d_eyes *eyes)
{
    c->last.refined = false;
    prepare(c, picture);
    if (!answer(c))
        return false;
    if (network_is_original(depth_network(c->depth)))
        take_as_it_is(c);
    else if (!filter(c, settings))
        return false;
    if (!c->last.refined)
        stopwatch_stamp(&c->rig.watch, STOPWATCH_FILTERED);
    if (!drawing_run(c->drawing, &c->last, c->what, settings->shift, eyes))
        return false;
    stopwatch_stamp(&c->rig.watch, STOPWATCH_DRAWN);
    find_flat(c);
    return true;
}

// The picture's eyes, wherever both lie, or queued. False: the device failed, or memory is short.
static bool convert(struct deep3d *c, struct deep3d_picture picture,
                    const struct deep3d_settings *settings, const struct deep3d_eyes *out_eyes)
{
    bool native = picture.packing != DEEP3D_ONE_EYE;
    struct deep3d_eyes eyes = *out_eyes;

    if ((!native && !resize(c, &eyes)) || !take_aboard(c, &picture, &eyes))
        return false;
    stopwatch_begin(&c->rig.watch);
    if (!(native ? draw_native(c, &picture, &eyes) : draw_converted(c, &picture, settings, &eyes)))
        return false;
    stopwatch_end(&c->rig.watch, c->network_due, network_now_size(depth_network(c->depth)));
    if (eyes.memory == out_eyes->memory)
        return c->rig.device->check();
    ferry_bring(c->rig.ferry, &eyes, out_eyes);
    return c->rig.device->wait();
}

static bool check(struct deep3d *c, const struct deep3d_picture *picture,
                  const struct deep3d_settings *settings, const struct deep3d_eyes *eyes)
{
    if (c->rig.device->gpu && eyes->bits == 16)
        leave_gpu(c, "eyes of 16 bits a sample are drawn by the CPU");
    return foresight_room(&c->foresight) && rig_room(&c->rig) &&
           picture_check(picture, c->rig.device->gpu) && check_settings(settings) &&
           picture_check_eyes(picture, eyes, c->rig.device->gpu);
}

bool deep3d_convert(struct deep3d *c, const struct deep3d_picture *picture,
                    const struct deep3d_settings *settings, const struct deep3d_eyes *out_eyes)
{
    bool done = false;

    rig_enter(&c->rig);
    if (foresight_waiting(&c->foresight) == 0)
        deep3d_foresee(c, picture);
    c->judged = false;
    if (check(c, picture, settings, out_eyes)) {
        done = convert(c, *picture, settings, out_eyes);
        if (!done && c->rig.device->gpu && leave_failed_gpu(c))
            done = picture->memory == DEEP3D_MEMORY_HOST &&
                   out_eyes->memory == DEEP3D_MEMORY_HOST &&
                   convert(c, *picture, settings, out_eyes);
    }
    judge(c);
    if (done && !c->held)
        c->foresight.step.turn = 0;
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
    network_want(depth_network(c->depth), effort->size > 0 ? effort->size : 0);
}

int deep3d_sizes(const struct deep3d *c, struct deep3d_size *out)
{
    return network_sizes(depth_network(c->depth), out);
}

void deep3d_reset(struct deep3d *c)
{
    c->forget = true;
    bars_doubt(&c->bars);
    rig_enter(&c->rig);
    (void)c->rig.device->wait(); // what failed fails again
    foresight_reset(&c->foresight);
}

void deep3d_draw_layers(const struct deep3d *c, int width, int height, uint8_t *pixels,
                        size_t stride_bytes)
{
    rig_enter(&c->rig);
    drawing_layers(c->drawing, &c->last, &(struct canvas){pixels, width, height, stride_bytes});
}

const float *deep3d_nearness(const struct deep3d *c, int *out_width, int *out_height)
{
    const float *nearness = NULL;

    rig_enter(&c->rig);
    if (c->last.nearness != NULL)
        nearness = near_copy_get(c->rig.near_copy, c->last.nearness);
    *out_width = nearness != NULL ? c->last.near_width : 0;
    *out_height = nearness != NULL ? c->last.near_height : 0;
    return nearness;
}

float deep3d_parallax_over(const struct deep3d *c, const struct deep3d_area *area)
{
    float front_max_pct = c->wish.no_budget ? INFINITY : comfort_limits_for(&c->wish).front_pct;
    const float *nearness;
    int width, height;

    if (c->last.nearness == NULL || c->what != DEEP3D_VIEW_STEREO)
        return 0;
    nearness = deep3d_nearness(c, &width, &height);
    if (nearness == NULL)
        return 0;
    return over_parallax_pct(&c->last.view, front_max_pct, nearness, width, height, area);
}

struct deep3d_timing deep3d_last_timing(const struct deep3d *c)
{
    return c->rig.watch.timing;
}

struct deep3d_parallax deep3d_last_parallax(const struct deep3d *c)
{
    return c->last.view.parallax;
}

struct deep3d_flat deep3d_last_flat(const struct deep3d *c)
{
    return c->found;
}

const char *deep3d_backend_name(const struct deep3d *c)
{
    return network_backend_name(depth_network(c->depth));
}

const char *deep3d_model_name(const struct deep3d *c)
{
    return network_model_name(depth_network(c->depth));
}
