#include "kernels/levels.h"

#include <math.h>
#include <stddef.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/variant.h"

#define RUN_PX 64

static inline float clamp01(float v)
{
    v = v > 0.0f ? v : 0.0f; // also for NaN
    return v < 1.0f ? v : 1.0f;
}

// A run of pixels: the loop over levels outside, so that the one over pixels reads memory in order.
static void run(const struct levels_job *job, size_t at, int count)
{
    size_t plane = (size_t)job->width * (size_t)job->height;
    float sum[RUN_PX] = {0}, mean[RUN_PX] = {0}, square[RUN_PX] = {0};
    float top = (float)(job->levels - 1);
    // variance of an even distribution over 0..1 with this many levels
    float even = (float)(job->levels + 1) / (12.0f * top);

    for (int k = 0; k < job->levels; k++) {
        const float *p = job->probability + (size_t)k * plane + at;
        float level = (float)k / top;
        for (int i = 0; i < count; i++) {
            sum[i] += p[i];
            mean[i] += p[i] * level;
            square[i] += p[i] * level * level;
        }
    }
    for (int i = 0; i < count; i++) {
        float norm = sum[i] > 1e-6f ? 1.0f / sum[i] : 0.0f;
        float m = mean[i] * norm, variance = square[i] * norm - m * m;
        variance = variance > 0.0f ? variance : 0.0f;
        job->nearness[at + (size_t)i] = job->near_first ? 1.0f - clamp01(m) : clamp01(m);
        job->sureness[at + (size_t)i] = norm > 0.0f ? clamp01(1.0f - sqrtf(variance / even)) : 0.0f;
    }
}

static void rows(void *user, int first, int end)
{
    const struct levels_job *job = user;

    for (int y = first; y < end; y++)
        for (int x = 0; x < job->width; x += RUN_PX)
            run(job, (size_t)y * (size_t)job->width + (size_t)x,
                job->width - x < RUN_PX ? job->width - x : RUN_PX);
}

void KERNEL(levels)(const struct levels_job *job)
{
    parallel_rows(job->height, job->threads, rows, (void *)job);
}
