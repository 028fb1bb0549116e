#include "engine/stopwatch.h"

void stopwatch_init(struct stopwatch *w, const struct device *device)
{
    *w = (struct stopwatch){.device = device};
}

void stopwatch_finish(struct stopwatch *w)
{
    for (int i = 0; i < 2 * STOPWATCH_MOMENTS; i++)
        w->device->stamp_finish(&w->stamps[i / STOPWATCH_MOMENTS][i % STOPWATCH_MOMENTS]);
}

void stopwatch_begin(struct stopwatch *w)
{
    w->now = !w->now;
    w->done[w->now] = false;
    stopwatch_stamp(w, STOPWATCH_BEGUN);
}

void stopwatch_stamp(struct stopwatch *w, enum stopwatch_moment moment)
{
    w->device->stamp(&w->stamps[w->now][moment]);
}

static int64_t between_ns(const struct stopwatch *w, int which, enum stopwatch_moment from,
                          enum stopwatch_moment to)
{
    return w->device->between_ns(&w->stamps[which][from], &w->stamps[which][to]);
}

static void read(struct stopwatch *w, int which)
{
    if (!w->done[which])
        return;
    w->timing = (struct deep3d_timing){
        .prepare_ns = between_ns(w, which, STOPWATCH_BEGUN, STOPWATCH_PREPARED),
        .network_ns =
            w->network[which] ? between_ns(w, which, STOPWATCH_PREPARED, STOPWATCH_ANSWERED) : 0,
        .network_size = w->size[which],
        // what is found to be flat in it is looked for last
        .filter_ns = between_ns(w, which, STOPWATCH_ANSWERED, STOPWATCH_FILTERED) +
                     between_ns(w, which, STOPWATCH_DRAWN, STOPWATCH_DONE),
        .synthesis_ns = between_ns(w, which, STOPWATCH_FILTERED, STOPWATCH_DRAWN),
    };
}

void stopwatch_waited(struct stopwatch *w)
{
    if (w->device->gpu)
        read(w, !w->now);
}

void stopwatch_end(struct stopwatch *w, bool network, int size)
{
    stopwatch_stamp(w, STOPWATCH_DONE);
    w->done[w->now] = true;
    w->network[w->now] = network;
    w->size[w->now] = size;
    if (!w->device->gpu)
        read(w, w->now);
}
