#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel.
#define BLOCK_X 32
#define BLOCK_Y 8

static __global__ void enlarge(const struct enlarge_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
    float step_x = (float)job.in_width / (float)job.width,
          step_y = (float)job.in_height / (float)job.height;

    if (x >= job.width || y >= job.height)
        return;
    float v = fmaxf(((float)y + 0.5f) * step_y - 0.5f, 0.0f);
    float u = fmaxf(((float)x + 0.5f) * step_x - 0.5f, 0.0f);
    int top = (int)v, below = top + 1 < job.in_height ? top + 1 : top;
    int left = (int)u, right = left + 1 < job.in_width ? left + 1 : left;
    const float *a = job.in + (size_t)top * job.in_width;
    const float *b = job.in + (size_t)below * job.in_width;
    float upper = a[left] + (u - (float)left) * (a[right] - a[left]);
    float lower = b[left] + (u - (float)left) * (b[right] - b[left]);
    job.out[(size_t)y * job.width + x] = upper + (v - (float)top) * (lower - upper);
}

bool enlarge_cuda(const struct enlarge_job *job, struct CUstream_st *stream)
{
    dim3 grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(enlarge, grid, dim3(BLOCK_X, BLOCK_Y), stream, *job);
    return kernels_cuda_launched();
}
