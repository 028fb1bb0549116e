#include "viewer/display_xr_pace.h"

// More than this many periods at once is not lateness but another clock or a sleeping computer.
#define MAX_JUMP 1000

void xr_pace_begin(struct xr_pace *p, int64_t display_ns, int64_t period_ns)
{
    int64_t jumped = 0;

    if (p->display_ns != 0)
        jumped = (display_ns - p->display_ns + period_ns / 2) / period_ns - 1;
    if (jumped < 0 || jumped > MAX_JUMP)
        jumped = 0;
    p->periods += 1 + jumped;
    p->late += jumped;
    if (jumped > 0 && p->submit_late)
        p->late--;
    p->display_ns = display_ns;
    p->period_ns = period_ns;
    p->submit_late = false;
}

void xr_pace_end(struct xr_pace *p, int64_t submitted_ns)
{
    p->submit_late = submitted_ns > p->display_ns - p->period_ns / 2;
    if (p->submit_late)
        p->late++;
}

void xr_pace_rest(struct xr_pace *p)
{
    p->display_ns = 0;
    p->submit_late = false;
}
