#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/plates_math.h"

// First a block measures one plate, then a thread presses one pixel.
#define BLOCK 128
#define BLOCK_X 32
#define BLOCK_Y 8

// The plate that has the last word on a block.
static __device__ int owner(const struct plates_job &job, int column, int row)
{
    int i = job.count - 1;

    while (i >= 0 && !plates_cover(&job.plate[i], column, row))
        i--;
    return i;
}

static __global__ void measure(const struct plates_job job)
{
    __shared__ int bins[PLATES_BINS];
    __shared__ float level;
    int i = blockIdx.x;
    struct plate px = plates_pixels(&job, &job.plate[i]);
    int width = px.right > px.left ? px.right - px.left : 0;
    int count = px.bottom > px.top ? width * (px.bottom - px.top) : 0;

    for (int bin = threadIdx.x; bin < PLATES_BINS; bin += BLOCK)
        bins[bin] = 0;
    __syncthreads();
    for (int at = threadIdx.x; at < count; at += BLOCK)
        atomicAdd(
            &bins[plates_bin(
                job.nearness[(size_t)(px.top + at / width) * job.width + px.left + at % width])],
            1);
    __syncthreads();
    if (threadIdx.x == 0)
        level = plates_level(bins, count);
    __syncthreads();
    for (int at = threadIdx.x; at < job.columns * job.rows; at += BLOCK)
        if (owner(job, at % job.columns, at / job.columns) == i)
            job.level[at] = level;
}

static __global__ void press(const struct plates_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;

    if (x >= job.width || y >= job.height)
        return;
    float *near = job.nearness + (size_t)y * job.width + x;
    *near = plates_pressed(&job, x, y, *near);
}

bool plates_cuda(const struct plates_job *job, struct CUstream_st *stream)
{
    dim3 grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    if (job->count > 0)
        CUDA_LAUNCH_TOGETHER(measure, job->count, BLOCK, stream, *job);
    CUDA_LAUNCH(press, grid, dim3(BLOCK_X, BLOCK_Y), stream, *job);
    return kernels_cuda_launched();
}
