#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/snap_math.h"

// A thread takes one pixel; it sums in the order of the CPU.
#define BLOCK_X 32
#define BLOCK_Y 8

static __device__ int within(int v, int size)
{
    return v < 0 ? 0 : v < size ? v : size - 1;
}

// Nearness of a pixel of the window.
static __device__ float nearness_at(const struct snap_job &job, int x, int y, size_t *at)
{
    *at = (size_t)within(y, job.height) * job.width + within(x, job.width);
    return job.nearness[*at];
}

static __device__ void add(float *sum, float weight, float nearness, float r, float g, float b)
{
    sum[SNAP_WEIGHT] += weight;
    sum[SNAP_NEAR] += weight * nearness;
    sum[SNAP_R] += weight * r;
    sum[SNAP_G] += weight * g;
    sum[SNAP_B] += weight * b;
    sum[SNAP_SQUARE] += weight * (r * r + g * g + b * b);
}

static __global__ void snap(const struct snap_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
    size_t plane = (size_t)job.width * job.height, at;
    float sum[2][SNAP_SUMS] = {};

    if (x >= job.width || y >= job.height)
        return;
    float own = nearness_at(job, x, y, &at), low = own, high = own;
    size_t here = at;
    for (int dy = -SNAP_RADIUS; dy <= SNAP_RADIUS; dy++)
        for (int dx = -SNAP_RADIUS; dx <= SNAP_RADIUS; dx++) {
            float v = nearness_at(job, x + dx, y + dy, &at);
            low = v < low ? v : low;
            high = v > high ? v : high;
        }
    float range = high - low, unit = 1.0f / (range > SNAP_FLAT ? range : SNAP_FLAT);
    job.out[here] = own;
    if (range <= SNAP_FLAT)
        return;
    for (int dy = -SNAP_RADIUS; dy <= SNAP_RADIUS; dy++)
        for (int dx = -SNAP_RADIUS; dx <= SNAP_RADIUS; dx++) {
            float v = nearness_at(job, x + dx, y + dy, &at), part = (v - low) * unit;
            float r = job.guide[at], g = job.guide[plane + at], b = job.guide[2 * plane + at];
            add(sum[0], snap_weight(1.0f - part), v, r, g, b);
            add(sum[1], snap_weight(part), v, r, g, b);
        }
    struct snap_depth near = snap_depth_of(sum[0], 1), far = snap_depth_of(sum[1], 1);
    job.out[here] = snap_pixel(&near, &far, range, own, job.guide[here], job.guide[plane + here],
                               job.guide[2 * plane + here]);
}

bool snap_cuda(const struct snap_job *job, struct CUstream_st *stream)
{
    dim3 grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(snap, grid, dim3(BLOCK_X, BLOCK_Y), stream, *job);
    return kernels_cuda_launched();
}
