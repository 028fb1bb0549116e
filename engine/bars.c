#include "engine/bars.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "kernels/edges_math.h"

// So far may a bar's edge be blurred.
#define SOFT_PX 2

struct edge {
    int lit;  // the first lit line; the widest bar where there is none
    int dark; // the lines before it that are dark
};

static struct edge edge_of(const struct edges_side_lines *s, int lines)
{
    if (s->lit == 0)
        return (struct edge){lines, -SOFT_PX - 1};
    return (struct edge){lines - (int)s->lit, lines - (int)s->not_dark};
}

static void follow(struct bars *b, int side, struct edge e)
{
    bool straight = e.lit - e.dark <= SOFT_PX;

    if (e.lit < b->bar[side])
        b->bar[side] = e.lit; // the picture reaches further out than it was known to
    if (!straight || abs(e.lit - b->seen[side]) > 1) {
        b->seen[side] = e.lit;
        b->times[side] = 0;
    }
    if (b->doubted[side] && e.dark + SOFT_PX < b->bar[side])
        b->bar[side] = e.dark > 0 ? e.dark : 0;
    if (!straight || ++b->times[side] < BARS_PICTURES)
        return;
    b->doubted[side] = false;
    if (e.lit > b->bar[side])
        b->bar[side] = e.lit;
}

void bars_doubt(struct bars *b)
{
    for (int side = 0; side < EDGES_SIDES; side++)
        b->doubted[side] = true;
}

void bars_feed(struct bars *b, int width, int height, const struct edges *edges)
{
    bool nothing = true;

    if (width != b->width || height != b->height)
        *b = (struct bars){.width = width, .height = height};
    for (int side = 0; side < EDGES_SIDES; side++)
        nothing = nothing && edges->side[side].lit == 0;
    for (int side = 0; side < EDGES_SIDES && !nothing; side++)
        follow(b, side, edge_of(&edges->side[side], edges_lines(width, height, side)));
}

struct synth_inner bars_inner(const struct bars *b, int width, int height)
{
    if (width != b->width || height != b->height)
        return (struct synth_inner){0, 0, width, height};
    return (struct synth_inner){b->bar[EDGES_LEFT], b->bar[EDGES_TOP], width - b->bar[EDGES_RIGHT],
                                height - b->bar[EDGES_BOTTOM]};
}

// The first cell that lies wholly within the bar's end, seen from the bar's side.
static int cells(int bar, int picture, int count)
{
    return bar > 0 ? (int)(((long)bar * count + picture - 1) / picture) + 1 : 0;
}

struct press_job bars_cover(const struct bars *b, int width, int height)
{
    struct press_job job = {
        .width = width,
        .height = height,
        .left = cells(b->bar[EDGES_LEFT], b->width, width),
        .top = cells(b->bar[EDGES_TOP], b->height, height),
        .right = width - 1 - cells(b->bar[EDGES_RIGHT], b->width, width),
        .bottom = height - 1 - cells(b->bar[EDGES_BOTTOM], b->height, height),
        .low = -INFINITY,
        .high = INFINITY,
    };

    if (job.left <= job.right && job.top <= job.bottom)
        return job;
    job.left = job.top = 0; // bars alone
    job.right = width - 1;
    job.bottom = height - 1;
    return job;
}
