#include "viewer/source_timing.h"

#include "base/clock.h"

// A picture that would be shown for longer has a damaged successor: even a recorded screen changes
// more often.
#define GAP_MAX_NS (3600 * NS_PER_S)
// No picture says truly that it lasts longer: the longest that an image can be asked to.
#define DURATION_MAX_NS (86400 * NS_PER_S)

void timing_init(struct timing *t, int64_t usual_ns)
{
    *t = (struct timing){.usual_ns = usual_ns};
    timing_reset(t);
}

void timing_reset(struct timing *t)
{
    t->previous_ns = t->held_ns = CLOCK_NONE;
    t->held_duration_ns = 0;
    t->lasted_ns = 0;
}

// How long the waiting picture lasts where its successor does not tell.
static int64_t assumed_ns(const struct timing *t)
{
    if (t->held_duration_ns > 0)
        return t->held_duration_ns;
    return t->lasted_ns > 0 ? t->lasted_ns : t->usual_ns;
}

// A time stamp that is not behind the waiting picture's.
static int64_t repaired(struct timing *t, int64_t pts_ns)
{
    if (pts_ns == CLOCK_NONE || pts_ns - t->held_ns > GAP_MAX_NS)
        return t->held_ns + assumed_ns(t);
    if (pts_ns > t->held_ns)
        return pts_ns;
    // Which of the two is wrong? Where the new one fits behind the picture before, it was the
    // waiting one that was too late.
    if (t->previous_ns != CLOCK_NONE && pts_ns - t->previous_ns > 1) {
        t->held_ns = t->previous_ns + (pts_ns - t->previous_ns) / 2;
        return pts_ns;
    }
    return t->held_ns + assumed_ns(t);
}

bool timing_next(struct timing *t, int64_t pts_ns, int64_t duration_ns, int64_t *out_pts_ns,
                 int64_t *out_duration_ns)
{
    bool complete = t->held_ns != CLOCK_NONE;

    if (complete) {
        int64_t begin_ns = repaired(t, pts_ns);

        t->lasted_ns = begin_ns - t->held_ns;
        *out_pts_ns = t->previous_ns = t->held_ns;
        *out_duration_ns = t->lasted_ns;
        t->held_ns = begin_ns;
    } else {
        t->held_ns = pts_ns == CLOCK_NONE ? 0 : pts_ns;
    }
    t->held_duration_ns = duration_ns <= DURATION_MAX_NS ? duration_ns : 0;
    return complete;
}

bool timing_last(struct timing *t, int64_t *out_pts_ns, int64_t *out_duration_ns)
{
    if (t->held_ns == CLOCK_NONE)
        return false;
    *out_pts_ns = t->held_ns;
    *out_duration_ns = assumed_ns(t);
    timing_reset(t);
    return true;
}

int64_t timing_held_ns(const struct timing *t)
{
    return t->held_ns;
}
