#include "kernels/carry_math.h"
#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel. It sums in the order of the CPU: rows within a column first.
#define BLOCK_X 32
#define BLOCK_Y 8

static __device__ float change_at(const struct steady_job &job, size_t at, size_t plane)
{
    float r = fabsf(job.guide[at] - job.old_guide[at]);
    float g = fabsf(job.guide[at + plane] - job.old_guide[at + plane]);
    float b = fabsf(job.guide[at + 2 * plane] - job.old_guide[at + 2 * plane]);
    float most = r > g ? r : g;

    return most > b ? most : b;
}

static __device__ float column_sum(const struct steady_job &job, int x, int y, size_t plane)
{
    float sum = 0.0f;

    for (int dy = -1; dy <= 1; dy++) {
        int row = y + dy < 0 ? 0 : y + dy >= job.height ? job.height - 1 : y + dy;

        sum += change_at(job, (size_t)row * job.width + x, plane);
    }
    return sum;
}

// The answer, on the past's scale and shift.
static __device__ float answer_at(const struct steady_job &job, size_t at)
{
    if (!job.sums)
        return job.nearness[at];
    struct carry_fit fit = carry_fit_of(job.sums, (long long)job.width * job.height, job.breath);
    float v = job.nearness[at] * fit.scale + fit.shift;
    return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}

static __global__ void steady(const struct steady_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
    size_t plane = (size_t)job.width * job.height, at = (size_t)y * job.width + x;

    if (x >= job.width || y >= job.height)
        return;
    float before = column_sum(job, x > 0 ? x - 1 : x, y, plane);
    float here = column_sum(job, x, y, plane);
    float after = column_sum(job, x + 1 < job.width ? x + 1 : x, y, plane);
    float change = (before + here + after) * (1.0f / 9.0f);
    float moved = (change - job.still) * (1.0f / (job.moving - job.still));
    moved = moved > 0.0f ? moved : 0.0f;
    moved = moved < 1.0f ? moved : 1.0f;
    float rest = job.sureness ? job.rest * (0.5f + job.sureness[at]) : job.rest;
    float part = rest + (1.0f - rest) * moved;
    job.past[at] += part * (answer_at(job, at) - job.past[at]);
}

bool steady_cuda(const struct steady_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y),
        grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(steady, grid, block, stream, *job);
    return kernels_cuda_launched();
}
