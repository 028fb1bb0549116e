#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel.
#define BLOCK_X 32
#define BLOCK_Y 8

static __device__ unsigned over(unsigned colour, unsigned keep, unsigned out)
{
    unsigned v = out * keep + 128;

    return colour + ((v + (v >> 8)) >> 8);
}

static __global__ void overlay(const struct overlay_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;

    if (x >= job.width || y >= job.height)
        return;
    uchar4 *out = (uchar4 *)(job.out + (size_t)y * job.out_stride_bytes) + x;
    uchar4 colour = ((const uchar4 *)(job.colour + (size_t)y * job.stride_bytes))[x];
    uchar4 keep = ((const uchar4 *)(job.keep + (size_t)y * job.stride_bytes))[x];
    uchar4 under = *out;

    *out = make_uchar4(over(colour.x, keep.x, under.x), over(colour.y, keep.y, under.y),
                       over(colour.z, keep.z, under.z), over(colour.w, keep.w, under.w));
}

bool overlay_cuda(const struct overlay_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y);
    dim3 grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(overlay, grid, block, stream, *job);
    return kernels_cuda_launched();
}
