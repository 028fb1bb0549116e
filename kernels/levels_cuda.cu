#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel; at each level neighbours read neighbouring probabilities. BATCH levels
// are asked for before the first of them is waited for.
#define BLOCK 64
#define BATCH 8

static __device__ float clamp01(float v)
{
    v = v > 0.0f ? v : 0.0f; // also for NaN
    return v < 1.0f ? v : 1.0f;
}

static __global__ void levels(const struct levels_job job)
{
    size_t plane = (size_t)job.width * job.height, at = (size_t)blockIdx.x * BLOCK + threadIdx.x;
    float sum = 0, mean = 0, square = 0, top = (float)(job.levels - 1);
    float even = (float)(job.levels + 1) / (12.0f * top);

    if (at >= plane)
        return;
    for (int first = 0; first < job.levels; first += BATCH) {
        float p[BATCH];

#pragma unroll
        for (int i = 0; i < BATCH; i++)
            p[i] = first + i < job.levels ? job.probability[(first + i) * plane + at] : 0.0f;
#pragma unroll
        for (int i = 0; i < BATCH; i++) { // those past the last add nothing
            float level = (float)(first + i) / top;

            sum += p[i];
            mean += p[i] * level;
            square += p[i] * level * level;
        }
    }
    float norm = sum > 1e-6f ? 1.0f / sum : 0.0f;
    float m = mean * norm, variance = square * norm - m * m;
    variance = variance > 0.0f ? variance : 0.0f;
    job.nearness[at] = job.near_first ? 1.0f - clamp01(m) : clamp01(m);
    job.sureness[at] = norm > 0.0f ? clamp01(1.0f - sqrtf(variance / even)) : 0.0f;
}

bool levels_cuda(const struct levels_job *job, struct CUstream_st *stream)
{
    size_t plane = (size_t)job->width * job->height;

    CUDA_LAUNCH(levels, (unsigned)((plane + BLOCK - 1) / BLOCK), BLOCK, stream, *job);
    return kernels_cuda_launched();
}
