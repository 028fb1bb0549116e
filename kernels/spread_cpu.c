#include "kernels/spread.h"

#include <string.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

static void add_border(const struct spread_job *job, int first, int end, uint32_t *bins)
{
    for (int y = 0; y < job->height; y++)
        for (int x = first; x < end; x++)
            bins[spread_bin(job->nearness[(size_t)y * (size_t)job->width + (size_t)x])]++;
}

void KERNEL(spread)(const struct spread_job *job)
{
    int border = spread_border(job->width);
    struct spread *s = job->out;

    memset(s, 0, sizeof(*s));
    for (int y = 0; y < job->height; y++) {
        const float *row = job->nearness + (size_t)y * (size_t)job->width;
        for (int x = 0; x < job->width; x++) {
            int bin = spread_bin(row[x]);
            uint32_t least = order_key(-row[x]), most = order_key(row[x]);
            s->least = least > s->least ? least : s->least;
            s->most = most > s->most ? most : s->most;
            s->all[bin]++;
            s->subject[bin] += spread_weight(x, y, job->width, job->height);
        }
    }
    add_border(job, 0, border, s->border[0]);
    add_border(job, job->width - border, job->width, s->border[1]);
}
