#include "base/histogram.h"

#include <math.h>

#include "base/clock.h"

// bucket i holds durations around FLOOR_NS * GROWTH^i
#define FLOOR_NS 1000.0
#define GROWTH 1.02

void histogram_add(struct histogram *h, int64_t duration_ns)
{
    int i = 0;

    if (duration_ns > FLOOR_NS)
        i = (int)lround(log((double)duration_ns / FLOOR_NS) / log(GROWTH));
    if (i >= HISTOGRAM_BUCKETS)
        i = HISTOGRAM_BUCKETS - 1;
    atomic_fetch_add_explicit(&h->count[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->total, 1, memory_order_relaxed);
}

double histogram_ms(const struct histogram *h, double fraction)
{
    uint64_t total = atomic_load_explicit(&h->total, memory_order_relaxed), seen = 0;
    uint64_t wanted = (uint64_t)ceil(fraction * (double)total);

    for (int i = 0; i < HISTOGRAM_BUCKETS && total; i++) {
        seen += atomic_load_explicit(&h->count[i], memory_order_relaxed);
        if (seen && seen >= wanted)
            return FLOOR_NS * pow(GROWTH, i) / NS_PER_MS;
    }
    return 0;
}
