#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/strokes_math.h"

// A block of threads for a block of pixels.
static __global__ void judge(const struct strokes_job job)
{
    __shared__ unsigned fresh, all;
    int x = blockIdx.x * STROKES_BLOCK_PX + threadIdx.x,
        y = blockIdx.y * STROKES_BLOCK_PX + threadIdx.y;
    size_t at = (size_t)y * job.width + x;
    bool first = threadIdx.x == 0 && threadIdx.y == 0, inside = x < job.width && y < job.height;
    uint8_t now = inside ? job.state[at] : STROKES_OTHER;

    if (x >= job.left && x < job.right && y >= job.top && y < job.bottom) {
        now = job.cut ? STROKES_OTHER
                      : strokes_next(now, strokes_youngest(job.edges), job.luma + at, job.old + at);
        job.state[at] = now;
    }
    if (first)
        fresh = all = 0;
    __syncthreads();
    if (now >= STROKES_FRESH)
        atomicAdd(&all, 1u);
    if (now >= STROKES_FRESH && now <= STROKES_FRESH_LAST)
        atomicAdd(&fresh, 1u);
    __syncthreads();
    if (first) {
        job.fresh[blockIdx.y * gridDim.x + blockIdx.x] = (uint8_t)fresh;
        job.all[blockIdx.y * gridDim.x + blockIdx.x] = (uint8_t)all;
    }
}

bool strokes_cuda(const struct strokes_job *job, struct CUstream_st *stream)
{
    dim3 blocks((job->width + STROKES_BLOCK_PX - 1) / STROKES_BLOCK_PX,
                (job->height + STROKES_BLOCK_PX - 1) / STROKES_BLOCK_PX);

    CUDA_LAUNCH_TOGETHER(judge, blocks, dim3(STROKES_BLOCK_PX, STROKES_BLOCK_PX), stream, *job);
    return kernels_cuda_launched();
}
