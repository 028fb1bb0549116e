// The first half of a row of synth_cuda.cu: nearness of its pixels, refined (refine.h) and widened,
// as refine_rows and synth_cpu.c do it.
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

// The group's pixels of row y, with those of the groups beside it; as the inner part goes on.
static __device__ inline void synth_load(const struct synth_job &job, bool aligned, int y,
                                         int group, unsigned (&out)[3 * SYNTH_GROUP])
{
    const struct synth_inner &in = job.inner;
    int v = synth_clamp(y - in.top, in.bottom - 1 - in.top) + in.top, x = (group - 1) * SYNTH_GROUP;
    const uint8_t *at = job.picture.pixels + (size_t)v * job.picture.stride_bytes;

    if (aligned && x >= in.left && x + 3 * SYNTH_GROUP <= in.right) {
        const uint4 *row = (const uint4 *)at + group - 1;
#pragma unroll
        for (int i = 0; i < 3; i++) {
            uint4 p = row[i];
            out[4 * i] = p.x, out[4 * i + 1] = p.y, out[4 * i + 2] = p.z, out[4 * i + 3] = p.w;
        }
    } else {
        for (int i = 0; i < 3 * SYNTH_GROUP; i++)
            out[i] = ((const unsigned *)
                          at)[in.left + synth_clamp(x + i - in.left, in.right - 1 - in.left)];
    }
}

// What refine_rows looks at: means over SOFT pixels to all sides.
template <int SOFT>
static __device__ inline void synth_look_of(const struct synth_job &job, bool aligned, int y,
                                            int group, unsigned (&out)[SYNTH_GROUP])
{
    const unsigned side = 2 * SOFT + 1, part = 65536 / (side * side), half = side * side / 2;
    // sums of two channels each, 16 bits wide
    unsigned even[3 * SYNTH_GROUP] = {}, odd[3 * SYNTH_GROUP] = {}, pixel[3 * SYNTH_GROUP];

#pragma unroll
    for (int k = -SOFT; k <= SOFT; k++) {
        synth_load(job, aligned, y + k, group, pixel);
#pragma unroll
        for (int i = SYNTH_GROUP - SOFT; i < 2 * SYNTH_GROUP + SOFT; i++) {
            even[i] += pixel[i] & 0x00ff00ffu;
            odd[i] += pixel[i] >> 8 & 0x00ff00ffu;
        }
    }
#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++) {
        unsigned e = half * 0x10001u, o = e;
#pragma unroll
        for (int i = k - SOFT; i <= k + SOFT; i++) {
            e += even[SYNTH_GROUP + i];
            o += odd[SYNTH_GROUP + i];
        }
        out[k] = (e & 0xffffu) * part >> 16 | (o & 0xffffu) * part >> 16 << 8 |
                 (e >> 16) * part >> 16 << 16 | (o >> 16) * part >> 16 << 24;
    }
}

static __device__ inline void synth_look(const struct synth_job &job, bool aligned, int y,
                                         int group, unsigned (&out)[SYNTH_GROUP])
{
    switch (job.look_px) {
    case 0:
        synth_look_of<0>(job, aligned, y, group, out);
        break;
    case 1:
        synth_look_of<1>(job, aligned, y, group, out);
        break;
    case 2:
        synth_look_of<2>(job, aligned, y, group, out);
        break;
    case 3:
        synth_look_of<3>(job, aligned, y, group, out);
        break;
    default:
        synth_look_of<4>(job, aligned, y, group, out);
        break;
    }
}

static __device__ inline void synth_near_of(const struct synth_job &job, bool aligned,
                                            const float *cells, int y, int group,
                                            float (&out)[SYNTH_GROUP])
{
    unsigned pixel[SYNTH_GROUP];

    synth_look(job, aligned, y, group, pixel);
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

// Nearness of row y. near: [height][tiles * SYNTH_TILE].
static __device__ inline void synth_near_row(const struct synth_job &job, const float *cells, int y,
                                             int tiles, float *near)
{
    int groups = (job.picture.width + SYNTH_GROUP - 1) / SYNTH_GROUP;
    bool aligned = cuda_aligned(job.picture.pixels, job.picture.stride_bytes, 16);
    float4 *row = (float4 *)near + (size_t)y * (tiles * 32);

#pragma unroll 1
    for (int g = (int)threadIdx.x; g < groups; g += SYNTH_THREADS) {
        float out[SYNTH_GROUP];

        synth_near_of(job, aligned, cells, y, g, out);
        row[g] = make_float4(out[0], out[1], out[2], out[3]);
    }
}

static __device__ inline float4 synth_most_of_four(float4 a, float4 b)
{
    return make_float4(fmaxf(a.x, b.x), fmaxf(a.y, b.y), fmaxf(a.z, b.z), fmaxf(a.w, b.w));
}

// What lies beyond the inner part takes no part in widening.
static __device__ inline float4 synth_inside(float4 v, int x, const struct synth_inner &in)
{
    float out[SYNTH_GROUP] = {v.x, v.y, v.z, v.w};

#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++)
        out[k] = x + k >= in.left && x + k < in.right ? out[k] : SYNTH_NOTHING;
    return make_float4(out[0], out[1], out[2], out[3]);
}

// Widens nearness down to row y of the inner part.
static __device__ inline void synth_tall_row(const struct synth_job &job,
                                             const struct synth_strip &s, const float *near, int y)
{
    const struct synth_inner &in = job.inner;
    int all = s.tiles * 32, first = y - job.soft_px > in.top ? y - job.soft_px : in.top;
    int end = min(y + job.soft_px + 1, in.bottom);

#pragma unroll 1
    for (int g = (int)threadIdx.x; g < all; g += SYNTH_THREADS) {
        const float4 *at = (const float4 *)near + (size_t)first * all + g;
        float4 most = *at;

        for (int v = first + 1; v < end; v++)
            most = synth_most_of_four(most, *(at += all));
        ((float4 *)s.tall)[g] = synth_inside(most, g * SYNTH_GROUP, in);
    }
    if (threadIdx.x < SYNTH_EDGE) {
        s.tall[-1 - (int)threadIdx.x] = SYNTH_NOTHING;
        s.tall[all * SYNTH_GROUP + threadIdx.x] = SYNTH_NOTHING;
    }
}

// The greatest within SOFT pixels on both sides of the middle ones of v, and of SOFT + 1 more on
// the side where the left or the right eye sees something uncovered.
template <int SOFT>
static __device__ inline void synth_widest(const float (&v)[5 * SYNTH_GROUP],
                                           float (&out)[2][SYNTH_GROUP])
{
#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++) {
        const float *at = v + 2 * SYNTH_GROUP + k;
        float most = *at;
#pragma unroll
        for (int i = 1; i <= SOFT; i++)
            most = fmaxf(most, fmaxf(at[-i], at[i]));
        out[0][k] = out[1][k] = most;
#pragma unroll
        for (int i = SOFT + 1; i <= 2 * SOFT + 1; i++) {
            out[0][k] = fmaxf(out[0][k], at[i]);
            out[1][k] = fmaxf(out[1][k], at[-i]);
        }
    }
}

// Widens a group for both eyes.
static __device__ inline void synth_widen(const float *tall, int group, int soft,
                                          float (&out)[2][SYNTH_GROUP])
{
    float v[5 * SYNTH_GROUP];

#pragma unroll
    for (int i = 0; i < 5; i++) {
        float4 a = ((const float4 *)tall)[group - 2 + i];
        v[4 * i] = a.x, v[4 * i + 1] = a.y, v[4 * i + 2] = a.z, v[4 * i + 3] = a.w;
    }
    switch (soft) {
    case 0:
        synth_widest<0>(v, out);
        break;
    case 1:
        synth_widest<1>(v, out);
        break;
    case 2:
        synth_widest<2>(v, out);
        break;
    default:
        synth_widest<SYNTH_SOFT_MAX>(v, out);
        break;
    }
}
