// The headset's refresh rate for a film: a multiple of the film's frame rate, where the runtime
// lets us choose (XR_FB_display_refresh_rate), so that every frame is seen equally long.
//
// Thread-safety: none; one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// Frames in an even rhythm before it is believed: enough to even out time stamps in milliseconds.
#define XR_RATE_FRAMES 48

// All-zero: nothing known.
struct xr_rate {
    int64_t first_pts_ns, last_pts_ns;
    int frames; // from first to last, those not shown included
};

// A new frame was shown. True when the film's rate has become known (again, after a seek or in
// another film); *out_fps is it. A film without an even rhythm has no rate.
bool xr_rate_add(struct xr_rate *r, int64_t pts_ns, int64_t duration_ns, double *out_fps);
// The rate to ask for, in Hz: the multiple of fps nearest to the one at hand. 0: leave it as it is,
// because it is a multiple, or none is.
float xr_rate_choose(const float *rates, int count, double fps, double current);
