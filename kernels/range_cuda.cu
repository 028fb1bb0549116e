#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/range_math.h"

// The ends, the histogram, the range, nearness: each waits for the one before.
#define BLOCK 256
#define ROUNDS 4 // values a thread takes

static __device__ int first_value(void)
{
    return blockIdx.x * BLOCK * ROUNDS + threadIdx.x;
}

static __global__ void find_ends(const struct range_job job)
{
    __shared__ uint32_t ends[2];
    uint32_t least = 0, most = 0;

    if (threadIdx.x == 0)
        ends[0] = ends[1] = 0;
    __syncthreads();
    for (int k = 0, i = first_value(); k < ROUNDS && i < job.count; k++, i += BLOCK) {
        float v = job.values[i];

        if (!range_finite(v))
            continue;
        least = order_key(-v) > least ? order_key(-v) : least;
        most = order_key(v) > most ? order_key(v) : most;
    }
    atomicMax(&ends[0], least);
    atomicMax(&ends[1], most);
    __syncthreads();
    if (threadIdx.x == 0) {
        atomicMax(&job.range->least, ends[0]);
        atomicMax(&job.range->most, ends[1]);
    }
}

static __global__ void fill_bins(const struct range_job job)
{
    __shared__ uint32_t bins[RANGE_BINS];
    float least = -order_value(job.range->least), width = range_width(job.range);

    if (!(width > 0) || !range_finite(width))
        return;
    for (int i = threadIdx.x; i < RANGE_BINS; i += BLOCK)
        bins[i] = 0;
    __syncthreads();
    for (int k = 0, i = first_value(); k < ROUNDS && i < job.count; k++, i += BLOCK)
        if (range_finite(job.values[i]))
            atomicAdd(&bins[range_bin(job.values[i], least, width)], 1u);
    __syncthreads();
    for (int i = threadIdx.x; i < RANGE_BINS; i += BLOCK)
        if (bins[i])
            atomicAdd(&job.range->bins[i], bins[i]);
}

// One block; a thread has one bin.
static __global__ void follow(struct range *r)
{
    __shared__ uint32_t sums[2][RANGE_BINS]; // of all bins up to this one
    __shared__ float ends[2];
    int i = threadIdx.x, now = 0;
    float least = -order_value(r->least), width = range_width(r);

    if (!(width > 0) || !range_finite(width))
        return;
    sums[0][i] = r->bins[i];
    if (i < 2)
        ends[i] = least;
    __syncthreads();
    for (int reach = 1; reach < RANGE_BINS; reach *= 2, now = !now) {
        sums[!now][i] = sums[now][i] + (i >= reach ? sums[now][i - reach] : 0);
        __syncthreads();
    }
    for (int end = 0; end < 2; end++) {
        double wanted = (end ? 1 - RANGE_TAIL : RANGE_TAIL) * (double)sums[now][RANGE_BINS - 1];
        uint32_t bin = r->bins[i], below = sums[now][i] - bin;

        if (range_holds(bin, below, wanted))
            ends[end] = range_value(i, bin, below, wanted, least, width);
    }
    __syncthreads();
    if (i == 0)
        range_follow(r, ends[0], ends[1]);
}

static __global__ void normalise(const struct range_job job)
{
    int i = blockIdx.x * BLOCK + threadIdx.x;

    if (i < job.count)
        job.out[i] =
            range_nearness(job.range->known, job.range->low, range_scale(job.range), job.values[i]);
}

bool range_cuda(const struct range_job *job, struct CUstream_st *stream)
{
    int blocks = (job->count + BLOCK * ROUNDS - 1) / (BLOCK * ROUNDS);
    size_t kept = job->fresh ? 0 : offsetof(struct range, least);

    cudaMemsetAsync((char *)job->range + kept, 0, sizeof(*job->range) - kept, stream);
    CUDA_LAUNCH_TOGETHER(find_ends, blocks, BLOCK, stream, *job);
    CUDA_LAUNCH_TOGETHER(fill_bins, blocks, BLOCK, stream, *job);
    CUDA_LAUNCH_TOGETHER(follow, 1, RANGE_BINS, stream, job->range);
    CUDA_LAUNCH(normalise, (job->count + BLOCK - 1) / BLOCK, BLOCK, stream, *job);
    return kernels_cuda_launched();
}
