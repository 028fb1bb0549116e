#include "viewer/display_xr_rate.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

// 24 fps in 72 Hz of a film of 23.976: one frame in 40 s is seen a period too long. That is let
// pass, as is rounding in time stamps.
#define TOLERANCE 0.002
// Frames missing between two that were shown, before it counts as a jump.
#define MAX_SKIP 8
// Below that it is a slide show, and any rate does.
#define MIN_FPS 10.0
// In Hz; wide fields of view flicker visibly below.
#define MIN_RATE 70.0

// How many frames of this duration lie in the step; 0: it is no whole number of them.
static int whole_frames(int64_t step_ns, int64_t duration_ns)
{
    int64_t count;

    if (duration_ns <= 0 || step_ns <= 0)
        return 0;
    count = (step_ns + duration_ns / 2) / duration_ns;
    if (count < 1 || count > MAX_SKIP)
        return 0;
    // durations and time stamps are both rounded to milliseconds in some containers
    return llabs(step_ns - count * duration_ns) <= (count + 1) * NS_PER_MS ? (int)count : 0;
}

bool xr_rate_add(struct xr_rate *r, int64_t pts_ns, int64_t duration_ns, double *out_fps)
{
    int count = whole_frames(pts_ns - r->last_pts_ns, duration_ns);
    bool known = r->frames >= XR_RATE_FRAMES;
    double fps;

    r->last_pts_ns = pts_ns;
    if (count == 0) {
        r->first_pts_ns = pts_ns;
        r->frames = 0;
        return false;
    }
    if (known)
        return false;
    r->frames += count;
    if (r->frames < XR_RATE_FRAMES)
        return false;
    fps = r->frames * (double)NS_PER_S / (double)(pts_ns - r->first_pts_ns);
    if (fps < MIN_FPS)
        return false;
    *out_fps = fps;
    return true;
}

static bool multiple(double rate, double fps)
{
    double times = rate / fps;

    return times > 0.5 && fabs(times - round(times)) <= TOLERANCE * times;
}

float xr_rate_choose(const float *rates, int count, double fps, double current)
{
    float best = 0;

    if (multiple(current, fps))
        return 0;
    for (int i = 0; i < count; i++)
        if (rates[i] >= MIN_RATE && multiple(rates[i], fps) &&
            (best == 0 || fabs(rates[i] - current) < fabs(best - current)))
            best = rates[i];
    return best;
}
