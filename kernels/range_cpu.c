#include <string.h>

#include "kernels/columns.h"
#include "kernels/range_math.h"
#include "kernels/variant.h"

static void fill_bins(const struct range_job *job, int step)
{
    struct range_end *ends = job->range->ends;

    for (int high = 0; high < 2; high++)
        memset(ends[high].bins, 0, sizeof(ends[high].bins));
    for (int i = 0; i < job->count; i++)
        for (int high = 0; high < 2; high++) {
            int bin = range_bin(job->values[i], &ends[high], step);
            if (bin >= 0)
                ends[high].bins[bin]++;
        }
}

static uint32_t sum(const uint32_t *bins)
{
    uint32_t total = 0;

    for (int i = 0; i < RANGE_BINS; i++)
        total += bins[i];
    return total;
}

static void find_bin(struct range_end *end)
{
    uint32_t below = 0;

    for (int i = 0; i < RANGE_BINS; below += end->bins[i++])
        if (end->rank < below + end->bins[i]) {
            range_enter(end, i, below);
            return;
        }
}

static void measure(const struct range_job *job)
{
    struct range *r = job->range;

    r->ends[0].begin = r->ends[1].begin = 0;
    for (int step = 0; step < RANGE_STEPS; step++) {
        fill_bins(job, step);
        for (int high = 0; high < 2; high++) {
            if (step == 0)
                r->ends[high].rank = range_rank(high, sum(r->ends[high].bins));
            find_bin(&r->ends[high]);
        }
    }
    range_follow(r);
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
