#include "kernels/steady.h"

#include <math.h>
#include <stddef.h>

#include "base/parallel.h"
#include "kernels/carry_math.h"
#include "kernels/columns.h"
#include "kernels/variant.h"

#define RUN_PX 128

static inline float change_at(const struct steady_job *job, size_t at, size_t plane)
{
    float r = fabsf(job->guide[at] - job->old_guide[at]);
    float g = fabsf(job->guide[at + plane] - job->old_guide[at + plane]);
    float b = fabsf(job->guide[at + 2 * plane] - job->old_guide[at + 2 * plane]);
    float most = r > g ? r : g;

    return most > b ? most : b;
}

// Sums over three rows for columns x-1..x+count, clamped at the borders: sum[i] belongs to column x
// - 1 + i.
static void column_sums(const struct steady_job *job, int y, int x, int count, float *restrict sum)
{
    size_t plane = (size_t)job->width * (size_t)job->height;
    int from = x > 0 ? x - 1 : 0, to = x + count < job->width ? x + count : job->width - 1;
    float *out = sum + (from - (x - 1));

    for (int i = 0; i < to - from + 1; i++)
        out[i] = 0.0f;
    for (int dy = -1; dy <= 1; dy++) {
        int row = y + dy < 0 ? 0 : y + dy >= job->height ? job->height - 1 : y + dy;
        size_t at = (size_t)row * (size_t)job->width + (size_t)from;
        for (int i = 0; i < to - from + 1; i++)
            out[i] += change_at(job, at + (size_t)i, plane);
    }
    if (x == 0)
        sum[0] = sum[1];
    if (x + count == job->width)
        sum[count + 1] = sum[count];
}

// The answer on the past's scale and shift.
static void align(const struct steady_job *job, size_t at, int count, float *restrict out)
{
    const float *restrict in = job->nearness + at;
    struct carry_fit fit =
        carry_fit_of(job->sums, (long long)job->width * job->height, job->breath);

    for (int i = 0; i < count; i++) {
        float v = in[i] * fit.scale + fit.shift;
        out[i] = v < 0 ? 0 : v > 1 ? 1 : v;
    }
}

static void run(const struct steady_job *job, int y, int x, int count)
{
    float sum[RUN_PX + 2], aligned[RUN_PX], slope = 1.0f / (job->moving - job->still);
    size_t at = (size_t)y * (size_t)job->width + (size_t)x;
    const float *near = job->nearness + at;

    if (job->sums != NULL) {
        align(job, at, count, aligned);
        near = aligned;
    }

    column_sums(job, y, x, count, sum);
    for (int i = 0; i < count; i++) {
        float change = (sum[i] + sum[i + 1] + sum[i + 2]) * (1.0f / 9.0f);
        float moved = (change - job->still) * slope;
        moved = moved > 0.0f ? moved : 0.0f;
        moved = moved < 1.0f ? moved : 1.0f;
        float rest = job->rest;
        if (job->sureness != NULL)
            rest *= 0.5f + job->sureness[at + (size_t)i];
        float part = rest + (1.0f - rest) * moved;
        job->past[at + (size_t)i] += part * (near[i] - job->past[at + (size_t)i]);
    }
}

static void rows(void *user, int first, int end)
{
    const struct steady_job *job = user;

    for (int y = first; y < end; y++)
        for (int x = 0; x < job->width; x += RUN_PX)
            run(job, y, x, job->width - x < RUN_PX ? job->width - x : RUN_PX);
}

void KERNEL(steady)(const struct steady_job *job)
{
    parallel_rows(job->height, job->threads, rows, (void *)job);
}
