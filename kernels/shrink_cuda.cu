#include "kernels/cuda_bytes.h"
#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one output pixel, padding included. R and B lie in one word, G and A in another,
// 16 bits each: 64 * 255 fits. All it needs of a row comes at once where rows allow it.
#define BLOCK_X 32
#define BLOCK_Y 4

struct sums {
    unsigned even, odd;

    __device__ void add(unsigned pixel)
    {
        even += pixel & 0x00ff00ff;
        odd += pixel >> 8 & 0x00ff00ff;
    }
};

// STEP pixels of a row.
template <int STEP>
static __device__ void add_row(const unsigned *row, bool aligned, struct sums *sum)
{
    if (STEP % 4 == 0 && aligned) {
#pragma unroll
        for (int u = 0; u < STEP / 4; u++) {
            uint4 p = ((const uint4 *)row)[u];

            sum->add(p.x), sum->add(p.y), sum->add(p.z), sum->add(p.w);
        }
    } else if (STEP == 2 && aligned) {
        uint2 p = *(const uint2 *)row;

        sum->add(p.x), sum->add(p.y);
    } else {
        for (int u = 0; u < STEP; u++)
            sum->add(row[u]);
    }
}

template <int LOG2_STEP>
static __global__ void shrink(const __grid_constant__ struct shrink_job job)
{
    const int step = 1 << LOG2_STEP;
    const unsigned half = step * step / 2 * 0x00010001u, shift = 2 * LOG2_STEP;
    int x = (int)(blockIdx.x * BLOCK_X + threadIdx.x) - IMAGE_PAD_PX,
        y = blockIdx.y * BLOCK_Y + threadIdx.y;
    int from = max(0, min(x, job.out.width - 1)) * step;
    bool aligned = cuda_aligned(job.in.pixels, (ptrdiff_t)job.in.stride_bytes, 16);
    struct sums sum = {half, half};

    if (x >= job.out.width + IMAGE_PAD_PX || y >= job.out.height)
        return;
        // the padding of the input stands in for columns past its end
#pragma unroll
    for (int v = 0; v < step; v++) {
        const uint8_t *row =
            job.in.pixels + min(y * step + v, job.in.height - 1) * job.in.stride_bytes;
        add_row<step>((const unsigned *)row + from, aligned, &sum);
    }
    ((unsigned *)(job.out.pixels + (size_t)y * job.out.stride_bytes))[x] =
        (sum.even >> shift & 0x00ff00ff) | (sum.odd >> shift & 0x00ff00ff) << 8;
}

bool shrink_cuda(const struct shrink_job *job, struct CUstream_st *stream)
{
    void (*const steps[])(const struct shrink_job) = {shrink<0>, shrink<1>, shrink<2>, shrink<3>};
    dim3 block(BLOCK_X, BLOCK_Y);
    dim3 grid((job->out.width + 2 * IMAGE_PAD_PX + BLOCK_X - 1) / BLOCK_X,
              (job->out.height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(steps[job->log2_step], grid, block, stream, *job);
    return kernels_cuda_launched();
}
