#include <math.h>
#include <stddef.h>

#include "kernels/carry_math.h"
#include "kernels/columns.h"
#include "kernels/variant.h"

static inline int clamp(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static void move_row(const struct carry_job *job, int y)
{
    size_t plane = (size_t)job->width * (size_t)job->height;
    const struct motion_vector *cells = job->cells + y / MOTION_CELL_PX * motion_cells(job->width);

    for (int x = 0; x < job->width; x++) {
        struct motion_vector v = cells[x / MOTION_CELL_PX];
        size_t to = (size_t)y * (size_t)job->width + (size_t)x;
        size_t from = (size_t)clamp(y + v.y, job->height - 1) * (size_t)job->width +
                      (size_t)clamp(x + v.x, job->width - 1);
        job->moved_past[to] = job->past[from];
        for (size_t c = 0; c < 3; c++)
            job->moved_guide[to + c * plane] = job->old_guide[from + c * plane];
    }
}

static struct carry_sums sums_of_row(const struct carry_job *job, int y)
{
    size_t plane = (size_t)job->width * (size_t)job->height, at = (size_t)y * (size_t)job->width;
    const float *now = job->nearness + at, *past = job->moved_past + at;
    const float *green = job->guide + plane + at, *moved_green = job->moved_guide + plane + at;
    struct carry_sums s = {0};

    for (int i = 0; i < job->width; i++) {
        long long same = fabsf(green[i] - moved_green[i]) < job->still;
        long long a = same * carry_whole(now[i]), b = carry_whole(past[i]);
        s.n += (unsigned long long)same;
        s.x += a;
        s.y += same * b;
        s.xx += a * a;
        s.xy += a * b;
    }
    return s;
}

void KERNEL(carry)(const struct carry_job *job)
{
    struct carry_sums sums = {0};

    for (int y = 0; y < job->height; y++) {
        move_row(job, y);
        if (job->nearness == NULL)
            continue;
        struct carry_sums row = sums_of_row(job, y);
        sums.n += row.n;
        sums.x += row.x;
        sums.y += row.y;
        sums.xx += row.xx;
        sums.xy += row.xy;
    }
    if (job->nearness != NULL)
        *job->sums = sums;
}
