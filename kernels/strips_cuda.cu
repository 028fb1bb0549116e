#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel of a strip.
#define BLOCK_X 32
#define BLOCK_Y 8

static __global__ void strips(const struct strips_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = job.top + blockIdx.y * BLOCK_Y + threadIdx.y;
    int eye = blockIdx.z;

    if (x >= job.count[eye] || y >= job.bottom)
        return;
    uint8_t *row = job.eye[eye] + (size_t)y * job.stride_bytes;
    if (job.bits == 16)
        ((uint64_t *)row)[job.first[eye] + x] = (uint64_t)0xffff << 48;
    else
        ((uint32_t *)row)[job.first[eye] + x] = 0xff000000u;
}

bool strips_cuda(const struct strips_job *job, struct CUstream_st *stream)
{
    int most = job->count[0] > job->count[1] ? job->count[0] : job->count[1];
    int rows = job->bottom - job->top;

    if (most > 0 && rows > 0)
        CUDA_LAUNCH(strips, dim3((most + BLOCK_X - 1) / BLOCK_X, (rows + BLOCK_Y - 1) / BLOCK_Y, 2),
                    dim3(BLOCK_X, BLOCK_Y), stream, *job);
    return kernels_cuda_launched();
}
