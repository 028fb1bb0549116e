#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// A thread takes one stored pixel; neighbours read neighbouring samples and, where the picture is
// not turned, write neighbouring pixels.
#define BLOCK_X 32
#define BLOCK_Y 8

static __device__ float sample_at(const struct colour_component &c, bool wide, int y, int x)
{
    const uint8_t *row = c.samples + y * c.stride_bytes;
    ptrdiff_t i = (ptrdiff_t)x * c.step;

    return wide ? (float)((const uint16_t *)row)[i] : (float)row[i];
}

// Sample `column` of the component on the line of full-size row y.
static __device__ float line_at(const struct colour_component &c, const struct colour_job &job,
                                int y, int column)
{
    int rows = (job.height + (1 << c.shift_y) - 1) >> c.shift_y;
    int near_row = y >> c.shift_y, far_row = (y & 1) != 0 ? near_row + 1 : near_row - 1;
    float value = sample_at(c, job.wide, near_row, column);

    if (c.shift_y == 0 || far_row < 0 || far_row >= rows)
        return value;
    return colour_between_rows(value, sample_at(c, job.wide, far_row, column));
}

static __device__ float component_at(const struct colour_component &c, const struct colour_job &job,
                                     int y, int x)
{
    int n = 1 << c.shift_x, columns = (job.width + n - 1) >> c.shift_x, column = x >> c.shift_x;
    float left = line_at(c, job, y, column);

    if (c.shift_x == 0)
        return left;
    return colour_between_columns(
        left, line_at(c, job, y, column + 1 < columns ? column + 1 : column), x & (n - 1), n);
}

static __global__ void convert(const struct colour_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;
    int column, row;

    if (x >= job.width || y >= job.height)
        return;
    column = job.quarter_turns == 0   ? x
             : job.quarter_turns == 1 ? job.height - 1 - y
             : job.quarter_turns == 2 ? job.width - 1 - x
                                      : y;
    row = job.quarter_turns == 0   ? y
          : job.quarter_turns == 1 ? x
          : job.quarter_turns == 2 ? job.height - 1 - y
                                   : job.width - 1 - x;
    if (job.mirrored)
        column = job.out.width - 1 - column;
    float s0 = component_at(job.component[0], job, y, x);
    float s1 = component_at(job.component[1], job, y, x);
    float s2 = component_at(job.component[2], job, y, x);
    ((uint32_t *)(job.out.pixels + (size_t)row * job.out.stride_bytes))[column] =
        job.tone ? colour_tone_pixel(&job.matrix, job.tone, s0, s1, s2)
                 : colour_pixel(&job.matrix, s0, s1, s2);
}

// Copies of the first and last pixel of each row, IMAGE_PAD_PX on both sides.
static __global__ void pad(const struct image out)
{
    int i = threadIdx.x, y = blockIdx.x * blockDim.y + threadIdx.y;
    uint32_t *row = (uint32_t *)(out.pixels + (size_t)y * out.stride_bytes);

    if (y >= out.height)
        return;
    row[-1 - i] = row[0];
    row[out.width + i] = row[out.width - 1];
}

bool colour_cuda(const struct colour_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y);
    dim3 grid((job->width + BLOCK_X - 1) / BLOCK_X, (job->height + BLOCK_Y - 1) / BLOCK_Y);
    dim3 pad_block(IMAGE_PAD_PX, 32);

    CUDA_LAUNCH(convert, grid, block, stream, *job);
    if (!kernels_cuda_launched())
        return false;
    CUDA_LAUNCH(pad, (job->out.height + pad_block.y - 1) / pad_block.y, pad_block, stream,
                job->out);
    return kernels_cuda_launched();
}
