#include "engine/range.h"

#include <math.h>
#include <string.h>

#define BINS 1024
#define TAIL 0.02
// The part of the way to a new range that is gone with each picture: half of it in about 10.
#define FOLLOW 0.07f

void range_reset(struct range *r)
{
    *r = (struct range){0};
}

// The value below which a part of the histogram lies, within a bin.
static float percentile(const unsigned *bins, size_t total, double part, float least, float width)
{
    double wanted = part * (double)total, below = 0;

    for (int i = 0; i < BINS; i++) {
        if (bins[i] > 0 && below + bins[i] >= wanted)
            return least + width * ((float)i + (float)((wanted - below) / bins[i]));
        below += bins[i];
    }
    return least + width * BINS;
}

static bool measure(const float *values, size_t count, float *low, float *high)
{
    unsigned bins[BINS];
    float least = INFINITY, most = -INFINITY, width;
    size_t total = 0;

    memset(bins, 0, sizeof(bins));
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            least = values[i] < least ? values[i] : least;
            most = values[i] > most ? values[i] : most;
        }
    width = (most - least) / BINS;
    if (!(width > 0) || !isfinite(width))
        return false;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) {
            int bin = (int)((values[i] - least) / width);
            bins[bin < BINS ? bin : BINS - 1]++;
            total++;
        }
    *low = percentile(bins, total, TAIL, least, width);
    *high = percentile(bins, total, 1 - TAIL, least, width);
    return *high > *low;
}

void range_normalise(struct range *r, const float *values, size_t count, float *out_nearness)
{
    float low, high, scale;

    if (measure(values, count, &low, &high)) {
        float part = r->known ? FOLLOW : 1.0f;
        r->low += part * (low - r->low);
        r->high += part * (high - r->high);
        r->known = true;
    }
    scale = r->known ? 1.0f / (r->high - r->low) : 0.0f;
    for (size_t i = 0; i < count; i++) {
        float v = isfinite(values[i]) ? (values[i] - r->low) * scale : 0.0f;
        v = r->known ? v : 0.5f;
        out_nearness[i] = v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
    }
}
