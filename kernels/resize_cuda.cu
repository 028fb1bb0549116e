#include "kernels/cuda_bytes.h"
#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/resize_math.h"

// A thread takes one output pixel. It sums in the order of the CPU: rows within a column first,
// then the outer two columns, then those between. BATCH rows are asked for before the first of them
// is waited for; those past the last one weigh nothing.
#define BLOCK_X 32
#define BLOCK_Y 4
#define BATCH 8

static __device__ float weight_of(const struct resize_span &v, int y)
{
    return y == v.first ? v.head : y < v.last ? 1.0f : y == v.last ? v.tail : 0.0f;
}

static __device__ float3 column_sum(const struct image &in, const struct resize_span &v, int x)
{
    const uint8_t *column = in.pixels + (ptrdiff_t)x * 4;
    float3 sum = {0, 0, 0};

    for (int first = v.first; first <= v.last; first += BATCH) {
        unsigned pixel[BATCH];

#pragma unroll
        for (int i = 0; i < BATCH; i++)
            pixel[i] = *(const unsigned *)(column + min(first + i, v.last) * in.stride_bytes);
#pragma unroll
        for (int i = 0; i < BATCH; i++) {
            float weight = weight_of(v, first + i);

            sum.x += cuda_byte(pixel[i], 0) * weight;
            sum.y += cuda_byte(pixel[i], 1) * weight;
            sum.z += cuda_byte(pixel[i], 2) * weight;
        }
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
    float3 mean = {first.x * h.head + last.x * h.tail, first.y * h.head + last.y * h.tail,
                   first.z * h.head + last.z * h.tail};
    for (int i = h.first + 1; i < h.last; i++) {
        float3 sum = column_sum(job.in, v, i);
        mean.x += sum.x;
        mean.y += sum.y;
        mean.z += sum.z;
    }
    float norm = 1.0f / (h.total * v.total);
    for (int p = 0; p < 3; p++) {
        int c = job.channel[p];
        job.out[p][(size_t)y * job.width + x] = (c == 0   ? mean.x
                                                 : c == 1 ? mean.y
                                                          : mean.z) *
                                                    norm * job.scale[p] +
                                                job.offset[p];
    }
}

bool resize_cuda(const struct resize_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y),
        grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);

    CUDA_LAUNCH(resize, grid, block, stream, *job);
    return kernels_cuda_launched();
}
