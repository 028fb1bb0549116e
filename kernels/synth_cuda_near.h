// The first half of a row of synth_cuda.cu: nearness of its pixels, refined (refine.h), made smooth
// over three rows and widened, as refine_row and synth_cpu.c do it.
//
// Thread-safety: no state.
#pragma once
#include "kernels/cuda_bytes.h"
#include "kernels/synth_cuda_strip.h"

static __device__ inline int synth_clamp(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

// Cells of the grid that a row of pixels lies among, from cell -1 on.
static __host__ __device__ inline int synth_cells(int width, int log2_step)
{
    return ((width + 2 + (1 << log2_step) / 2) >> log2_step) + 2;
}

// The grid's two rows about row y, blended.
static __device__ inline void synth_blend_cells(const struct synth_job &job, int y, float *out)
{
    const struct refine_grid &grid = job.grid;
    size_t row = (size_t)REFINE_PLANES * grid.stride;
    float v = ((float)y + 0.5f) / (float)(1 << grid.log2_step) - 0.5f;

    v = v > 0.0f ? v : 0.0f;
    int y0 = synth_clamp((int)v, grid.height - 1), y1 = synth_clamp(y0 + 1, grid.height - 1);
    float part = v - (float)y0;
    int count = synth_cells(job.picture.width, grid.log2_step);
    for (int c = (int)threadIdx.x; c < count; c += SYNTH_THREADS) {
        const float *at = grid.cells + synth_clamp(c - 1, grid.width - 1);
        const float *upper = at + y0 * row, *lower = at + y1 * row;
        float2 *to = (float2 *)(out + c * REFINE_PLANES);
        float blend[REFINE_PLANES];

        for (int p = 0; p < REFINE_PLANES; p++, upper += grid.stride, lower += grid.stride)
            blend[p] = *upper + (*lower - *upper) * part;
        for (int p = 0; p < REFINE_PLANES / 2; p++)
            to[p] = make_float2(blend[2 * p], blend[2 * p + 1]);
    }
}

// c: the six numbers of the grid at the pixel.
static __device__ inline float synth_near(const float (&c)[REFINE_PLANES], unsigned pixel)
{
    float t = c[0] * cuda_byte(pixel, 0) + c[1] * cuda_byte(pixel, 1) + c[2] * cuda_byte(pixel, 2);

    return c[4] + c[5] * __saturatef(t * (1.0f / 255.0f) + c[3]);
}

// A group of pixels where cells are larger than pixels: each lies between two of them.
template <int LOG2_STEP>
static __device__ inline void synth_near_group(const float *cells, int group,
                                               const unsigned (&pixel)[SYNTH_GROUP],
                                               float (&out)[SYNTH_GROUP])
{
    // pixel k of a cell's run lies between its centre and the next cell's; runs begin half a cell
    // before cells do. The largest cells begin a run with every second group, in its middle
    const int step = 1 << LOG2_STEP, begin = step == 8 ? 0 : step / 2;
    int first = step == 8 ? (group + 1) / 2 : group * (SYNTH_GROUP / step);
    float late = step == 8 && group % 2 == 0 ? 4.5f : 0.5f;
    const float2 *at = (const float2 *)cells + first * (REFINE_PLANES / 2);

#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++) {
        float part = ((float)((begin + k) % step) + late) / (float)step, c[REFINE_PLANES];
        const float2 *left = at + (begin + k) / step * (REFINE_PLANES / 2),
                     *right = left + REFINE_PLANES / 2;

#pragma unroll
        for (int p = 0; p < REFINE_PLANES / 2; p++) {
            float2 a = left[p], b = right[p];
            c[2 * p] = a.x + (b.x - a.x) * part;
            c[2 * p + 1] = a.y + (b.y - a.y) * part;
        }
        out[k] = synth_near(c, pixel[k]);
    }
}

// A cell is a pixel.
static __device__ inline void synth_near_direct(const struct refine_grid &grid, int y, int group,
                                                const unsigned (&pixel)[SYNTH_GROUP],
                                                float (&out)[SYNTH_GROUP])
{
    const float *row = grid.cells + (size_t)y * REFINE_PLANES * grid.stride;

    for (int k = 0; k < SYNTH_GROUP; k++) {
        const float *at = row + synth_clamp(group * SYNTH_GROUP + k, grid.width - 1);
        float c[REFINE_PLANES];

        for (int p = 0; p < REFINE_PLANES; p++)
            c[p] = at[p * grid.stride];
        out[k] = synth_near(c, pixel[k]);
    }
}

// The group's pixels of row y; those past the row's end are padding.
static __device__ inline void synth_load(const struct image &in, bool aligned, int y, int group,
                                         unsigned (&out)[SYNTH_GROUP])
{
    const unsigned *row = (const unsigned *)(in.pixels + (size_t)y * in.stride_bytes);

    if (aligned) {
        uint4 p = ((const uint4 *)row)[group];
        out[0] = p.x, out[1] = p.y, out[2] = p.z, out[3] = p.w;
    } else {
        for (int k = 0; k < SYNTH_GROUP; k++)
            out[k] = row[group * SYNTH_GROUP + k];
    }
}

static __device__ inline void synth_near_of(const struct synth_job &job, const float *cells, int y,
                                            int group, float (&out)[SYNTH_GROUP])
{
    unsigned pixel[SYNTH_GROUP];

    synth_load(job.picture, cuda_aligned(job.picture.pixels, job.picture.stride_bytes, 16), y,
               group, pixel);
    switch (job.grid.log2_step) {
    case 0:
        synth_near_direct(job.grid, y, group, pixel, out);
        break;
    case 1:
        synth_near_group<1>(cells, group, pixel, out);
        break;
    case 2:
        synth_near_group<2>(cells, group, pixel, out);
        break;
    default:
        synth_near_group<3>(cells, group, pixel, out);
        break;
    }
}

// The middle one of three rows: single rows that stand out would tear an edge into a comb.
static __device__ inline float synth_middle(float a, float b, float c)
{
    float low = a < b ? a : b, high = a < b ? b : a, rest = high < c ? high : c;

    return low > rest ? low : rest;
}

static __device__ inline float4 synth_middle_of(float4 a, float4 b, float4 c, int x,
                                                const struct synth_inner &in)
{
    float out[SYNTH_GROUP] = {synth_middle(a.x, b.x, c.x), synth_middle(a.y, b.y, c.y),
                              synth_middle(a.z, b.z, c.z), synth_middle(a.w, b.w, c.w)};

    // what lies beyond the inner part takes no part in widening
    for (int k = 0; k < SYNTH_GROUP; k++)
        out[k] = x + k >= in.left && x + k < in.right ? out[k] : SYNTH_NOTHING;
    return make_float4(out[0], out[1], out[2], out[3]);
}

// Makes nearness of row y, if it has any, and of the row before it, if `draw`, the middle of three.
static __device__ inline void synth_near_row(const struct synth_job &job,
                                             const struct synth_strip &s, int y, bool draw)
{
    const struct synth_inner &in = job.inner;
    int groups = (job.picture.width + SYNTH_GROUP - 1) / SYNTH_GROUP;
    int all = s.tiles * 32;
    float4 *own = (float4 *)s.near + (y & 1) * all, *before = (float4 *)s.near + (~y & 1) * all;

#pragma unroll 1
    for (int g = (int)threadIdx.x; g < all; g += SYNTH_THREADS) {
        float4 above = own[g], here = before[g], below = here;

        if (y < in.bottom && g < groups) {
            float near[SYNTH_GROUP];
            synth_near_of(job, s.cells, y, g, near);
            below = make_float4(near[0], near[1], near[2], near[3]);
            own[g] = below;
        }
        if (draw)
            ((float4 *)s.middle)[g] =
                synth_middle_of(y - 1 > in.top ? above : here, here, below, g * SYNTH_GROUP, in);
    }
    if (draw && threadIdx.x < SYNTH_EDGE) {
        s.middle[-1 - (int)threadIdx.x] = SYNTH_NOTHING;
        s.middle[all * SYNTH_GROUP + threadIdx.x] = SYNTH_NOTHING;
    }
}

// The greatest within REACH pixels on both sides of the middle ones of v.
template <int REACH>
static __device__ inline void synth_widest(const float (&v)[3 * SYNTH_GROUP],
                                           float (&out)[SYNTH_GROUP])
{
#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++) {
        out[k] = v[SYNTH_GROUP + k];
#pragma unroll
        for (int i = 1; i <= REACH; i++)
            out[k] = fmaxf(out[k], fmaxf(v[SYNTH_GROUP + k - i], v[SYNTH_GROUP + k + i]));
    }
}

// Widens a group.
static __device__ inline void synth_widen(const float *middle, int group, int reach,
                                          float (&out)[SYNTH_GROUP])
{
    const float4 *at = (const float4 *)middle + group;
    float4 a = at[-1], b = at[0], c = at[1];
    const float v[3 * SYNTH_GROUP] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w, c.x, c.y, c.z, c.w};

    switch (reach) {
    case 0:
        synth_widest<0>(v, out);
        break;
    case 1:
        synth_widest<1>(v, out);
        break;
    case 2:
        synth_widest<2>(v, out);
        break;
    case 3:
        synth_widest<3>(v, out);
        break;
    default:
        synth_widest<4>(v, out);
        break;
    }
}
