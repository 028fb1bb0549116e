#include "kernels/cuda_bytes.h"
#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"

// Upright 4:2:0, as decoders give it: a thread takes GROUP pixels of two rows, which share their
// rows of chroma, and writes them at once. Everything else: a thread takes one stored pixel. Both
// write the padding beside the pixels that it repeats.
#define BLOCK_X 32
#define BLOCK_Y 8
#define GROUP 4

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

// As colour_round(), but yet to be clamped.
static __device__ int rounded(float v)
{
    return cuda_whole(v + 0.5f);
}

template <bool TONED>
static __device__ uint32_t pixel_of(const struct colour_job &job, float s0, float s1, float s2)
{
    struct colour_rgb v = TONED ? colour_tone_rgb(&job.matrix, job.tone, s0, s1, s2)
                                : colour_rgb(&job.matrix, s0, s1, s2);

    return cuda_pack_clamped(rounded(v.r), rounded(v.g), rounded(v.b), 255);
}

template <bool TONED> static __device__ void convert_one(const struct colour_job &job, int x, int y)
{
    uint32_t pixel = pixel_of<TONED>(job, component_at(job.component[0], job, y, x),
                                     component_at(job.component[1], job, y, x),
                                     component_at(job.component[2], job, y, x));
    int turns = job.quarter_turns;
    int column = turns == 0   ? x
                 : turns == 1 ? job.height - 1 - y
                 : turns == 2 ? job.width - 1 - x
                              : y;
    int row = turns == 0 ? y : turns == 1 ? x : turns == 2 ? job.height - 1 - y : job.width - 1 - x;

    if (job.mirrored)
        column = job.out.width - 1 - column;
    uint32_t *out = (uint32_t *)(job.out.pixels + (size_t)row * job.out.stride_bytes) + column;
    *out = pixel;
    const int pad = job.bare ? 0 : IMAGE_PAD_PX;
    for (int i = 1; column == 0 && i <= pad; i++)
        out[-i] = pixel;
    for (int i = 1; column == job.out.width - 1 && i <= pad; i++)
        out[i] = pixel;
}

template <bool TONED> static __global__ void convert(const __grid_constant__ struct colour_job job)
{
    int x = blockIdx.x * BLOCK_X + threadIdx.x, y = blockIdx.y * BLOCK_Y + threadIdx.y;

    if (x < job.width && y < job.height)
        convert_one<TONED>(job, x, y);
}

// How the samples of 4:2:0 lie: chroma in one plane (NV12, P010) or in two.
template <bool WIDE, bool PAIRED> struct layout {
    // Luma of a group.
    static __device__ void luma(const uint8_t *row, int group, float (&out)[GROUP])
    {
        uint2 v =
            WIDE ? ((const uint2 *)row)[group] : make_uint2(((const unsigned *)row)[group], 0);

        for (int k = 0; k < GROUP; k++)
            out[k] = WIDE ? cuda_half_word(k < 2 ? v.x : v.y, k % 2) : cuda_byte(v.x, k);
    }

    // The group's two samples of both kinds of chroma, and those at column `next`.
    static __device__ void chroma(const struct colour_job &job, int row, int group, int next,
                                  float (&u)[3], float (&v)[3])
    {
        const struct colour_component &first = job.component[1], &second = job.component[2];
        const uint8_t *a = first.samples + row * first.stride_bytes;
        const uint8_t *b = second.samples + row * second.stride_bytes;

        if (PAIRED && WIDE) {
            uint2 here = ((const uint2 *)a)[group];
            unsigned after = ((const unsigned *)a)[next];
            const unsigned word[3] = {here.x, here.y, after};
            for (int k = 0; k < 3; k++)
                u[k] = cuda_half_word(word[k], 0), v[k] = cuda_half_word(word[k], 1);
        } else if (PAIRED) {
            unsigned here = ((const unsigned *)a)[group], after = ((const uint16_t *)a)[next];
            for (int k = 0; k < 2; k++)
                u[k] = cuda_byte(here, 2 * k), v[k] = cuda_byte(here, 2 * k + 1);
            u[2] = cuda_byte(after, 0), v[2] = cuda_byte(after, 1);
        } else {
            plane(a, group, next, u);
            plane(b, group, next, v);
        }
    }

    static __device__ void plane(const uint8_t *row, int group, int next, float (&out)[3])
    {
        unsigned here = WIDE ? ((const unsigned *)row)[group] : ((const uint16_t *)row)[group];
        unsigned after = WIDE ? ((const uint16_t *)row)[next] : row[next];

        for (int k = 0; k < 2; k++)
            out[k] = WIDE ? cuda_half_word(here, k) : cuda_byte(here, k);
        out[2] = WIDE ? cuda_half_word(after, 0) : cuda_byte(after, 0);
    }
};

static __device__ void write_group(const struct colour_job &job, int group, int y,
                                   const uint32_t (&pixel)[GROUP])
{
    uint4 *row = (uint4 *)(job.out.pixels + (size_t)y * job.out.stride_bytes);
    const int pad = job.bare ? 0 : IMAGE_PAD_PX / GROUP;

    row[group] = make_uint4(pixel[0], pixel[1], pixel[2], pixel[3]);
    for (int i = 1; group == 0 && i <= pad; i++)
        row[-i] = make_uint4(pixel[0], pixel[0], pixel[0], pixel[0]);
    for (int i = 1; (group + 1) * GROUP == job.width && i <= pad; i++)
        row[group + i] = make_uint4(pixel[3], pixel[3], pixel[3], pixel[3]);
}

// A row of a group, u and v being on its line.
template <bool TONED>
static __device__ void convert_group(const struct colour_job &job, int group, int y,
                                     const float (&luma)[GROUP], const float (&u)[3],
                                     const float (&v)[3])
{
    uint32_t pixel[GROUP];

#pragma unroll
    for (int k = 0; k < GROUP; k++) {
        int c = k / 2;
        pixel[k] = pixel_of<TONED>(job, luma[k],
                                   k % 2 ? colour_between_columns(u[c], u[c + 1], 1, 2) : u[c],
                                   k % 2 ? colour_between_columns(v[c], v[c + 1], 1, 2) : v[c]);
    }
    write_group(job, group, y, pixel);
}

template <bool WIDE, bool PAIRED, bool TONED>
static __global__ void convert_upright(const __grid_constant__ struct colour_job job)
{
    int group = blockIdx.x * BLOCK_X + threadIdx.x, row = blockIdx.y * BLOCK_Y + threadIdx.y;
    int rows = (job.height + 1) / 2, columns = (job.width + 1) / 2;
    float luma[2][GROUP], u[3][3], v[3][3];

    if (row >= rows || group * GROUP >= job.width)
        return;
    if ((group + 1) * GROUP > job.width || 2 * row + 2 > job.height) { // the right and lower ends
        for (int y = 2 * row; y < 2 * row + 2 && y < job.height; y++)
            for (int x = group * GROUP; x < (group + 1) * GROUP && x < job.width; x++)
                convert_one<TONED>(job, x, y);
        return;
    }
    // a row or column past the ends is the last one once more: its means are that, exactly
    int next = min(group * GROUP / 2 + 2, columns - 1);
    const struct colour_component &first = job.component[0];
#pragma unroll
    for (int i = 0; i < 2; i++)
        layout<WIDE, PAIRED>::luma(first.samples + (2 * row + i) * first.stride_bytes, group,
                                   luma[i]);
#pragma unroll
    for (int i = 0; i < 3; i++)
        layout<WIDE, PAIRED>::chroma(job, max(min(row - 1 + i, rows - 1), 0), group, next, u[i],
                                     v[i]);
#pragma unroll
    for (int i = 0; i < 2; i++) {
        float line_u[3], line_v[3];

        for (int k = 0; k < 3; k++) {
            line_u[k] = colour_between_rows(u[1][k], u[2 * i][k]);
            line_v[k] = colour_between_rows(v[1][k], v[2 * i][k]);
        }
        convert_group<TONED>(job, group, 2 * row + i, luma[i], line_u, line_v);
    }
}

// Whether groups of samples and pixels can be read and written at once.
static bool is_upright_420(const struct colour_job *job, bool paired)
{
    const struct colour_component *c = job->component;
    size_t word = job->wide ? 2 : 1;
    bool chroma = true;

    for (int i = 1; i < 3; i++)
        chroma = chroma && c[i].shift_x == 1 && c[i].shift_y == 1 &&
                 c[i].step == (paired ? 2 : 1) &&
                 cuda_aligned(c[i].samples - (paired && i == 2 ? word : 0), c[i].stride_bytes,
                              (paired ? 4 : 2) * word);
    if (paired)
        chroma =
            chroma && c[2].samples == c[1].samples + word && c[2].stride_bytes == c[1].stride_bytes;
    return chroma && c[0].shift_x == 0 && c[0].shift_y == 0 && c[0].step == 1 &&
           cuda_aligned(c[0].samples, c[0].stride_bytes, GROUP * word) &&
           cuda_aligned(job->out.pixels, (ptrdiff_t)job->out.stride_bytes, 16) &&
           job->quarter_turns == 0 && !job->mirrored;
}

static int blocks(int count, int block)
{
    return (count + block - 1) / block;
}

template <bool WIDE, bool PAIRED>
static void launch_upright(const struct colour_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y);
    dim3 grid(blocks(job->width, BLOCK_X * GROUP), blocks(job->height, BLOCK_Y * 2));
    void (*kernel)(const struct colour_job) =
        job->tone ? convert_upright<WIDE, PAIRED, true> : convert_upright<WIDE, PAIRED, false>;

    CUDA_LAUNCH(kernel, grid, block, stream, *job);
}

bool colour_cuda(const struct colour_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y);
    dim3 grid(blocks(job->width, BLOCK_X), blocks(job->height, BLOCK_Y));

    if (is_upright_420(job, true))
        (job->wide ? launch_upright<true, true> : launch_upright<false, true>)(job, stream);
    else if (is_upright_420(job, false))
        (job->wide ? launch_upright<true, false> : launch_upright<false, false>)(job, stream);
    else if (job->tone)
        CUDA_LAUNCH(convert<true>, grid, block, stream, *job);
    else
        CUDA_LAUNCH(convert<false>, grid, block, stream, *job);
    return kernels_cuda_launched();
}
