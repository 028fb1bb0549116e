#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel.
#define BLOCK_X 32
#define BLOCK_Y 8

static __device__ int between(int v, int least, int most)
{
    return v < least ? least : v > most ? most : v;
}

static __global__ void press(const struct press_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;

    if (x >= job.width || y >= job.height)
        return;
    float v = job.in[(size_t)between(y, job.top, job.bottom) * job.width +
                     between(x, job.left, job.right)];
    v = v > job.low ? v : job.low;
    job.out[(size_t)y * job.width + x] = v < job.high ? v : job.high;
}

bool press_cuda(const struct press_job *job, struct CUstream_st *stream)
{
    dim3 grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(press, grid, dim3(BLOCK_X, BLOCK_Y), stream, *job);
    return kernels_cuda_launched();
}
