#include "kernels/carry_math.h"
#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one pixel; a block adds its sums up before it adds them to the picture's.
#define BLOCK 256
#define SUMS 5

static __device__ int clamp_int(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

static __device__ void move(const struct carry_job &job, int columns, int at, size_t plane)
{
    int x = at % job.width, y = at / job.width;
    struct motion_vector v = job.cells[y / MOTION_CELL_PX * columns + x / MOTION_CELL_PX];
    size_t from =
        (size_t)clamp_int(y + v.y, job.height - 1) * job.width + clamp_int(x + v.x, job.width - 1);

    job.moved_past[at] = job.past[from];
    for (int c = 0; c < 3; c++)
        job.moved_guide[at + c * plane] = job.old_guide[from + c * plane];
}

static __global__ void carry(const struct carry_job job, int columns)
{
    __shared__ long long sums[SUMS][BLOCK];
    int own = threadIdx.x, at = blockIdx.x * BLOCK + own;
    size_t plane = (size_t)job.width * job.height;
    long long same = 0, a = 0, b = 0;

    if (at < (int)plane)
        move(job, columns, at, plane);
    if (!job.nearness)
        return;
    if (at < (int)plane && fabsf(job.guide[plane + at] - job.moved_guide[plane + at]) < job.still) {
        same = 1;
        a = carry_whole(job.nearness[at]);
        b = carry_whole(job.moved_past[at]);
    }
    sums[0][own] = same;
    sums[1][own] = a;
    sums[2][own] = b;
    sums[3][own] = a * a;
    sums[4][own] = a * b;
    for (int half = BLOCK / 2; half > 0; half /= 2) {
        __syncthreads();
        for (int s = 0; own < half && s < SUMS; s++)
            sums[s][own] += sums[s][own + half];
    }
    __syncthreads();
    // unsigned sums wrap around to the same signed ones
    if (own < SUMS)
        atomicAdd((unsigned long long *)job.sums + own, (unsigned long long)sums[own][0]);
}

bool carry_cuda(const struct carry_job *job, struct CUstream_st *stream)
{
    int plane = job->width * job->height;

    if (job->nearness)
        cudaMemsetAsync(job->sums, 0, sizeof(*job->sums), stream);
    CUDA_LAUNCH_TOGETHER(carry, (plane + BLOCK - 1) / BLOCK, BLOCK, stream, *job,
                         motion_cells(job->width));
    return kernels_cuda_launched();
}
