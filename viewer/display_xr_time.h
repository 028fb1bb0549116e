// From the runtime's clock (XrTime) to ours (base/clock.h).
//
// A runtime with XR_KHR_convert_timespec_time is asked: it converts to CLOCK_MONOTONIC, which is
// our clock. Others (SteamVR among them) keep their clock to themselves; it is found out from pairs
// of (predicted display time, moment at which xrWaitFrame returned):
//
//   lead = predicted - returned = offset of the clocks + time from wake-up to display
//
// The median of the last XR_TIME_SAMPLES leads is taken, so that neither a late wake-up (lead too
// small) nor a first frame that was not throttled (lead too large) counts. Then
//
// - median within 0..XR_TIME_SAME_CLOCK_NS: both count CLOCK_MONOTONIC, as most runtimes on Linux
//   do; the offset is 0. Two unrelated clocks agree so closely by chance only.
// - else the offset is median - XR_TIME_LEAD_PERIODS periods: runtimes wake the application one to
//   two periods before the display, so that the error stays within half a period.
//
// Thread-safety: none; one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define XR_TIME_SAMPLES 63
#define XR_TIME_SAME_CLOCK_NS (150 * INT64_C(1000000))
#define XR_TIME_LEAD_PERIODS 1.5

// All-zero: nothing known yet.
struct xr_time {
    int64_t leads[XR_TIME_SAMPLES]; // the latest ones, in no order
    int count, next;
};

// One xrWaitFrame: predicted_ns on the runtime's clock, returned_ns on ours.
void xr_time_add(struct xr_time *t, int64_t predicted_ns, int64_t returned_ns);
// Our clock's moment for a moment of the runtime's. At least one sample has been added.
int64_t xr_time_convert(const struct xr_time *t, int64_t xr_ns, int64_t period_ns);
