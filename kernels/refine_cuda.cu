#include "kernels/cuda_launch.h"
#include "kernels/kernels_cuda.h"
#include "kernels/refine_math.h"
#include "kernels/refine_scratch.h"

// Two passes, the fits and the cells made of them. A block takes a tile: what its windows reach
// over is brought into the memory that its threads share, summed along the rows, and then down: in
// whole numbers, the same in whatever order.
#define TILE_X 32
#define TILE_Y 16 // where the windows leave room for it, else half of that
#define HALVES 2  // of a row's moments, one after the other in the same memory
#define HALF ((REFINE_SUMS + 2) / HALVES) // and least and greatest nearness

// Of one cell's window: slopes and base in REFINE_FIT_UNIT; gain, low, range.
struct fits {
    int4 sloped;
    float4 own;
};

static __device__ int clamp_int(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

// The tile of a block and the cells that its windows reach over, `radius` more on each side.
struct tile {
    int x, y, radius; // of the tile's first cell
    int width, rows;  // with what windows reach over

    __device__ tile(const struct refine_job &job)
        : x((int)blockIdx.x * TILE_X), y((int)(blockIdx.y * blockDim.y)), radius(job.radius),
          width(TILE_X + 2 * job.radius), rows((int)blockDim.y + 2 * job.radius)
    {
    }
};

// Nearness at the centre of a cell, linearly interpolated, in REFINE_NEAR_UNIT.
static __device__ int nearness_at(const struct refine_job &job, int x, int y)
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
    return refine_near(upper + (lower - upper) * fy);
}

// R, G, B and nearness of a cell.
static __device__ int4 input_at(const struct refine_job &job, int x, int y)
{
    unsigned pixel = ((const unsigned *)(job.guide.pixels + (size_t)y * job.guide.stride_bytes))[x];

    return make_int4(pixel & 255, pixel >> 8 & 255, pixel >> 16 & 255, nearness_at(job, x, y));
}

// Fills out[t.rows][t.width]; cells beyond the grid repeat its border.
template <class VALUE>
static __device__ void bring(const struct refine_job &job, const struct tile &t, VALUE value,
                             int4 *out)
{
    for (int row = (int)threadIdx.y; row < t.rows; row += (int)blockDim.y)
        for (int column = (int)threadIdx.x; column < t.width; column += TILE_X)
            out[row * t.width + column] =
                value(clamp_int(t.x + column - t.radius, job.out.width - 1),
                      clamp_int(t.y + row - t.radius, job.out.height - 1));
}

// The moments of one cell, a half of them: R G B p pp RR RG RB, or GG GB BB Rp Gp Bp p p.
template <int FIRST> static __device__ void moments_of(int4 v, int (&out)[HALF])
{
    if (FIRST == 0) {
        out[0] = v.x, out[1] = v.y, out[2] = v.z, out[3] = v.w;
        out[4] = refine_square(v.w), out[5] = v.x * v.x, out[6] = v.x * v.y, out[7] = v.x * v.z;
    } else {
        out[0] = v.y * v.y, out[1] = v.y * v.z, out[2] = v.z * v.z, out[3] = v.x * v.w;
        out[4] = v.y * v.w, out[5] = v.z * v.w, out[6] = out[7] = v.w;
    }
}

// The first takes what the second has: sums, and in the later half least and greatest.
template <int FIRST> static __device__ void add(int (&sum)[HALF], const int (&v)[HALF])
{
#pragma unroll
    for (int i = 0; i < HALF; i++)
        if (FIRST + i < REFINE_SUMS)
            sum[i] += v[i];
        else
            sum[i] = FIRST + i == REFINE_SUMS ? min(sum[i], v[i]) : max(sum[i], v[i]);
}

// Two planes, so that neighbours lie side by side.
static __device__ void store(int4 *to, int plane, const int (&v)[HALF])
{
    to[0] = make_int4(v[0], v[1], v[2], v[3]);
    to[plane] = make_int4(v[4], v[5], v[6], v[7]);
}

static __device__ void load(const int4 *from, int plane, int (&out)[HALF])
{
    int4 a = from[0], b = from[plane];

    out[0] = a.x, out[1] = a.y, out[2] = a.z, out[3] = a.w;
    out[4] = b.x, out[5] = b.y, out[6] = b.z, out[7] = b.w;
}

// Half the moments of the thread's cell. inputs: [t.rows][t.width]; along: [2][t.rows][TILE_X].
template <int FIRST>
static __device__ void sum_moments(const struct tile &t, const int4 *inputs, int4 *along,
                                   int (&sum)[HALF])
{
    int a[HALF];
    int plane = t.rows * TILE_X;

    for (int row = (int)threadIdx.y; row < t.rows; row += (int)blockDim.y) {
        const int4 *at = inputs + row * t.width + threadIdx.x;

        moments_of<FIRST>(at[0], sum);
#pragma unroll 4
        for (int k = 1; k <= 2 * t.radius; k++) {
            moments_of<FIRST>(at[k], a);
            add<FIRST>(sum, a);
        }
        store(along + row * TILE_X + threadIdx.x, plane, sum);
    }
    __syncthreads();
    const int4 *from = along + threadIdx.y * TILE_X + threadIdx.x;
    load(from, plane, sum);
#pragma unroll 4
    for (int k = 1; k <= 2 * t.radius; k++) {
        load(from + k * TILE_X, plane, a);
        add<FIRST>(sum, a);
    }
    __syncthreads();
}

static size_t fits_bytes(int radius, int tile_y)
{
    size_t rows = tile_y + 2 * radius;

    return rows * (TILE_X + 2 * radius + 2 * TILE_X) * sizeof(int4);
}

static __global__ void __launch_bounds__(TILE_X *TILE_Y, 2)
    make_fits(const __grid_constant__ struct refine_job job, struct fits *fits)
{
    CUDA_SHARED(shared);
    struct tile t(job);
    int4 *inputs = (int4 *)shared, *along = inputs + t.rows * t.width;
    int sum[HALVES][HALF];
    float means[REFINE_SUMS];
    float norm = 1.0f / (float)((2 * job.radius + 1) * (2 * job.radius + 1));

    bring(
        job, t, [&](int x, int y) { return input_at(job, x, y); }, inputs);
    __syncthreads();
    sum_moments<0>(t, inputs, along, sum[0]);
    sum_moments<HALF>(t, inputs, along, sum[1]);
    int x = t.x + threadIdx.x, y = t.y + threadIdx.y;
    if (x >= job.out.width || y >= job.out.height)
        return;
    float low = (float)sum[1][6] * (1.0f / REFINE_NEAR_UNIT);
    float range = (float)(sum[1][7] - sum[1][6]) * (1.0f / REFINE_NEAR_UNIT);
#pragma unroll
    for (int i = 0; i < REFINE_SUMS; i++)
        means[i] = (float)sum[i / HALF][i % HALF] * (norm * refine_unit(i));
    struct refine_fit f = refine_solve(means, range, job.smooth, job.gain);
    struct fits *out = fits + (size_t)y * job.out.width + x;
    out->sloped =
        make_int4(refine_fixed(f.r), refine_fixed(f.g), refine_fixed(f.b), refine_fixed(f.base));
    out->own = make_float4(f.gain, low, range > 1e-3f ? range : 1e-3f, 0.0f);
}

static __device__ int4 plus(int4 a, int4 b)
{
    return make_int4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w);
}

// Slopes and base, summed over the thread's window. inputs: [t.rows][t.width]; along:
// [t.rows][TILE_X].
static __device__ int4 sum_fits(const struct tile &t, const int4 *inputs, int4 *along)
{
    int4 sum;

    for (int row = (int)threadIdx.y; row < t.rows; row += (int)blockDim.y) {
        const int4 *at = inputs + row * t.width + threadIdx.x;

        sum = at[0];
#pragma unroll 4
        for (int k = 1; k <= 2 * t.radius; k++)
            sum = plus(sum, at[k]);
        along[row * TILE_X + threadIdx.x] = sum;
    }
    __syncthreads();
    const int4 *from = along + threadIdx.y * TILE_X + threadIdx.x;
    sum = from[0];
#pragma unroll 4
    for (int k = 1; k <= 2 * t.radius; k++)
        sum = plus(sum, from[k * TILE_X]);
    return sum;
}

static size_t cells_bytes(int radius, int tile_y)
{
    size_t rows = tile_y + 2 * radius;

    return rows * (TILE_X + 2 * radius + TILE_X) * sizeof(int4);
}

static __global__ void __launch_bounds__(TILE_X *TILE_Y, 2)
    make_cells(const __grid_constant__ struct refine_job job, const struct fits *fits)
{
    CUDA_SHARED(shared);
    struct tile t(job);
    int4 *inputs = (int4 *)shared;
    int window = 2 * job.radius + 1;
    float norm = 1.0f / (float)(window * window * REFINE_FIT_UNIT);
    size_t width = job.out.width, stride = job.out.stride;

    bring(
        job, t, [&](int x, int y) { return fits[y * width + x].sloped; }, inputs);
    __syncthreads();
    int4 sum = sum_fits(t, inputs, inputs + t.rows * t.width);
    int x = t.x + threadIdx.x, y = t.y + threadIdx.y;
    if (x >= job.out.width || y >= job.out.height)
        return;
    float4 own = fits[y * width + x].own;
    float gain = own.x, low = own.y, range = own.z, unit = gain / range;
    float *out = job.out.cells + (size_t)y * REFINE_PLANES * stride + x;
    out[0] = (float)sum.x * (unit * norm);
    out[stride] = (float)sum.y * (unit * norm);
    out[2 * stride] = (float)sum.z * (unit * norm);
    out[3 * stride] = refine_base((float)sum.w * norm, low, range, gain);
    out[4 * stride] = low;
    out[5 * stride] = range;
}

size_t refine_cuda_scratch_floats(int grid_width, int grid_height)
{
    return sizeof(struct fits) / sizeof(float) * grid_width * grid_height;
}

bool refine_cuda(const struct refine_job *job, struct CUstream_st *stream)
{
    // every GPU has 48 KiB a block without asking, and 64 for the asking
    int tile_y = fits_bytes(job->radius, TILE_Y) <= 48 * 1024 ? TILE_Y : TILE_Y / 2;
    dim3 block(TILE_X, tile_y),
        grid((job->out.width + TILE_X - 1) / TILE_X, (job->out.height + tile_y - 1) / tile_y);
    size_t bytes = fits_bytes(job->radius, tile_y);
    struct fits *fits = (struct fits *)job->scratch;

    cudaFuncSetAttribute(make_fits, cudaFuncAttributeMaxDynamicSharedMemorySize, (int)bytes);
    CUDA_LAUNCH_SHARED(make_fits, grid, block, bytes, stream, *job, fits);
    if (!kernels_cuda_launched())
        return false;
    CUDA_LAUNCH_SHARED(make_cells, grid, block, cells_bytes(job->radius, tile_y), stream, *job,
                       fits);
    return kernels_cuda_launched();
}
