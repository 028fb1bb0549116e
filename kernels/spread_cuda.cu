#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A block counts this many pixels for itself before it adds what it has to the picture's.
#define BLOCK 256
#define ROUNDS 4
#define COUNTERS (sizeof(struct spread) / sizeof(uint32_t) - 2)

static __global__ void spread(const struct spread_job job)
{
    __shared__ struct spread own;
    uint32_t *counters = (uint32_t *)&own, *out = (uint32_t *)job.out;
    int border = spread_border(job.width), first = blockIdx.x * BLOCK * ROUNDS + threadIdx.x;
    uint32_t least = 0, most = 0;

    for (int i = threadIdx.x; i < (int)COUNTERS + 2; i += BLOCK)
        counters[i] = 0;
    __syncthreads();
    for (int round = 0; round < ROUNDS; round++) {
        int at = first + round * BLOCK, x = at % job.width, y = at / job.width;

        if (y >= job.height)
            break;
        float near = job.nearness[at];
        int bin = spread_bin(near);
        atomicAdd(&own.all[bin], 1u);
        atomicAdd(&own.subject[bin], spread_weight(x, y, job.width, job.height));
        if (x < border)
            atomicAdd(&own.border[0][bin], 1u);
        if (x >= job.width - border)
            atomicAdd(&own.border[1][bin], 1u);
        least = order_key(-near) > least ? order_key(-near) : least;
        most = order_key(near) > most ? order_key(near) : most;
    }
    atomicMax(&own.least, least);
    atomicMax(&own.most, most);
    __syncthreads();
    for (int i = threadIdx.x; i < (int)COUNTERS; i += BLOCK)
        if (counters[i])
            atomicAdd(&out[i], counters[i]);
    if (threadIdx.x == 0) {
        atomicMax(&job.out->least, own.least);
        atomicMax(&job.out->most, own.most);
    }
}

bool spread_cuda(const struct spread_job *job, struct CUstream_st *stream)
{
    int pixels = job->width * job->height;

    cudaMemsetAsync(job->out, 0, sizeof(*job->out), stream);
    CUDA_LAUNCH_TOGETHER(spread, (pixels + BLOCK * ROUNDS - 1) / (BLOCK * ROUNDS), BLOCK, stream,
                         *job);
    return kernels_cuda_launched();
}
