// Percentiles of durations without keeping the samples: logarithmic buckets, 2 % wide, from 1 us to
// over an hour.
//
// Thread-safety: one writer and any number of readers.
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 1152

struct histogram {
    _Atomic uint32_t count[HISTOGRAM_BUCKETS]; // all-zero: empty
    _Atomic uint64_t total;
};

// Negative durations count as zero.
void histogram_add(struct histogram *h, int64_t duration_ns);
// fraction: 0..1. In milliseconds, within 1 %; 0 where the histogram is empty.
double histogram_ms(const struct histogram *h, double fraction);
