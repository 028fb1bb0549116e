// Counts the headset's display periods, and those that had to do without a picture of ours.
//
// A period is the time for which the headset shows one picture. It is late when no submit of ours
// was in time for it:
//
// - its own submit (xrEndFrame) returned after the period had begun. The predicted display time is
//   the middle of the period, so that is half a period earlier; what the compositor needs for
//   itself before it, no runtime tells.
// - or the runtime gave it to nobody: the predicted display time jumped over it.
//
// A late submit and the jump that it causes are the same period and count once. Only periods in
// which the runtime wants pictures (shouldRender) count: while the headset lies on the table it may
// take what time it likes.
//
// Thread-safety: none; one thread. Times on any one clock.
#pragma once
#include <stdbool.h>
#include <stdint.h>

// All-zero: no period yet.
struct xr_pace {
    int64_t display_ns; // of the period before; 0: none
    int64_t period_ns;
    bool submit_late; // that one's own submit, counted already
    int64_t periods, late;
};

// A period begins: xrWaitFrame returned, shouldRender is set. period_ns > 0.
void xr_pace_begin(struct xr_pace *p, int64_t display_ns, int64_t period_ns);
// Its submit returned.
void xr_pace_end(struct xr_pace *p, int64_t submitted_ns);
// The runtime wants no pictures for now: what passes until the next begin is not counted.
void xr_pace_rest(struct xr_pace *p);
