#include "viewer/stage.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/display_window.h"
#include "viewer/display_xr.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"
#include "viewer/vk_device.h"
#include "viewer/vk_frames.h"

// One shown, one held by a mirror, one being converted, two waiting.
#define RING_FRAMES 5
// between looks at displays that do not wait for anything themselves
#define IDLE_NS (3 * NS_PER_MS)
// How often what was lost is asked for again, a second apart: a service or a driver that starts
// anew takes several.
#define TRIES 10
#define HEADSET_TRIES_WITH_WINDOW 3
#define TRY_AGAIN_NS NS_PER_S

struct stage {
    struct display_context context; // as given; ring, vk, frames as built
    struct window *window;          // survives a rebuild; NULL: none
    struct xr_system *xr;           // NULL: no headset
    struct display *first, *mirror;
    bool in_window; // one of them draws in the window, and waits for its events
    bool null;
};

static void tear_down(struct stage *s)
{
    display_destroy(&s->mirror);
    display_destroy(&s->first);
    s->in_window = false;
    if (s->context.ring) {
        stereo_ring_restart(s->context.ring,
                            STEREO_RING_NO_GENERATION); // what waits will not be shown
        s->context.stats->frames_skipped += stereo_ring_skipped(s->context.ring);
    }
    if (xr_left_behind()) { // it may still use them
        s->context.ring = NULL;
        s->context.frames = NULL;
        s->context.vk = NULL;
        s->xr = NULL;
    }
    stereo_ring_destroy(&s->context.ring);
    vk_frames_destroy(&s->context.frames);
    vk_device_destroy(&s->context.vk);
    xr_system_destroy(&s->xr);
}

static bool build_null(struct stage *s)
{
    struct display_context context = s->context;

    context.ring = s->context.ring = stereo_ring_create(RING_FRAMES, NULL);
    context.first = true;
    return (s->first = display_null_create(&context));
}

static struct vk_device *make_device(struct stage *s)
{
    struct vk_device_params params = {0};

    if (s->xr)
        params.maker = xr_system_vk_maker(s->xr);
    if (s->window) {
        params.instance_extensions =
            window_instance_extensions(s->window, &params.instance_extension_count);
        params.swapchain = true;
        params.can_present = window_can_present;
        params.can_present_user = s->window;
    }
    return vk_device_create(&params);
}

// The Vulkan device, its frames, their ring.
static bool build_device(struct stage *s)
{
    struct stereo_memory memory;

    s->context.vk = make_device(s);
    if (!s->context.vk || !(s->context.frames = vk_frames_create(s->context.vk)))
        return false;
    memory = vk_frames_memory(s->context.frames);
    s->context.ring = stereo_ring_create(RING_FRAMES, &memory);
    return true;
}

static bool build_displays(struct stage *s)
{
    struct display_context context = s->context;

    context.first = true;
    if (s->xr && !(s->first = display_xr_create(&context, s->xr)))
        return false;
    context.first = !s->first;
    if (s->window) {
        struct display **place = s->first ? &s->mirror : &s->first;

        *place = display_window_create(&context, s->window);
        s->in_window = *place;
    }
    return s->first;
}

// The displays that are wanted. why_not: at which level to say why there is no headset. False,
// logged: what was built of them is to be torn down.
static bool build_once(struct stage *s, bool want_xr, bool required, enum log_level why_not)
{
    if (s->null)
        return build_null(s);
    s->xr = want_xr ? xr_system_create(why_not) : NULL;
    if (!s->xr && (required || !s->window)) {
        if (!required)
            log_error("nothing to show it on: no headset and no window here; "
                      "connect one, or use --display null");
        return false;
    }
    return build_device(s) && build_displays(s);
}

static bool build(struct stage *s, bool want_xr, bool required)
{
    if (build_once(s, want_xr, required, required ? LOG_ERROR : LOG_INFO))
        return true;
    // without the headset on the GPU that the window wants, which may be another one
    bool had_headset = s->xr;
    tear_down(s);
    if (!had_headset || !s->window)
        return false;
    log_warn("the headset cannot be used; going on in the window");
    if (build_once(s, false, false, LOG_INFO))
        return true;
    tear_down(s);
    return false;
}

static void name_display(struct stage *s)
{
    struct stats *stats = s->context.stats;

    snprintf(stats->display, sizeof(stats->display), "%s", s->first->ops->name);
    if (s->xr)
        snprintf(stats->runtime, sizeof(stats->runtime), "%s", xr_system_runtime_name(s->xr));
    if (s->context.vk)
        snprintf(stats->device, sizeof(stats->device), "%s", s->context.vk->properties.deviceName);
}

struct stage *stage_create(const struct display_context *context)
{
    struct stage *s = mem_new(1, sizeof(*s));
    int kind = context->options->display;

    s->context = *context;
    s->null = kind == DISPLAY_KIND_NULL;
    if (kind == DISPLAY_KIND_AUTO || kind == DISPLAY_KIND_WINDOW)
        s->window = window_create(context->options);
    if ((kind == DISPLAY_KIND_WINDOW && !s->window) ||
        !build(s, kind != DISPLAY_KIND_WINDOW, kind == DISPLAY_KIND_XR))
        stage_destroy(&s);
    else
        name_display(s);
    return s;
}

void stage_destroy(struct stage **stage)
{
    if (!*stage)
        return;
    tear_down(*stage);
    if (!xr_left_behind()) // a runtime may hang where libraries are unloaded
        window_destroy(&(*stage)->window);
    mem_free(*stage);
    *stage = NULL;
}

struct stereo_ring *stage_ring(struct stage *stage)
{
    return stage->context.ring;
}

const uint8_t *stage_gpu_uuid(const struct stage *stage)
{
    return stage->context.vk ? stage->context.vk->uuid : NULL;
}

bool stage_keeps_time(const struct stage *stage)
{
    return !stage->null;
}

void stage_set_title(struct stage *stage, const char *file)
{
    if (stage->window)
        window_set_title(stage->window, file);
}

// Where no display waits for anything itself. A window that nothing is drawn in has its keys.
static void idle(struct stage *s)
{
    if (s->window)
        (void)window_events(s->window, s->context.commands);
    clock_sleep_until_ns(clock_now_ns() + IDLE_NS);
}

enum display_state stage_poll(struct stage *stage)
{
    enum display_state state = display_poll(stage->first);

    if (stage->mirror && display_poll(stage->mirror) == DISPLAY_LOST)
        return DISPLAY_LOST;
    if (!stage->in_window)
        idle(stage);
    return state;
}

struct display_screen stage_screen(const struct stage *stage)
{
    return display_screen(stage->first);
}

void stage_command(struct stage *stage, enum command_kind kind, double value)
{
    display_command(stage->first, kind, value);
    if (stage->mirror)
        display_command(stage->mirror, kind, value);
}

// Builds again what was lost, several times if need be. False: it does not come back, or give_up.
static bool build_again(struct stage *s, bool want_xr, int tries, const atomic_bool *give_up)
{
    for (int i = 0; i < tries && !atomic_load(give_up); i++) {
        log_info("connecting to the %s again (%d of %d)", want_xr ? "headset" : "window", i + 1,
                 tries);
        if (build_once(s, want_xr, want_xr, LOG_DEBUG)) {
            name_display(s);
            return true;
        }
        tear_down(s);
        int64_t until_ns = clock_now_ns() + TRY_AGAIN_NS;
        while (clock_now_ns() < until_ns && !atomic_load(give_up))
            idle(s);
    }
    return false;
}

bool stage_rebuild(struct stage *stage, const atomic_bool *give_up)
{
    bool had_headset = stage->xr;

    tear_down(stage);
    if (had_headset &&
        build_again(stage, true, stage->window ? HEADSET_TRIES_WITH_WINDOW : TRIES, give_up))
        return true;
    if (had_headset && !stage->window && !atomic_load(give_up))
        stage->window = window_create(stage->context.options);
    if (stage->window && build_again(stage, false, TRIES, give_up)) {
        if (had_headset)
            log_warn("the headset is gone; going on in the window");
        return true;
    }
    if (!atomic_load(give_up))
        log_error(had_headset ? "the headset is gone and there is no window to go on in: start its "
                                "runtime again, then the film"
                              : "the GPU was lost and does not come back: start the film again");
    return false;
}
