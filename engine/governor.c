#include "engine/governor.h"

#include "base/clock.h"

// The part of the film's time that conversion may take: the rest is the decoder's and the system's.
#define TOO_MUCH 0.92
// A step down must be foretold to take no more than this, a step up likewise.
#define ENOUGH 0.85
#define TO_SPARE 0.75
#define OVER_NS (400 * NS_PER_MS)
// After a step costs are learnt anew for so long.
#define SETTLE_NS (600 * NS_PER_MS)
#define PATIENCE_NS (4 * NS_PER_S)
#define PATIENCE_MOST_NS (60 * NS_PER_S)
// A step up that is taken back sooner was a mistake; one that lasts longer makes up for earlier
// ones.
#define LASTING_NS (20 * NS_PER_S)
// So many late pictures, each within this time after the one before, are too many.
#define LATE_MANY 3
#define LATE_NS (700 * NS_PER_MS)
#define SMOOTH 0.125
#define OUTLIER 3
#define SLOWEST 3

static void add_step(struct governor *g, int size, int every, double part)
{
    if (g->steps == GOVERNOR_STEPS)
        return;
    g->efforts[g->steps] = (struct deep3d_effort){.size = size, .every = every};
    g->patience_ns[g->steps] = PATIENCE_NS;
    g->parts[g->steps++] = part;
}

void governor_init(struct governor *g, const struct deep3d_size *sizes, int count)
{
    double full = (double)sizes[0].width * sizes[0].height, part = 1;

    *g = (struct governor){.over_since_ns = CLOCK_NONE,
                           .spare_since_ns = CLOCK_NONE,
                           .settled_ns = CLOCK_NONE,
                           .raised_ns = CLOCK_NONE,
                           .late_ns = CLOCK_NONE};
    for (int i = 0; i < count; i++) {
        part = sizes[i].width * sizes[i].height / full;
        add_step(g, i, 1, part); // step i, as learn() has it
    }
    for (int every = 2; every <= SLOWEST; every++)
        add_step(g, count - 1, every, part / every);
}

struct deep3d_effort governor_effort(const struct governor *g)
{
    return g->efforts[g->step];
}

double governor_load(const struct governor *g, int step)
{
    if (g->interval_ns <= 0)
        return 0;
    return (g->other_ns + g->network_ns * g->parts[step]) / g->interval_ns;
}

// A picture that took far longer than others tells of something else than its work.
static void smooth(double *value, double now)
{
    if (now > *value * OUTLIER)
        now = *value * OUTLIER;
    *value += SMOOTH * (now - *value);
}

static void learn(struct governor *g, const struct governor_picture *p)
{
    double network_ns = (double)p->network_ns / g->parts[p->network_size];

    g->interval_ns = (double)p->interval_ns;
    if (g->other_ns <= 0)
        g->other_ns = (double)p->other_ns;
    else
        smooth(&g->other_ns, (double)p->other_ns);
    if (g->network_ns <= 0)
        g->network_ns = network_ns;
    else if (network_ns > 0)
        smooth(&g->network_ns, network_ns);
}

static bool go_to(struct governor *g, int step, int64_t now_ns)
{
    g->step = step;
    g->over_since_ns = g->spare_since_ns = g->late_ns = CLOCK_NONE;
    g->settled_ns = now_ns + SETTLE_NS;
    g->late = 0;
    return true;
}

// To the best step that is foretold to suffice, at least one down.
static bool lower(struct governor *g, int64_t now_ns)
{
    int64_t *patience_ns = &g->patience_ns[g->step];
    int step = g->step + 1;

    if (step >= g->steps)
        return false;
    while (step + 1 < g->steps && governor_load(g, step) > ENOUGH)
        step++;
    if (g->raised_ns != CLOCK_NONE && now_ns - g->raised_ns < LASTING_NS)
        *patience_ns = *patience_ns * 2 < PATIENCE_MOST_NS ? *patience_ns * 2 : PATIENCE_MOST_NS;
    g->raised_ns = CLOCK_NONE;
    return go_to(g, step, now_ns);
}

static bool raise_step(struct governor *g, int64_t now_ns)
{
    g->raised_ns = now_ns;
    return go_to(g, g->step - 1, now_ns);
}

// True once it has been so for that long.
static bool lasts(int64_t *since_ns, bool so, int64_t now_ns, int64_t duration_ns)
{
    if (!so)
        *since_ns = CLOCK_NONE;
    else if (*since_ns == CLOCK_NONE)
        *since_ns = now_ns;
    return so && now_ns - *since_ns >= duration_ns;
}

bool governor_add(struct governor *g, const struct governor_picture *p)
{
    int64_t now = p->now_ns;

    if (g->settled_ns == CLOCK_NONE) { // the first picture takes longer than all others
        g->settled_ns = now + SETTLE_NS;
        return false;
    }
    learn(g, p);
    if (p->network_ns > 0 && p->network_size != g->efforts[g->step].size)
        g->settled_ns = now + SETTLE_NS; // what was asked for is still being planned
    if (now < g->settled_ns)
        return false;
    if (g->raised_ns != CLOCK_NONE && now - g->raised_ns >= LASTING_NS) {
        g->raised_ns = CLOCK_NONE;
        g->patience_ns[g->step] = PATIENCE_NS;
    }
    if (lasts(&g->over_since_ns, governor_load(g, g->step) > TOO_MUCH, now, OVER_NS))
        return lower(g, now);
    bool spare = g->step > 0 && governor_load(g, g->step - 1) < TO_SPARE;
    if (lasts(&g->spare_since_ns, spare, now, g->patience_ns[g->step - spare]))
        return raise_step(g, now);
    return false;
}

bool governor_late(struct governor *g, int64_t now_ns)
{
    g->late = g->late_ns != CLOCK_NONE && now_ns - g->late_ns < LATE_NS ? g->late + 1 : 1;
    g->late_ns = now_ns;
    g->spare_since_ns = CLOCK_NONE;
    if (g->late < LATE_MANY || g->settled_ns == CLOCK_NONE || now_ns < g->settled_ns)
        return false;
    return lower(g, now_ns);
}
