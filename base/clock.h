// The one clock: int64 nanoseconds of CLOCK_MONOTONIC. Times of FFmpeg and OpenXR are converted at
// their borders.
//
// Thread-safety: safe.
#pragma once
#include <stdint.h>

#define NS_PER_US INT64_C(1000)
#define NS_PER_MS INT64_C(1000000)
#define NS_PER_S INT64_C(1000000000)
// "no time": smaller than any time.
#define CLOCK_NONE INT64_MIN

int64_t clock_now_ns(void);
// Returns at once where the time has passed.
void clock_sleep_until_ns(int64_t time_ns);
