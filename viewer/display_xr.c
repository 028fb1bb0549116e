#include "viewer/display_xr.h"

#include <math.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/commands.h"
#include "viewer/display_xr_copy.h"
#include "viewer/display_xr_input.h"
#include "viewer/display_xr_pace.h"
#include "viewer/display_xr_rate.h"
#include "viewer/display_xr_screen.h"
#include "viewer/display_xr_session.h"
#include "viewer/display_xr_swapchain.h"
#include "viewer/display_xr_system.h"
#include "viewer/display_xr_time.h"
#include "viewer/media_clock.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"

#define IDLE_NS (10 * NS_PER_MS)   // between two looks at the events while no session runs
#define PATIENCE_NS (3 * NS_PER_S) // of a person before an empty headset wants explaining
#define RETRY_NS (NS_PER_S / 2)
#define MAX_RETRIES 10
// A session that lived so long was no failed attempt.
#define LASTING_NS (10 * NS_PER_S)
#define MIN_WIDTH_M 0.2
#define MAX_WIDTH_M 50.0
#define DEFAULT_PERIOD_NS (NS_PER_S / 90)
// A runtime that takes so long hangs.
#define SILENT_NS (5 * NS_PER_S)

struct display_xr {
    struct display base; // first
    struct xr_system *system;
    struct thread thread;

    // between main and display thread
    _Atomic int state; // enum display_state
    atomic_bool quit, recenter;
    atomic_bool done;         // the display thread needs nothing any more
    _Atomic int64_t alive_ns; // when it did something last
    _Atomic float width_m, distance_m;

    bool silent; // main thread's: it was told

    // display thread; main thread while that does not run
    struct xr_session session;
    struct xr_copy *copy;
    struct xr_eyes eyes;
    struct xr_time time;
    struct xr_pace pace, told; // told: what the statistics know of it
    struct xr_rate rate;
    double rate_speed; // the film's, while its rate was learnt
    struct xr_input input;
    int64_t period_ns;
    int64_t session_since_ns;
    int retries;
    bool explained;

    uint64_t taken;   // number of the frame taken last
    uint64_t counted; // number of the frame that the statistics know
    bool stale;       // the swapchains do not hold the frame taken last
    double aspect;    // of the picture in the swapchains

    // of the head when the screen was placed; all-zero: not yet
    XrVector3f eye;
    float heading;
};

// What is shown in this period.
struct period {
    XrFrameState frame;
    int64_t display_ns; // its display, on our clock
    bool render;
    uint64_t new_number; // of a stereo frame that comes to the eyes for the first time; 0: none
    int64_t new_pts_ns, new_duration_ns;
};

// --- time

// Runtimes have been seen to give periods of years.
static void set_period(struct display_xr *x, int64_t period_ns)
{
    if (period_ns >= NS_PER_MS && period_ns <= NS_PER_S)
        x->period_ns = period_ns;
}

// The runtime's time on our clock.
static int64_t to_clock(struct display_xr *x, XrTime time)
{
    struct timespec t;
    XrResult result;

    if (x->system->time_to_timespec) {
        result = x->system->time_to_timespec(x->system->instance, time, &t);
        if (XR_SUCCEEDED(result))
            return t.tv_sec * NS_PER_S + t.tv_nsec;
        // a lost instance says so itself with the next call
        if (result != XR_ERROR_INSTANCE_LOST) {
            log_warn("headset: xrConvertTimeToTimespecTimeKHR: %s; going by the frames' rhythm",
                     xr_result_name(result));
            x->system->time_to_timespec = NULL;
        }
    }
    return xr_time_convert(&x->time, time, x->period_ns);
}

// --- stereo frames

// The frame due at a moment, referenced, where it is not the one taken last; else NULL. Taking it
// moves the ring on, whether anybody sees it or not.
static struct stereo_frame *take_due(struct display_xr *x, int64_t time_ns)
{
    const struct display_context *c = &x->base.context;
    struct stereo_frame *f;

    if (c->first)
        f = stereo_ring_due(c->ring, media_clock_at(c->clock, time_ns), x->taken);
    else
        f = stereo_ring_current(c->ring, x->taken);
    if (!f)
        return NULL;
    // every frame is accounted for: shown, or passed over
    if (c->first && x->counted != x->taken)
        atomic_fetch_add(&c->stats->frames_skipped, 1);
    x->taken = f->number;
    return f;
}

// Nobody looks: the film runs on with its sound, and what is taken is shown when somebody looks
// again.
static void pass_unseen(struct display_xr *x, int64_t time_ns)
{
    struct stereo_frame *f;

    (void)xr_copy_ready(x->copy); // copies still under way come to their end
    f = take_due(x, time_ns);
    if (!f)
        return;
    stereo_ring_release(x->base.context.ring, f);
    x->stale = true;
}

// Pixels of the headset across the screen; 0: not known.
static double shown_px(struct display_xr *x, XrTime time)
{
    return xr_session_density(&x->session, time) * (double)atomic_load(&x->width_m) /
           (double)atomic_load(&x->distance_m);
}

// Brings the due frame into the swapchains where it is new. False: session or device lost.
static bool show_due(struct display_xr *x, struct period *p)
{
    struct stereo_frame *f;
    double aspect;
    int64_t pts_ns, duration_ns;
    bool shown;

    if (!xr_copy_ready(x->copy)) {
        if (xr_copy_broken(x->copy))
            xr_system_lose(x->system, XR_LOST_INSTANCE);
        return !xr_copy_broken(x->copy); // all copies under way: the last picture again
    }
    // The picture is seen from display_ns for a whole period, so its middle is what the film's time
    // is compared with: the error is half a period at most, early or late.
    f = take_due(x, p->display_ns + x->period_ns / 2);
    if (!f && x->stale)
        f = stereo_ring_current(x->base.context.ring, 0);
    if (!f)
        return true;
    aspect = f->aspect;
    pts_ns = f->pts_ns;
    duration_ns = f->duration_ns;
    if (!xr_eyes_show(&x->eyes, f, shown_px(x, p->frame.predictedDisplayTime), x->period_ns / 2,
                      &shown))
        return false;
    x->stale = !shown;
    if (!shown)
        return true;
    x->aspect = aspect;
    if (x->counted != x->taken) {
        x->counted = p->new_number = x->taken;
        p->new_pts_ns = pts_ns;
        p->new_duration_ns = duration_ns;
    }
    return true;
}

// --- the screen

// Puts the screen before the viewer where that was asked for. False: session lost.
static bool place_screen(struct display_xr *x, XrTime time)
{
    XrPosef head;
    bool valid;

    if (atomic_exchange(&x->recenter, false))
        x->session.recenter_at = 0;
    // not before there is something to see: headsets take a moment to find out where they are
    if (!x->eyes.filled || time < x->session.recenter_at)
        return true;
    if (!xr_session_head(&x->session, time, &valid, &head))
        return false;
    if (!valid)
        return true; // asked for again with the next frame
    x->session.recenter_at = INT64_MAX;
    x->eye = head.position;
    x->heading = xr_screen_heading(head.orientation);
    log_debug("headset: screen placed at heading %.0f degrees", x->heading * 57.29578);
    return true;
}

static uint32_t make_layers(struct display_xr *x, XrCompositionLayerQuad out[2])
{
    float width_m = atomic_load(&x->width_m);
    XrExtent2Df size = {width_m, (float)(width_m / x->aspect)};

    if (!x->eyes.filled)
        return 0;
    // Until the head is tracked the screen hangs before the origin of LOCAL, which runtimes put
    // where the viewer looks at the start.
    xr_eyes_layers(&x->eyes, x->session.local,
                   xr_screen_pose(x->eye, x->heading, atomic_load(&x->distance_m)), size, out);
    return 2;
}

// --- one period

static void count(struct display_xr *x, const struct period *p)
{
    const struct display_context *c = &x->base.context;
    int64_t media_ns;

    if (!c->first)
        return;
    // the statistics outlive this display: another one may go on with them
    atomic_fetch_add(&c->stats->periods, x->pace.periods - x->told.periods);
    atomic_fetch_add(&c->stats->late, x->pace.late - x->told.late);
    x->told = x->pace;
    if (!p->new_number)
        return;
    stats_frame_shown(c->stats, p->display_ns);
    media_ns = media_clock_at(c->clock, p->display_ns);
    if (media_ns != CLOCK_NONE && !media_clock_paused(c->clock))
        stats_add_av_offset(c->stats, media_ns - p->new_pts_ns);
}

// Asks for the refresh rate that suits the film, once its frame rate is known. The runtime changes
// it some time later, or not.
static void suit_rate(struct display_xr *x, const struct period *p)
{
    const struct xr_system *system = x->system;
    double fps, current = (double)NS_PER_S / (double)x->period_ns;
    double speed = media_clock_speed(x->base.context.clock);
    float rates[32], rate;
    uint32_t count = 0;

    if (speed != x->rate_speed)
        x->rate = (struct xr_rate){0};
    x->rate_speed = speed;
    if (!p->new_number || !xr_rate_add(&x->rate, p->new_pts_ns, p->new_duration_ns, &fps) ||
        !system->enumerate_rates || !system->request_rate)
        return;
    if (XR_FAILED(system->enumerate_rates(x->session.handle, 32, &count, rates)))
        return;
    rate = xr_rate_choose(rates, (int)count, fps * speed, current);
    if (rate <= 0)
        return;
    log_info("headset: %.0f Hz suits the film's %.3f frames a second", rate, fps * speed);
    system->request_rate(x->session.handle, rate);
}

// After xrWaitFrame. False: session or instance lost.
static bool fill_period(struct display_xr *x, struct period *p)
{
    const XrCompositionLayerBaseHeader *list[2];
    XrCompositionLayerQuad layers[2];
    uint32_t layer_count = 0;

    if (!xr_session_begin_frame(&x->session))
        return false;
    if (p->render) {
        xr_pace_begin(&x->pace, p->frame.predictedDisplayTime, x->period_ns);
        if (!show_due(x, p) || !place_screen(x, p->frame.predictedDisplayTime))
            return false;
        layer_count = make_layers(x, layers);
    } else {
        xr_pace_rest(&x->pace);
        pass_unseen(x, p->display_ns);
    }
    for (uint32_t i = 0; i < layer_count; i++)
        list[i] = (const XrCompositionLayerBaseHeader *)&layers[i];
    if (!xr_session_end_frame(&x->session, p->frame.predictedDisplayTime, layer_count,
                              layer_count > 0 ? list : NULL))
        return false;
    if (p->render)
        // on the runtime's clock, whose steps between periods are exact
        xr_pace_end(&x->pace, p->frame.predictedDisplayTime + (clock_now_ns() - p->display_ns));
    count(x, p);
    suit_rate(x, p);
    return xr_input_update(&x->input, x->session.handle, clock_now_ns());
}

static bool run_period(struct display_xr *x)
{
    struct period p = {.new_number = 0};
    int64_t begin_ns = clock_now_ns(), now_ns;
    bool good;

    if (!xr_session_wait_frame(&x->session, &p.frame))
        return false;
    now_ns = clock_now_ns();
    set_period(x, p.frame.predictedDisplayPeriod);
    // SteamVR has been seen to give negative times: no picture then
    p.render = p.frame.shouldRender && p.frame.predictedDisplayTime > 0;
    p.display_ns = now_ns + x->period_ns;
    if (p.frame.predictedDisplayTime > 0) {
        xr_time_add(&x->time, p.frame.predictedDisplayTime, now_ns);
        p.display_ns = to_clock(x, p.frame.predictedDisplayTime);
    }
    good = fill_period(x, &p);
    // not every runtime holds us back while nobody looks
    if (!p.render)
        clock_sleep_until_ns(begin_ns + x->period_ns / 2);
    return good;
}

// --- sessions

static bool open_session(struct display_xr *x)
{
    const struct display_context *c = &x->base.context;

    x->session_since_ns = clock_now_ns();
    if (xr_session_init(&x->session, x->system, c->vk) &&
        xr_eyes_init(&x->eyes, x->system, c->vk, x->copy, c->ring, x->session.handle)) {
        xr_input_attach(&x->input, x->session.handle);
        return true;
    }
    xr_eyes_finish(&x->eyes);
    xr_session_finish(&x->session);
    return false;
}

static void close_session(struct display_xr *x)
{
    xr_eyes_finish(&x->eyes);
    xr_session_finish(&x->session);
    xr_pace_rest(&x->pace);
    x->stale = true; // the next session starts with what was seen last
}

// Waits without letting the film stand still. False: the viewer wants to leave.
static bool idle(struct display_xr *x, int64_t duration_ns)
{
    int64_t until_ns = clock_now_ns() + duration_ns;

    do {
        atomic_store(&x->alive_ns, clock_now_ns());
        pass_unseen(x, clock_now_ns());
        clock_sleep_until_ns(clock_now_ns() + IDLE_NS);
    } while (!atomic_load(&x->quit) && clock_now_ns() < until_ns);
    return !atomic_load(&x->quit);
}

// A new session in the place of a lost one. False: it is over.
static bool reopen_session(struct display_xr *x)
{
    bool lasted = clock_now_ns() - x->session_since_ns > LASTING_NS, unplugged = false;

    close_session(x);
    if (lasted)
        x->retries = 0;
    while (x->system->lost != XR_LOST_INSTANCE) {
        if (x->retries++ >= MAX_RETRIES) {
            log_error("headset: %s keeps losing the session: restart it", x->system->runtime_name);
            return false;
        }
        if (!idle(x, RETRY_NS))
            return false;
        x->system->lost = XR_LOST_NOTHING;
        if (xr_system_refresh(x->system) && open_session(x)) {
            log_info("headset: a new session replaces the lost one");
            return true;
        }
        if (x->system->unplugged) { // for as long as it may take
            if (!unplugged)
                log_warn("headset: none is connected to %s any more: connect it, the film goes on",
                         x->system->runtime_name);
            unplugged = true;
            x->retries = 0;
        }
    }
    log_warn("headset: %s is gone, or its GPU", x->system->runtime_name);
    return false;
}

static void explain_wait(struct display_xr *x)
{
    if (x->explained || clock_now_ns() - x->session_since_ns < PATIENCE_NS ||
        atomic_load(&x->state) != DISPLAY_STARTING)
        return;
    x->explained = true;
    log_info("headset: waiting for %s to start the session: put the headset on",
             x->system->runtime_name);
}

// One turn of the display thread. False: session or instance lost.
static bool turn(struct display_xr *x)
{
    atomic_store(&x->alive_ns, clock_now_ns());
    if (!xr_session_events(&x->session))
        return false;
    if (!x->session.running) {
        explain_wait(x);
        if (!x->session.ended)
            idle(x, IDLE_NS);
        return true;
    }
    if (atomic_load(&x->state) == DISPLAY_STARTING)
        atomic_store(&x->state, DISPLAY_RUNNING);
    return run_period(x);
}

// Until the session is over. How it ended.
static enum display_state run_sessions(struct display_xr *x)
{
    for (;;) {
        if (!turn(x) && !reopen_session(x))
            return DISPLAY_LOST;
        if (x->session.ended)
            return DISPLAY_ENDED;
        if (atomic_load(&x->quit) && !xr_session_leave(&x->session, clock_now_ns()))
            return DISPLAY_ENDED;
    }
}

static void display_main(void *user)
{
    struct display_xr *x = user;

    atomic_store(&x->state, run_sessions(x));
    close_session(x);
    xr_input_finish(&x->input);
    atomic_store(&x->done, true);
}

// --- the display, on the main thread

static void read_options(struct display_xr *x)
{
    const struct options *o = x->base.context.options;

    atomic_store(&x->width_m, (float)o->screen_width_m);
    atomic_store(&x->distance_m, (float)o->screen_distance_m);
}

static void say_silence(struct display_xr *x)
{
    bool silent = clock_now_ns() - atomic_load(&x->alive_ns) > SILENT_NS;

    if (silent && !x->silent)
        log_warn("headset: %s does not answer; what ends the film ends it all the same",
                 x->system->runtime_name);
    x->silent = silent;
}

static enum display_state xr_poll(struct display *display)
{
    struct display_xr *x = (struct display_xr *)display;

    read_options(x);
    say_silence(x);
    return (enum display_state)atomic_load(&x->state);
}

static void xr_command(struct display *display, int kind, double value)
{
    struct display_xr *x = (struct display_xr *)display;
    struct options *o = display->context.options;

    if (kind == COMMAND_RECENTER)
        atomic_store(&x->recenter, true);
    else if (kind == COMMAND_SCREEN_SIZE_BY)
        o->screen_width_m = fmin(fmax(o->screen_width_m * value, MIN_WIDTH_M), MAX_WIDTH_M);
}

// False: the runtime does not let go of the thread.
static bool end_thread(struct display_xr *x)
{
    int64_t until_ns = clock_now_ns() + XR_SESSION_LEAVE_NS + XR_SYSTEM_END_NS;

    atomic_store(&x->quit, true);
    while (x->thread.running && !atomic_load(&x->done) && clock_now_ns() < until_ns)
        clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
    if (x->thread.running && !atomic_load(&x->done))
        return false;
    thread_join(&x->thread);
    return true;
}

static void xr_destroy(struct display *display)
{
    struct display_xr *x = (struct display_xr *)display;

    if (!end_thread(x)) {
        xr_system_leave_behind(x->system);
        return;
    }
    if (display->context.first && x->counted != x->taken)
        atomic_fetch_add(&display->context.stats->frames_skipped, 1);
    close_session(x);
    xr_input_finish(&x->input);
    xr_copy_destroy(&x->copy);
    mem_free(x);
}

static const struct display_ops OPS = {
    .name = "xr",
    .poll = xr_poll,
    .destroy = xr_destroy,
    .command = xr_command,
};

struct display *display_xr_create(const struct display_context *context, struct xr_system *system)
{
    struct display_xr *x = mem_new(1, sizeof(*x));

    x->base.ops = &OPS;
    x->base.context = *context;
    x->system = system;
    x->period_ns = DEFAULT_PERIOD_NS;
    x->aspect = 16.0 / 9.0;
    atomic_init(&x->state, DISPLAY_STARTING);
    atomic_init(&x->alive_ns, clock_now_ns());
    read_options(x);
    system->lost = XR_LOST_NOTHING;
    x->copy = xr_copy_create(context->vk, context->frames, context->ring);
    if (!x->copy)
        goto fail;
    xr_input_init(&x->input, system, context->commands);
    if (!open_session(x))
        goto fail;
    if (!thread_start(&x->thread, "display", THREAD_PACING, display_main, x))
        goto fail;
    return &x->base;
fail:
    xr_destroy(&x->base);
    return NULL;
}
