#include "viewer/governing.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "viewer/stats_governor.h"

static void apply(struct governing *g)
{
    struct deep3d_effort effort = governor_effort(&g->governor);

    deep3d_set_effort(g->converter, &effort);
}

static void begin(struct governing *g, const struct deep3d_size *sizes, int count)
{
    g->known = true;
    memcpy(g->sizes, sizes, sizeof(g->sizes));
    governor_init(&g->governor, sizes, count);
    apply(g);
    g->stats->on = 1;
    for (int i = 0; i < g->governor.steps; i++) {
        struct deep3d_effort effort = g->governor.efforts[i];

        g->stats->steps[i].width = sizes[effort.size].width;
        g->stats->steps[i].height = sizes[effort.size].height;
        g->stats->steps[i].every = effort.every;
    }
}

// A film may change its size, or a size turn out to be none.
static void look_at_sizes(struct governing *g)
{
    struct deep3d_size sizes[DEEP3D_SIZES_MAX] = {{0}};
    int count = deep3d_sizes(g->converter, sizes);

    if (count > 0 && (!g->known || memcmp(sizes, g->sizes, sizeof(sizes)) != 0))
        begin(g, sizes, count);
}

static void say(const struct governing *g, double load, double interval_ms)
{
    static const char *const seldom[] = {"each", "each", "every second", "every third"};
    struct deep3d_effort effort = governor_effort(&g->governor);
    struct deep3d_size size = g->sizes[effort.size];

    log_info("governor: a picture took %.0f of %.0f ms; the network sees %s picture at %dx%d now",
             load * interval_ms, interval_ms, seldom[effort.every], size.width, size.height);
}

static void changed(struct governing *g, double load)
{
    g->stats->changes++;
    say(g, load, g->governor.interval_ns / NS_PER_MS);
    apply(g);
}

void governing_converted(struct governing *g, int64_t took_ns, int64_t interval_ns)
{
    struct deep3d_timing t = deep3d_last_timing(g->converter);
    struct governor_picture p = {.now_ns = clock_now_ns(),
                                 .interval_ns = interval_ns,
                                 .network_ns = t.network_ns,
                                 .network_size = t.network_size,
                                 // a GPU times the network in the picture before
                                 .other_ns = took_ns > t.network_ns ? took_ns - t.network_ns : 0};
    double load;

    if (!g->on)
        return;
    look_at_sizes(g);
    if (!g->known)
        return;
    g->stats->steps[g->governor.step].frames++;
    load = governor_load(&g->governor, g->governor.step);
    if (governor_add(&g->governor, &p))
        changed(g, load);
}

void governing_late(struct governing *g)
{
    double load = governor_load(&g->governor, g->governor.step);

    if (g->on && g->known && governor_late(&g->governor, clock_now_ns()))
        changed(g, load);
}
