#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel, of the luma plane with its borders.
#define BLOCK_X 32
#define BLOCK_Y 8

static __device__ int clamp_int(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static __global__ void luma(const struct luma_job job)
{
    int x = (int)(blockIdx.x * BLOCK_X + threadIdx.x) - MOTION_PAD_PX;
    int y = (int)(blockIdx.y * BLOCK_Y + threadIdx.y) - MOTION_PAD_PX;
    size_t plane = (size_t)job.width * job.height;

    if (x >= job.width + MOTION_PAD_PX || y >= job.height + MOTION_PAD_PX)
        return;
    const float *g =
        job.guide + (size_t)clamp_int(y, job.height - 1) * job.width + clamp_int(x, job.width - 1);
    job.out.luma[y * job.out.stride_px + x] =
        (uint8_t)((g[0] + 2 * g[plane] + g[2 * plane]) * 63.75f + 0.5f);
}

static __global__ void grey(const struct grey_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;

    if (x >= job.in.width || y >= job.in.height)
        return;
    uchar4 p = ((const uchar4 *)(job.in.pixels + (size_t)y * job.in.stride_bytes))[x];
    job.out[(size_t)y * job.in.width + x] = (uint8_t)((p.x + 2 * p.y + p.z) >> 2);
}

static dim3 grid_of(int width, int height)
{
    return dim3((width + BLOCK_X - 1) / BLOCK_X, (height + BLOCK_Y - 1) / BLOCK_Y);
}

bool luma_cuda(const struct luma_job *job, struct CUstream_st *stream)
{
    dim3 grid = grid_of(job->width + 2 * MOTION_PAD_PX, job->height + 2 * MOTION_PAD_PX);

    CUDA_LAUNCH(luma, grid, dim3(BLOCK_X, BLOCK_Y), stream, *job);
    return kernels_cuda_launched();
}

bool grey_cuda(const struct grey_job *job, struct CUstream_st *stream)
{
    CUDA_LAUNCH(grey, grid_of(job->in.width, job->in.height), dim3(BLOCK_X, BLOCK_Y), stream, *job);
    return kernels_cuda_launched();
}
