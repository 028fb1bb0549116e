#include "viewer/display_xr_time.h"

#include <assert.h>
#include <string.h>

void xr_time_add(struct xr_time *t, int64_t predicted_ns, int64_t returned_ns)
{
    t->leads[t->next] = predicted_ns - returned_ns;
    t->next = (t->next + 1) % XR_TIME_SAMPLES;
    if (t->count < XR_TIME_SAMPLES)
        t->count++;
}

static int64_t median(const struct xr_time *t)
{
    int64_t sorted[XR_TIME_SAMPLES];

    // insertion sort: 63 nearly equal values, once a frame
    for (int i = 0; i < t->count; i++) {
        int64_t value = t->leads[i];
        int at = i;

        for (; at > 0 && sorted[at - 1] > value; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = value;
    }
    return sorted[t->count / 2];
}

int64_t xr_time_convert(const struct xr_time *t, int64_t xr_ns, int64_t period_ns)
{
    int64_t lead = median(t);

    assert(t->count > 0);
    if (lead >= 0 && lead <= XR_TIME_SAME_CLOCK_NS)
        return xr_ns;
    return xr_ns - lead + (int64_t)(XR_TIME_LEAD_PERIODS * (double)period_ns);
}
