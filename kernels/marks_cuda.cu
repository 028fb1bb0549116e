#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/marks_math.h"

// A thread takes one pixel: first its edge is counted, then, a block of threads for a block of
// pixels, it is marked.
#define BLOCK_X 32
#define BLOCK_Y 8
#define ALL 0xffffffffu

static __device__ bool judged(const struct marks_job &job, int x, int y)
{
    return x >= job.left && x < job.right && y >= job.top && y < job.bottom;
}

static __global__ void count_edges(const struct marks_job job)
{
    __shared__ struct marks_edges edges;
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
    size_t at = (size_t)y * job.width + x;
    int edge = 0, moves = 0;

    if (judged(job, x, y))
        marks_edge(job.luma + at, job.old + at, job.width, &edge, &moves);
    unsigned all = __popc(__ballot_sync(ALL, edge)), moved = __popc(__ballot_sync(ALL, moves));
    if (threadIdx.x == 0 && threadIdx.y == 0)
        edges.all = edges.moved = 0;
    __syncthreads();
    if (threadIdx.x == 0 && all) {
        atomicAdd(&edges.all, all);
        atomicAdd(&edges.moved, moved);
    }
    __syncthreads();
    if (threadIdx.x == 0 && threadIdx.y == 0 && edges.all) {
        atomicAdd(&job.edges->all, edges.all);
        atomicAdd(&job.edges->moved, edges.moved);
    }
}

static __global__ void mark(const struct marks_job job)
{
    __shared__ unsigned count;
    int x = blockIdx.x * MARKS_BLOCK_PX + threadIdx.x,
        y = blockIdx.y * MARKS_BLOCK_PX + threadIdx.y;
    size_t at = (size_t)y * job.width + x;
    bool first = threadIdx.x == 0 && threadIdx.y == 0, inside = x < job.width && y < job.height;
    uint8_t now = inside ? job.marks[at] : 0;

    if (judged(job, x, y)) {
        int stays = job.cut ? marks_outlives(job.luma + at, job.old + at, job.width)
                            : marks_stays(job.luma + at, job.old + at, job.width);
        now = marks_next(now, stays, marks_add(job.edges, job.add));
        job.marks[at] = now;
    }
    if (first)
        count = 0;
    __syncthreads();
    if (now >= MARKS_FULL)
        atomicAdd(&count, 1u);
    __syncthreads();
    if (first)
        job.counts[blockIdx.y * gridDim.x + blockIdx.x] = (uint8_t)count;
}

bool marks_cuda(const struct marks_job *job, struct CUstream_st *stream)
{
    dim3 blocks(marks_blocks(job->width), marks_blocks(job->height));
    dim3 grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    cudaMemsetAsync(job->edges, 0, sizeof(*job->edges), stream);
    CUDA_LAUNCH_TOGETHER(count_edges, grid, dim3(BLOCK_X, BLOCK_Y), stream, *job);
    CUDA_LAUNCH_TOGETHER(mark, blocks, dim3(MARKS_BLOCK_PX, MARKS_BLOCK_PX), stream, *job);
    return kernels_cuda_launched();
}
