#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one output pixel, padding included.
#define BLOCK_X 32
#define BLOCK_Y 8

static __global__ void shrink(const struct shrink_job job)
{
    int x = (int)(blockIdx.x * BLOCK_X + threadIdx.x) - IMAGE_PAD_PX,
        y = blockIdx.y * BLOCK_Y + threadIdx.y;
    int step = 1 << job.log2_step, area = step * step;
    unsigned r = area / 2, g = r, b = r, a = r;

    if (x >= job.out.width + IMAGE_PAD_PX || y >= job.out.height)
        return;
    int from = x < 0 ? 0 : x < job.out.width ? x : job.out.width - 1;
    for (int v = 0; v < step; v++) {
        int in_row = y * step + v < job.in.height ? y * step + v : job.in.height - 1;
        const uchar4 *row = (const uchar4 *)(job.in.pixels + (size_t)in_row * job.in.stride_bytes);

        // the padding of the input stands in for columns past its end
        for (int u = 0; u < step; u++) {
            uchar4 p = row[from * step + u];
            r += p.x;
            g += p.y;
            b += p.z;
            a += p.w;
        }
    }
    ((uchar4 *)(job.out.pixels + (size_t)y * job.out.stride_bytes))[x] =
        make_uchar4(r / area, g / area, b / area, a / area);
}

bool shrink_cuda(const struct shrink_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y);
    dim3 grid((job->out.width + 2 * IMAGE_PAD_PX + BLOCK_X - 1) / BLOCK_X,
              (job->out.height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(shrink, grid, block, stream, *job);
    return kernels_cuda_launched();
}
