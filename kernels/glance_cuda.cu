#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel of the copy.
#define BLOCK_X 32
#define BLOCK_Y 4

static __device__ float sample_at(const struct colour_component &c, bool wide, int x, int y)
{
    const uint8_t *row = c.samples + (y >> c.shift_y) * c.stride_bytes;
    ptrdiff_t at = (ptrdiff_t)(x >> c.shift_x) * c.step;

    return wide ? (float)((const uint16_t *)row)[at] : (float)row[at];
}

static __global__ void glance(const struct glance_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
    const struct colour_job &p = job.picture;

    if (x >= job.width || y >= job.height)
        return;
    int u = (2 * x + 1) * p.width / (2 * job.width), v = (2 * y + 1) * p.height / (2 * job.height);
    ((uint32_t *)job.out)[y * job.width + x] = colour_pixel(
        &p.matrix, sample_at(p.component[0], p.wide, u, v), sample_at(p.component[1], p.wide, u, v),
        sample_at(p.component[2], p.wide, u, v));
}

bool glance_cuda(const struct glance_job *job, struct CUstream_st *stream)
{
    dim3 grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(glance, grid, dim3(BLOCK_X, BLOCK_Y), stream, *job);
    return kernels_cuda_launched();
}
