#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/range_math.h"

// Bins and the percentiles' bits by turns, then nearness: each waits for the one before.
#define BLOCK RANGE_BINS
#define ROUNDS 4 // values a thread takes

static __global__ void fill_bins(const struct range_job job, int step)
{
    __shared__ uint32_t bins[2][RANGE_BINS];
    struct range_end *ends = job.range->ends;
    int first = blockIdx.x * BLOCK * ROUNDS + threadIdx.x;

    bins[0][threadIdx.x] = bins[1][threadIdx.x] = 0;
    __syncthreads();
    for (int k = 0, i = first; k < ROUNDS && i < job.count; k++, i += BLOCK)
        for (int high = 0; high < 2; high++) {
            int bin = range_bin(job.values[i], &ends[high], step);
            if (bin >= 0)
                atomicAdd(&bins[high][bin], 1u);
        }
    __syncthreads();
    for (int high = 0; high < 2; high++)
        if (bins[high][threadIdx.x])
            atomicAdd(&ends[high].bins[threadIdx.x], bins[high][threadIdx.x]);
}

// A block for each end; a thread has a bin, which it leaves empty.
static __global__ void find_bin(struct range *r, int step)
{
    __shared__ uint32_t sums[2][RANGE_BINS]; // of all bins up to this one
    struct range_end *end = &r->ends[blockIdx.x];
    int i = threadIdx.x, now = 0;
    uint32_t bin = end->bins[i];

    end->bins[i] = 0;
    sums[0][i] = bin;
    __syncthreads();
    for (int reach = 1; reach < RANGE_BINS; reach *= 2, now = !now) {
        sums[!now][i] = sums[now][i] + (i >= reach ? sums[now][i - reach] : 0);
        __syncthreads();
    }
    uint32_t rank = step > 0 ? end->rank : range_rank(blockIdx.x, sums[now][RANGE_BINS - 1]);
    __syncthreads(); // all have read what one of them changes
    if (rank < sums[now][i] && rank >= sums[now][i] - bin) {
        end->rank = rank;
        range_enter(end, i, sums[now][i] - bin);
    }
}

static __global__ void follow(struct range *r)
{
    range_follow(r);
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
    size_t kept = job->fresh ? 0 : offsetof(struct range, ends);

    cudaMemsetAsync((char *)job->range + kept, 0, sizeof(*job->range) - kept, stream);
    for (int step = 0; step < RANGE_STEPS; step++) {
        CUDA_LAUNCH_TOGETHER(fill_bins, blocks, BLOCK, stream, *job, step);
        CUDA_LAUNCH_TOGETHER(find_bin, 2, RANGE_BINS, stream, job->range, step);
    }
    CUDA_LAUNCH(follow, 1, 1, stream, job->range);
    CUDA_LAUNCH(normalise, (job->count + BLOCK - 1) / BLOCK, BLOCK, stream, *job);
    return kernels_cuda_launched();
}
