#include <stdatomic.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/display.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"

struct display_null {
    struct display base;
    struct thread thread;
    atomic_bool stop;
};

static void run(void *user)
{
    struct display_null *d = user;
    struct display_context *c = &d->base.context;
    struct stereo_frame *f;

    // a restart after the last frame brings more: only the player knows when it is over
    while (!atomic_load(&d->stop)) {
        f = stereo_ring_next(c->ring);
        if (!f) {
            clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
            continue;
        }
        atomic_fetch_add_explicit(&c->stats->periods, 1, memory_order_relaxed);
        stats_frame_shown(c->stats, clock_now_ns());
        stereo_ring_release(c->ring, f);
    }
}

static enum display_state poll(struct display *display)
{
    return DISPLAY_RUNNING;
}

static void destroy(struct display *display)
{
    struct display_null *d = (struct display_null *)display;

    atomic_store(&d->stop, true);
    stereo_ring_stop(display->context.ring);
    thread_join(&d->thread);
    mem_free(d);
}

static const struct display_ops ops = {.name = "null", .poll = poll, .destroy = destroy};

struct display *display_null_create(const struct display_context *context)
{
    struct display_null *d = mem_new(1, sizeof(*d));

    d->base = (struct display){&ops, *context};
    if (!thread_start(&d->thread, "display", THREAD_NORMAL, run, d)) {
        mem_free(d);
        return NULL;
    }
    return &d->base;
}
