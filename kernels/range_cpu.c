#include <string.h>

#include "kernels/columns.h"
#include "kernels/range_math.h"
#include "kernels/variant.h"

static float percentile(const struct range *r, uint32_t total, double part, float width)
{
    double wanted = part * (double)total;
    float least = -order_value(r->least);
    uint32_t below = 0;

    for (int i = 0; i < RANGE_BINS; i++) {
        if (range_holds(r->bins[i], below, wanted))
            return range_value(i, r->bins[i], below, wanted, least, width);
        below += r->bins[i];
    }
    return least; // none: there is nothing in the bins
}

static void find_ends(const struct range_job *job)
{
    struct range *r = job->range;

    r->least = r->most = 0;
    for (int i = 0; i < job->count; i++) {
        float v = job->values[i];
        uint32_t least = order_key(-v), most = order_key(v);
        if (!range_finite(v))
            continue;
        r->least = least > r->least ? least : r->least;
        r->most = most > r->most ? most : r->most;
    }
}

static void measure(const struct range_job *job)
{
    struct range *r = job->range;
    uint32_t total = 0;

    find_ends(job);
    float least = -order_value(r->least), width = range_width(r);
    if (!(width > 0) || !range_finite(width))
        return;
    memset(r->bins, 0, sizeof(r->bins));
    for (int i = 0; i < job->count; i++)
        if (range_finite(job->values[i])) {
            r->bins[range_bin(job->values[i], least, width)]++;
            total++;
        }
    range_follow(r, percentile(r, total, RANGE_TAIL, width),
                 percentile(r, total, 1 - RANGE_TAIL, width));
}

void KERNEL(range)(const struct range_job *job)
{
    struct range *r = job->range;

    if (job->fresh)
        memset(r, 0, sizeof(*r));
    measure(job);
    float low = r->low, scale = range_scale(r);
    bool known = r->known != 0;
    for (int i = 0; i < job->count; i++)
        job->out[i] = range_nearness(known, low, scale, job->values[i]);
}
