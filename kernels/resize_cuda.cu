#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/resize_math.h"

// A thread takes one output pixel. It sums in the order of the CPU: rows within a column first,
// then the outer two columns, then those between.
#define BLOCK_X 32
#define BLOCK_Y 4

static __device__ float3 column_sum(const struct image &in, const struct resize_span &v, int x)
{
    float3 sum = {0, 0, 0};

    for (int y = v.first; y <= v.last; y++) {
        float weight = y == v.first ? v.head : y == v.last ? v.tail : 1.0f;
        uchar4 p = ((const uchar4 *)(in.pixels + (size_t)y * in.stride_bytes))[x];

        sum.x += (float)p.x * weight;
        sum.y += (float)p.y * weight;
        sum.z += (float)p.z * weight;
    }
    return sum;
}

static __global__ void resize(const struct resize_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;

    if (x >= job.width || y >= job.height)
        return;
    struct resize_span h = resize_span_of(x, (float)job.in.width / (float)job.width, job.in.width);
    struct resize_span v =
        resize_span_of(y, (float)job.in.height / (float)job.height, job.in.height);
    float3 first = column_sum(job.in, v, h.first), last = column_sum(job.in, v, h.last);
    float mean[3] = {first.x * h.head + last.x * h.tail, first.y * h.head + last.y * h.tail,
                     first.z * h.head + last.z * h.tail};
    for (int i = h.first + 1; i < h.last; i++) {
        float3 sum = column_sum(job.in, v, i);
        mean[0] += sum.x;
        mean[1] += sum.y;
        mean[2] += sum.z;
    }
    float norm = 1.0f / (h.total * v.total);
    for (int p = 0; p < 3; p++)
        job.out[p][(size_t)y * job.width + x] =
            mean[job.channel[p]] * norm * job.scale[p] + job.offset[p];
}

bool resize_cuda(const struct resize_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y),
        grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(resize, grid, block, stream, *job);
    return kernels_cuda_launched();
}
