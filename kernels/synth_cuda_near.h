// The first pass of synth_cuda.cu: nearness of each pixel, refined as refine_rows does (refine.h),
// and widened down as synth_cpu.c does.
//
// A warp goes down a strip of columns, a lane with a group: colours are summed over the rows about
// each by adding the row that comes and taking away the one that goes, which whole numbers allow;
// neighbours' sums come from the lanes beside. The outer lanes do no more than that. The last rows
// of nearness are kept, a thread's own, for the greatest of them.
//
// Thread-safety: no state.
#pragma once
#include "kernels/cuda_bytes.h"
#include "kernels/synth_cuda_strip.h"

#define SYNTH_NEAR_WARPS 4 // a block
#define SYNTH_NEAR_THREADS (32 * SYNTH_NEAR_WARPS)

// Groups that a warp finishes, from lane 1 on: as many as the cells of 32 lanes reach over.
static __host__ __device__ inline int synth_near_groups(int log2_step)
{
    return log2_step == 1 ? 14 : 30;
}

// A warp's place in the picture.
struct synth_column {
    int begin, end;  // rows
    int first_group; // of lane 1
    int lane, group;
    bool at_once; // the group's pixels all lie in the inner part, and on 16 bytes
};

static __device__ inline int synth_clamp(int v, int most)
{
    return v < 0 ? 0 : v > most ? most : v;
}

// Row y of the picture, as the inner part goes on beyond its ends.
static __device__ inline const uint8_t *synth_inner_row(const struct synth_job &job, int y)
{
    int v = job.inner.top + synth_clamp(y - job.inner.top, job.inner.bottom - 1 - job.inner.top);

    return job.picture.pixels + (size_t)v * job.picture.stride_bytes;
}

// The lane's pixels of such a row.
static __device__ inline void synth_load(const struct synth_inner &in,
                                         const struct synth_column &at, const uint8_t *row,
                                         unsigned (&out)[SYNTH_GROUP])
{
    if (at.at_once) {
        uint4 p = ((const uint4 *)row)[at.group];
        out[0] = p.x, out[1] = p.y, out[2] = p.z, out[3] = p.w;
    } else {
        const unsigned *left = (const unsigned *)row + in.left;
        for (int k = 0; k < SYNTH_GROUP; k++)
            out[k] =
                left[synth_clamp(at.group * SYNTH_GROUP + k - in.left, in.right - 1 - in.left)];
    }
}

// Colours of a group, summed down: R and B in the halves of a word, G in another.
struct synth_columns {
    unsigned rb[SYNTH_GROUP], g[SYNTH_GROUP];

    __device__ void move(const unsigned (&comes)[SYNTH_GROUP], const unsigned (&goes)[SYNTH_GROUP])
    {
#pragma unroll
        for (int k = 0; k < SYNTH_GROUP; k++) {
            rb[k] += (comes[k] & 0x00ff00ffu) - (goes[k] & 0x00ff00ffu);
            g[k] += __byte_perm(comes[k], 0, 0x4441) - __byte_perm(goes[k], 0, 0x4441);
        }
    }
};

// Sums along, over LOOK columns to both sides of each of the group's.
template <int LOOK>
static __device__ inline void synth_sum(const unsigned (&own)[SYNTH_GROUP], unsigned sum,
                                        unsigned (&out)[SYNTH_GROUP])
{
    unsigned v[SYNTH_GROUP + 2 * LOOK];

#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++)
        v[LOOK + k] = own[k];
#pragma unroll
    for (int k = 0; k < LOOK; k++) {
        v[k] = (unsigned)__shfl_up_sync(SYNTH_ALL_LANES, (int)own[SYNTH_GROUP - LOOK + k], 1);
        v[LOOK + SYNTH_GROUP + k] = (unsigned)__shfl_down_sync(SYNTH_ALL_LANES, (int)own[k], 1);
    }
#pragma unroll
    for (int i = 0; i < 2 * LOOK; i++)
        sum += v[i];
#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++) {
        sum += v[k + 2 * LOOK];
        out[k] = sum;
        sum -= v[k];
    }
}

// R, G, B that are looked at: means over LOOK pixels to all sides.
template <int LOOK>
static __device__ inline void synth_look(const struct synth_columns &c, float3 (&out)[SYNTH_GROUP])
{
    const unsigned side = 2 * LOOK + 1, part = 65536 / (side * side), half = side * side / 2;
    unsigned rb[SYNTH_GROUP], g[SYNTH_GROUP];

    synth_sum<LOOK>(c.rb, half * 0x10001u, rb);
    synth_sum<LOOK>(c.g, half, g);
#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++) // byte 2: the whole part of so many 65536ths
        out[k] = {cuda_byte((rb[k] & 0xffffu) * part, 2), cuda_byte(g[k] * part, 2),
                  cuda_byte((rb[k] >> 16) * part, 2)};
}

// c: the six numbers of the grid at the pixel.
static __device__ inline float synth_near(const float (&c)[REFINE_PLANES], float3 v)
{
    float t = c[0] * v.x + c[1] * v.y + c[2] * v.z;

    return c[4] + c[5] * __saturatef(t * (1.0f / 255.0f) + c[3]);
}

// Pixel k of a cell's run lies between its centre and the next cell's; runs begin half a cell
// before cells do. Counted from the run before the first cell's: the first that a group has pixels
// of.
static __device__ inline int synth_run(int log2_step, int group)
{
    return log2_step == 3 ? (group + 1) / 2 : group * (SYNTH_GROUP >> log2_step);
}

// The lane's cell of the grid's two rows about a row of pixels, as long as they are the same.
struct synth_cell {
    int column;
    int row; // the upper one; -1: nothing is here yet
    float upper[REFINE_PLANES], rise[REFINE_PLANES];
};

// Blends the lane's cell for row y of the picture. out: the lane's.
static __device__ inline void synth_blend_cell(const struct refine_grid &grid, int y,
                                               struct synth_cell *c, float2 *out)
{
    float v = ((float)y + 0.5f) * (1.0f / (float)(1 << grid.log2_step)) - 0.5f;
    size_t one = (size_t)REFINE_PLANES * grid.stride;

    v = v > 0.0f ? v : 0.0f;
    int row = synth_clamp((int)v, grid.height - 1), below = synth_clamp(row + 1, grid.height - 1);
    float part = v - (float)row;
    if (row != c->row) {
        const float *at = grid.cells + synth_clamp(c->column, grid.width - 1);

        c->row = row;
#pragma unroll
        for (int p = 0; p < REFINE_PLANES; p++, at += grid.stride) {
            c->upper[p] = at[row * one];
            c->rise[p] = at[below * one] - c->upper[p];
        }
    }
#pragma unroll
    for (int p = 0; p < REFINE_PLANES; p += 2)
        out[p / 2] =
            make_float2(c->upper[p] + c->rise[p] * part, c->upper[p + 1] + c->rise[p + 1] * part);
}

// A group where cells are larger than pixels. cells: from that of synth_run() on.
template <int LOG2_STEP>
static __device__ inline void synth_near_group(const float2 *cells, int group,
                                               const float3 (&colour)[SYNTH_GROUP],
                                               float (&out)[SYNTH_GROUP])
{
    // the largest cells begin a run with every second group, in its middle
    const int step = 1 << LOG2_STEP, begin = step == 8 ? 0 : step / 2;
    float late = step == 8 && group % 2 == 0 ? 4.5f : 0.5f;

#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++) {
        float part = ((float)((begin + k) % step) + late) / (float)step, c[REFINE_PLANES];
        const float2 *left = cells + (begin + k) / step * (REFINE_PLANES / 2),
                     *right = left + REFINE_PLANES / 2;

#pragma unroll
        for (int p = 0; p < REFINE_PLANES / 2; p++) {
            float2 a = left[p], b = right[p];
            c[2 * p] = a.x + (b.x - a.x) * part;
            c[2 * p + 1] = a.y + (b.y - a.y) * part;
        }
        out[k] = synth_near(c, colour[k]);
    }
}

// A cell is a pixel.
static __device__ inline void synth_near_direct(const struct refine_grid &grid, int y, int group,
                                                const float3 (&colour)[SYNTH_GROUP],
                                                float (&out)[SYNTH_GROUP])
{
    const float *row = grid.cells + (size_t)y * REFINE_PLANES * grid.stride;

    for (int k = 0; k < SYNTH_GROUP; k++) {
        const float *at = row + synth_clamp(group * SYNTH_GROUP + k, grid.width - 1);
        float c[REFINE_PLANES];

        for (int p = 0; p < REFINE_PLANES; p++)
            c[p] = at[(size_t)p * grid.stride];
        out[k] = synth_near(c, colour[k]);
    }
}

// Nearness of the lane's group in row y. cells: [32][REFINE_PLANES / 2], the warp's, for all lanes.
template <int LOOK>
static __device__ inline float4
synth_near_of(const struct synth_job &job, const struct synth_column &at, int y,
              const struct synth_columns &sums, struct synth_cell *cell, float2 *cells)
{
    const struct refine_grid &grid = job.grid;
    int first = synth_run(grid.log2_step, at.group) - synth_run(grid.log2_step, at.first_group);
    const float2 *own = cells + first * (REFINE_PLANES / 2);
    float3 colour[SYNTH_GROUP];
    float out[SYNTH_GROUP] = {};

    synth_look<LOOK>(sums, colour);
    if (grid.log2_step > 0) {
        __syncwarp();
        synth_blend_cell(grid, y, cell, cells + at.lane * (REFINE_PLANES / 2));
        __syncwarp();
    }
    if (at.lane < 1 || at.lane > synth_near_groups(grid.log2_step))
        return make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    switch (grid.log2_step) {
    case 0:
        synth_near_direct(grid, y, at.group, colour, out);
        break;
    case 1:
        synth_near_group<1>(own, at.group, colour, out);
        break;
    case 2:
        synth_near_group<2>(own, at.group, colour, out);
        break;
    default:
        synth_near_group<3>(own, at.group, colour, out);
        break;
    }
    return make_float4(out[0], out[1], out[2], out[3]);
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

// Goes down the rows of a column. ring: [2 * soft_px][SYNTH_NEAR_THREADS], the thread's first.
// tall: [height][groups * SYNTH_GROUP].
template <int LOOK>
static __device__ inline void synth_tall_column(const struct synth_job &job,
                                                const struct synth_column &at, int groups,
                                                float2 *cells, float4 *ring, float *tall)
{
    const struct synth_inner &in = job.inner;
    const unsigned none[SYNTH_GROUP] = {};
    int soft = job.soft_px, log2_step = job.grid.log2_step;
    struct synth_cell cell = {synth_run(log2_step, at.first_group) - 1 + at.lane, -1, {}, {}};
    struct synth_columns sums = {};
    unsigned comes[SYNTH_GROUP], goes[SYNTH_GROUP];
    float4 *out = (float4 *)tall + (size_t)at.begin * groups + at.group;
    bool ours = at.lane >= 1 && at.lane <= synth_near_groups(log2_step) && at.group < groups;
    bool whole = at.group * SYNTH_GROUP >= in.left && (at.group + 1) * SYNTH_GROUP <= in.right;

    int y = max(at.begin - soft, in.top);
    for (int k = -LOOK; k <= LOOK; k++) {
        synth_load(in, at, synth_inner_row(job, y + k), comes);
        sums.move(comes, none);
    }
#pragma unroll 1
    for (int v = at.begin - soft, slot = 0; v < at.end + soft; v++) {
        synth_load(in, at, synth_inner_row(job, y + 1 + LOOK), comes);
        synth_load(in, at, synth_inner_row(job, y - LOOK), goes);
        float4 near = synth_near_of<LOOK>(job, at, y, sums, &cell, cells), most = near;
        if (v >= in.top && v + 1 < in.bottom) { // beyond the inner part its border goes on
            sums.move(comes, goes);
            y++;
        }
#pragma unroll
        for (int i = 0; i < 2 * SYNTH_SOFT_MAX; i++)
            if (i < 2 * soft)
                most = synth_most_of_four(most, ring[i * SYNTH_NEAR_THREADS]);
        ring[slot * SYNTH_NEAR_THREADS] = near;
        slot = slot + 1 < 2 * soft ? slot + 1 : 0;
        if (v >= at.begin + soft && ours) {
            *out = whole ? most : synth_inside(most, at.group * SYNTH_GROUP, in);
            out += groups;
        }
    }
}
