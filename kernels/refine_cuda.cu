#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/refine_math.h"
#include "kernels/refine_scratch.h"

// A thread takes one cell in each of five passes; what is between them lies in the job's scratch,
// plane after plane. Sums run in the order of the CPU.
#define BLOCK_X 32
#define BLOCK_Y 8
#define INPUTS 4     // R, G, B, nearness
#define FIT_PLANES 7 // slopes and base, gain, low, range

struct planes {
    float *inputs;  // [INPUTS][height][width]
    float *moments; // [REFINE_MOMENTS][height][width]: of the windows of one row
    float *fits;    // [FIT_PLANES][height][width]
    float *sums;    // [4][height][width]: of fits over the windows of one row
};

static struct planes planes_of(const struct refine_job *job)
{
    size_t plane = (size_t)job->out.width * job->out.height;
    float *at = job->scratch;
    struct planes p;

    p.inputs = at;
    p.moments = p.inputs + INPUTS * plane;
    p.fits = p.moments + REFINE_MOMENTS * plane;
    p.sums = p.fits + FIT_PLANES * plane;
    return p;
}

static __device__ int clamp_int(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

// False: outside the grid.
static __device__ bool cell_here(const struct refine_job &job, int *x, int *y)
{
    *x = blockIdx.x * BLOCK_X + threadIdx.x;
    *y = blockIdx.y * BLOCK_Y + threadIdx.y;
    return *x < job.out.width && *y < job.out.height;
}

// Nearness at the centre of a cell, linearly interpolated.
static __device__ float nearness_at(const struct refine_job &job, int x, int y)
{
    float step = (float)(1 << job.out.log2_step);
    float v = ((float)y + 0.5f) * step * (float)job.near_height / (float)job.picture_height - 0.5f;
    float ratio = step * (float)job.near_width / (float)job.picture_width;
    float u = ((float)x + 0.5f) * ratio - 0.5f;
    int top = job.near_height - 1, right = job.near_width - 1;

    v = v > 0.0f ? v : 0.0f;
    u = u > 0.0f ? u : 0.0f;
    int y0 = clamp_int((int)v, top), y1 = clamp_int(y0 + 1, top);
    int x0 = (int)u < right ? (int)u : right, x1 = x0 + 1 < right ? x0 + 1 : right;
    float fy = v - (float)y0, fx = u - (float)x0;
    fy = fy < 1.0f ? fy : 1.0f;
    fx = fx < 1.0f ? fx : 1.0f;
    const float *a = job.nearness + (size_t)y0 * job.near_width;
    const float *b = job.nearness + (size_t)y1 * job.near_width;
    float upper = a[x0] + (a[x1] - a[x0]) * fx, lower = b[x0] + (b[x1] - b[x0]) * fx;
    return upper + (lower - upper) * fy;
}

static __global__ void make_inputs(const struct refine_job job, struct planes p)
{
    size_t plane = (size_t)job.out.width * job.out.height;
    int x, y;

    if (!cell_here(job, &x, &y))
        return;
    uchar4 pixel = ((const uchar4 *)(job.guide.pixels + (size_t)y * job.guide.stride_bytes))[x];
    float *out = p.inputs + (size_t)y * job.out.width + x;
    out[0] = (float)pixel.x * (1.0f / 255.0f);
    out[plane] = (float)pixel.y * (1.0f / 255.0f);
    out[2 * plane] = (float)pixel.z * (1.0f / 255.0f);
    out[3 * plane] = nearness_at(job, x, y);
}

// Column k of the window about x, ends repeated.
static __device__ int tap(const struct refine_job &job, int x, int k)
{
    return clamp_int(x - job.radius + k, job.out.width - 1);
}

// The three taps at the start, then two at a time, as window_sum() in refine_cpu.c adds.
template <class VALUE>
static __device__ float window_sum(const struct refine_job &job, int x, VALUE value)
{
    float sum = value(tap(job, x, 0)) + value(tap(job, x, 1)) + value(tap(job, x, 2));

    for (int k = 3; k <= 2 * job.radius; k += 2)
        sum += value(tap(job, x, k)) + value(tap(job, x, k + 1));
    return sum;
}

// Which two inputs product m is of: RR RG RB GG GB BB Rp Gp Bp pp.
static __device__ int first_factor(int m)
{
    return m < 3 ? 0 : m < 5 ? 1 : m == 5 ? 2 : m - 6;
}

static __device__ int second_factor(int m)
{
    return m < 3 ? m : m < 5 ? m - 2 : m == 5 ? 2 : 3;
}

static __global__ void make_moments(const struct refine_job job, struct planes p)
{
    size_t plane = (size_t)job.out.width * job.out.height;
    int x, y;

    if (!cell_here(job, &x, &y))
        return;
    const float *row = p.inputs + (size_t)y * job.out.width;
    float *out = p.moments + (size_t)y * job.out.width + x;
    for (int c = 0; c < INPUTS; c++) {
        const float *in = row + c * plane;
        out[c * plane] = window_sum(job, x, [=](int i) { return in[i]; });
    }
    for (int m = 0; m < 10; m++) {
        const float *a = row + first_factor(m) * plane, *b = row + second_factor(m) * plane;
        out[(INPUTS + m) * plane] = window_sum(job, x, [=](int i) { return a[i] * b[i]; });
    }
    const float *near = row + 3 * plane;
    float least = near[tap(job, x, 0)], most = least;
    for (int k = 1; k <= 2 * job.radius; k++) {
        float v = near[tap(job, x, k)];
        least = v < least ? v : least;
        most = v > most ? v : most;
    }
    out[REFINE_SUMS * plane] = least;
    out[(REFINE_SUMS + 1) * plane] = most;
}

static __global__ void make_fits(const struct refine_job job, struct planes p)
{
    size_t plane = (size_t)job.out.width * job.out.height;
    float sum[REFINE_MOMENTS] = {}, norm = 1.0f / (float)((2 * job.radius + 1) * (2 * job.radius + 1));
    int x, y;

    if (!cell_here(job, &x, &y))
        return;
    for (int k = -job.radius; k <= job.radius; k++) {
        int row = clamp_int(y + k, job.out.height - 1);
        const float *in = p.moments + (size_t)row * job.out.width + x;
        bool first = k == -job.radius;

        for (int i = 0; i < REFINE_SUMS; i++)
            sum[i] = first ? in[i * plane] : sum[i] + in[i * plane];
        float low = in[REFINE_SUMS * plane], high = in[(REFINE_SUMS + 1) * plane];
        sum[REFINE_SUMS] = first || low < sum[REFINE_SUMS] ? low : sum[REFINE_SUMS];
        sum[REFINE_SUMS + 1] = first || high > sum[REFINE_SUMS + 1] ? high : sum[REFINE_SUMS + 1];
    }
    float low = sum[REFINE_SUMS], range = sum[REFINE_SUMS + 1] - low;
    for (int i = 0; i < REFINE_SUMS; i++)
        sum[i] *= norm;
    struct refine_fit f = refine_solve(sum, range, job.smooth, job.gain);
    float *out = p.fits + (size_t)y * job.out.width + x;
    out[0] = f.r;
    out[plane] = f.g;
    out[2 * plane] = f.b;
    out[3 * plane] = f.base;
    out[4 * plane] = f.gain;
    out[5 * plane] = low;
    out[6 * plane] = range > 1e-3f ? range : 1e-3f;
}

static __global__ void sum_fits(const struct refine_job job, struct planes p)
{
    size_t plane = (size_t)job.out.width * job.out.height;
    int x, y;

    if (!cell_here(job, &x, &y))
        return;
    for (int c = 0; c < 4; c++) {
        const float *in = p.fits + c * plane + (size_t)y * job.out.width;
        p.sums[c * plane + (size_t)y * job.out.width + x] =
            window_sum(job, x, [=](int i) { return in[i]; });
    }
}

static __global__ void make_cells(const struct refine_job job, struct planes p)
{
    size_t plane = (size_t)job.out.width * job.out.height, stride = job.out.stride;
    float sum[4] = {0.0f, 0.0f, 0.0f, 0.0f},
          norm = 1.0f / (float)((2 * job.radius + 1) * (2 * job.radius + 1));
    int x, y;

    if (!cell_here(job, &x, &y))
        return;
    for (int k = -job.radius; k <= job.radius; k++) {
        const float *in = p.sums + (size_t)clamp_int(y + k, job.out.height - 1) * job.out.width + x;
        for (int i = 0; i < 4; i++)
            sum[i] += in[i * plane];
    }
    const float *own = p.fits + (size_t)y * job.out.width + x;
    float gain = own[4 * plane], low = own[5 * plane], range = own[6 * plane],
          unit = gain * norm / range;
    float *out = job.out.cells + (size_t)y * REFINE_PLANES * stride + x;
    out[0] = sum[0] * unit;
    out[stride] = sum[1] * unit;
    out[2 * stride] = sum[2] * unit;
    out[3 * stride] = 0.5f + gain * ((sum[3] * norm - low) / range - 0.5f);
    out[4 * stride] = low;
    out[5 * stride] = range;
}

size_t refine_cuda_scratch_floats(int grid_width, int grid_height)
{
    return (size_t)(INPUTS + REFINE_MOMENTS + FIT_PLANES + 4) * grid_width * grid_height;
}

bool refine_cuda(const struct refine_job *job, struct CUstream_st *stream)
{
    dim3 block(BLOCK_X, BLOCK_Y),
        grid((job->out.width + BLOCK_X - 1) / BLOCK_X, (job->out.height + BLOCK_Y - 1) / BLOCK_Y);
    struct planes p = planes_of(job);

    CUDA_LAUNCH(make_inputs, grid, block, stream, *job, p);
    CUDA_LAUNCH(make_moments, grid, block, stream, *job, p);
    CUDA_LAUNCH(make_fits, grid, block, stream, *job, p);
    CUDA_LAUNCH(sum_fits, grid, block, stream, *job, p);
    CUDA_LAUNCH(make_cells, grid, block, stream, *job, p);
    return kernels_cuda_launched();
}
