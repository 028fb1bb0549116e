// The second pass of synth_cuda.cu, a row of it: which source position each pixel of an eye shows.
// What synth_walk.h does from pixel to pixel is done here for all at once:
//
// A source pixel reaches the eye's pixels up to the whole part of its place, and draws those that
// no pixel before it reached: the running maximum says from where on. Torn places and borders are
// listed on the way and filled by a warp each. What lies in a hole draws nothing, yet took part in
// the maximum, which makes no difference: it lies lower than the hole's end and before it. A row
// with more holes than can be listed is walked again, one step after the other.
//
// Thread-safety: no state.
#pragma once
#include <limits.h>

#include "kernels/cuda_bytes.h"
#include "kernels/synth_cuda_strip.h"

// Places of one row in one eye, as it is walked: the right one backwards.
struct synth_places {
    const float *wide; // of the inner part's first pixel
    int width;
    int step_px; // synth_reach()
    bool backwards;
    float gain, convergence;

    // Walking: from the pixel of the inner part, and back.
    __device__ int turned(int x) const
    {
        return backwards ? width - 1 - x : x;
    }

    __device__ float of(float x, float near) const
    {
        return x + gain * (near - convergence);
    }

    __device__ float operator[](int x) const
    {
        return of((float)x, wide[turned(x)]);
    }

    // The last of the eye's pixels that it reaches; -1: none.
    __device__ int reach(float place) const
    {
        return cuda_whole(fminf(fmaxf(place, -1.0f), (float)(width - 1)));
    }
};

static __device__ inline struct synth_places synth_places_of(const struct synth_job &job,
                                                             const struct synth_strip &s, int eye)
{
    return {s.wide + eye * s.wide_stride + job.inner.left,
            job.inner.right - job.inner.left,
            synth_reach(job.soft_px),
            eye == 1,
            job.gain_px[eye],
            job.convergence};
}

static __device__ inline int synth_most(int a, int b)
{
    return a > b ? a : b;
}

// The greatest of a warp's values; all lanes get it.
static __device__ inline int synth_most_of_all(int v)
{
#if __CUDA_ARCH__ >= 800
    return __reduce_max_sync(SYNTH_ALL_LANES, v);
#else
    for (int reach = 16; reach > 0; reach /= 2)
        v = synth_most(v, __shfl_xor_sync(SYNTH_ALL_LANES, v, reach));
    return v;
#endif
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

// Widens a group for both eyes. tall: [groups], what synth_tall_column() made of the row.
static __device__ inline void synth_widen(const float4 *tall, int group, int groups, int soft,
                                          float (&out)[2][SYNTH_GROUP])
{
    const float none = SYNTH_NOTHING;
    float v[5 * SYNTH_GROUP];

#pragma unroll
    for (int i = 0; i < 5; i++) {
        int at = group - 2 + i;
        float4 a = at >= 0 && at < groups ? tall[at] : make_float4(none, none, none, none);
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

// Widens the row, which nothing reaches from beyond the inner part, and notes how far each tile
// reaches.
static __device__ inline void synth_reach_row(const struct synth_job &job,
                                              const struct synth_strip &s, const float4 *tall)
{
    int lane = (int)threadIdx.x % 32, width = job.inner.right - job.inner.left;
    int groups = synth_groups(job.picture.width);

#pragma unroll 1
    for (int t = (int)threadIdx.x / 32; t < s.tiles; t += SYNTH_WARPS) {
        int group = t * 32 + lane, first = group * SYNTH_GROUP - job.inner.left;
        float both[2][SYNTH_GROUP];

        synth_widen(tall, group, groups, job.soft_px, both);
#pragma unroll
        for (int eye = 0; eye < 2; eye++) {
            struct synth_places place = synth_places_of(job, s, eye);
            float x = (float)place.turned(first), (&wide)[SYNTH_GROUP] = both[eye];
            int most = -1;

#pragma unroll
            for (int k = 0; k < SYNTH_GROUP; k++)
                wide[k] = (unsigned)(first + k) < (unsigned)width ? wide[k] : SYNTH_NOTHING;
            ((float4 *)(s.wide + eye * s.wide_stride))[group] =
                make_float4(wide[0], wide[1], wide[2], wide[3]);
#pragma unroll
            for (int k = 0; k < SYNTH_GROUP; k++)
                most = synth_most(most, place.reach(place.of(x + (float)(eye ? -k : k), wide[k])));
            most = synth_most_of_all(most);
            if (lane == 0)
                s.most[eye * s.tiles + t] = most;
        }
    }
}

// The greatest reach of tiles first..end-1.
static __device__ inline int synth_most_of_tiles(const int *most, int first, int end, int lane)
{
    int v = -1;

#pragma unroll 1
    for (int t = first + lane; t < end; t += 32)
        v = synth_most(v, most[t]);
    return synth_most_of_all(v);
}

// How far the lanes before this one reach, as the eye is walked, and the tiles before.
static __device__ inline int synth_most_before(const struct synth_strip &s, int own, int tile,
                                               bool backwards, int lane)
{
    int before, edge = backwards ? 31 : 0;

    for (int reach = 1; reach < 32; reach *= 2)
        own = synth_most(own, backwards ? __shfl_down_sync(SYNTH_ALL_LANES, own, reach)
                                        : __shfl_up_sync(SYNTH_ALL_LANES, own, reach));
    before = backwards ? __shfl_down_sync(SYNTH_ALL_LANES, own, 1)
                       : __shfl_up_sync(SYNTH_ALL_LANES, own, 1);
    return synth_most(lane == edge ? -1 : before,
                      backwards ? synth_most_of_tiles(s.most + s.tiles, tile + 1, s.tiles, lane)
                                : synth_most_of_tiles(s.most, 0, tile, lane));
}

// 1 / v, rounded to the nearest; v within 2^-120..2^120, else anything.
static __device__ inline float synth_inverse(float v)
{
#ifdef __CUDA_ARCH__
    float guess;

    // one step of Newton's, as CUDA's own 1 / v does where v is no special case
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(guess) : "f"(v));
    return __fmaf_rn(guess, __fmaf_rn(-v, guess, 1.0f), guess);
#else
    return 1.0f / v;
#endif
}

static __device__ inline void synth_show(const struct synth_strip &s,
                                         const struct synth_places &place, int x, int32_t from)
{
    int last = (place.width - 1) * SYNTH_UNIT;

    s.map[place.backwards * s.map_stride + synth_map_index(place.turned(x))] =
        place.backwards ? last - from : from;
}

// Source pixel x, which lies at `here`, the one before it at `before`, draws next..reach.
static __device__ inline void synth_draw(const struct synth_job &job, const struct synth_strip &s,
                                         const struct synth_places &place, float x, float here,
                                         float before, int next, int reach)
{
    int eye = place.backwards;
    float step = here - before;

    if (step > 1.0f + SYNTH_STEEP_PX &&
        synth_torn(place, (int)x, place.step_px, place.width, job.tear_px)) {
        int i = atomicAdd(s.count + eye, 1);
        if (i < SYNTH_HOLES)
            s.holes[eye * SYNTH_HOLES + i] = {(int)x, next};
        return;
    }
    // synth_between(): 64 times the inverse is exact, and so the product can join the sum
    float inverse = synth_inverse(step), base = __fmaf_rn(x, (float)SYNTH_UNIT, 0.5f);
#pragma unroll 1
    do {
        float back = (here - (float)next) * inverse;
        synth_show(s, place, next, cuda_whole(__fmaf_rn(back, -(float)SYNTH_UNIT, base)));
    } while (++next <= reach);
}

// Draws what a tile reaches in one eye. wide: of the group's pixels and those beside it.
static __device__ inline void synth_draw_tile(const struct synth_job &job,
                                              const struct synth_strip &s, int eye, int tile,
                                              const float (&wide)[SYNTH_GROUP + 2])
{
    struct synth_places place = synth_places_of(job, s, eye);
    int lane = (int)threadIdx.x % 32, reach[SYNTH_GROUP], own = -1;
    float first = (float)place.turned((tile * 32 + lane) * SYNTH_GROUP - job.inner.left);
    float x[SYNTH_GROUP + 2], at[SYNTH_GROUP + 2];

#pragma unroll
    for (int k = 0; k < SYNTH_GROUP + 2; k++) {
        x[k] = first + (float)(eye ? 1 - k : k - 1);
        at[k] = place.of(x[k], wide[k]);
    }
#pragma unroll
    for (int k = 0; k < SYNTH_GROUP; k++) {
        reach[k] = place.reach(at[k + 1]);
        own = synth_most(own, reach[k]);
    }
    int done = synth_most_before(s, own, tile, eye == 1, lane);
#pragma unroll
    for (int i = 0; i < SYNTH_GROUP; i++) {
        int k = eye ? SYNTH_GROUP - 1 - i : i;

        if (reach[k] > done) {
            if (x[k + 1] > 0.0f) // the border draws the first
                synth_draw(job, s, place, x[k + 1], at[k + 1], at[eye ? k + 2 : k], done + 1,
                           reach[k]);
            done = reach[k];
        }
    }
}

static __device__ inline void synth_draw_row(const struct synth_job &job,
                                             const struct synth_strip &s)
{
#pragma unroll 1
    for (int t = (int)threadIdx.x / 32; t < s.tiles; t += SYNTH_WARPS) {
        int group = t * 32 + (int)threadIdx.x % 32;

#pragma unroll
        for (int eye = 0; eye < 2; eye++) {
            const float *at = s.wide + eye * s.wide_stride + group * SYNTH_GROUP;
            float4 own = *(const float4 *)at;
            const float wide[SYNTH_GROUP + 2] = {at[-1], own.x, own.y,
                                                 own.z,  own.w, at[SYNTH_GROUP]};

            if (job.gain_px[eye] != 0)
                synth_draw_tile(job, s, eye, t, wide);
        }
    }
}

// The first hole of those that begin with first..end-1; INT_MAX: none.
static __device__ inline int synth_first_hole(const struct synth_strip &s, int eye, int first,
                                              int end, int lane)
{
    int least = INT_MAX;

    for (int i = lane; i < s.count[eye] && i < SYNTH_HOLES; i += 32) {
        int x = s.holes[eye * SYNTH_HOLES + i].x;
        least = x >= first && x < end && x < least ? x : least;
    }
    return -1 - synth_most_of_all(-1 - least);
}

// Whether the hole that begins with x lies in one before it: from the first of a chain of holes,
// each within reach of the next, those are gone through that begin after the last one's end.
static __device__ inline bool synth_inside_other(const struct synth_strip &s,
                                                 const struct synth_places &place, int x, int lane)
{
    int eye = place.backwards, first = x, before = x;

    while (before < INT_MAX) {
        first = before;
        before = synth_first_hole(s, eye, first - place.step_px + 1, first, lane);
    }
    while (first < x) {
        int end = synth_tear_of(place, first, place.step_px, place.width).end;
        if (x <= end)
            return true;
        first = synth_first_hole(s, eye, end + 1, x + 1, lane);
    }
    return false;
}

// The first source pixel, down from `back` to no less than `least`, that can be gone on to while
// nothing nearer than limit comes.
static __device__ inline int synth_ground(const struct synth_places &place, int back, float least,
                                          float limit, int lane)
{
    for (; (float)back > least && back > 0; back -= 32) {
        int i = back - 1 - lane;
        unsigned ends = __ballot_sync(SYNTH_ALL_LANES, i < 0 || !(place[i] - (float)i <= limit));

        if (ends)
            return back - (__ffs((int)ends) - 1);
    }
    return back > 0 ? back : 0;
}

static __device__ inline void synth_ask_serial(const struct synth_strip &s, int eye, int lane)
{
    if (lane == 0)
        atomicAdd(s.serial + eye, 1);
}

// synth_hole(), by a warp.
static __device__ inline void synth_fill_hole(const struct synth_strip &s,
                                              const struct synth_places &place,
                                              struct synth_hole hole, int lane)
{
    if (synth_inside_other(s, place, hole.x, lane))
        return;
    struct synth_tear t = synth_tear_of(place, hole.x, place.step_px, place.width);
    float nearer = place[t.end], limit = t.far + t.height * SYNTH_LOW;
    int reach = place.reach(nearer);
    int good = synth_ground(place, hole.x - 1, t.axis - t.height * 0.5f, limit, lane);
    for (int at = hole.next + lane; at <= reach; at += 32) {
        float u = synth_mirrored(&t, at);
        u = u > (float)good ? u : (float)good;
        synth_show(s, place, at,
                   (float)at == nearer ? t.end * SYNTH_UNIT : synth_fold(u, place.width));
    }
}

// synth_left_border(), by a warp.
static __device__ inline void synth_fill_left(const struct synth_strip &s,
                                              const struct synth_places &place, int lane)
{
    float first = place[0];
    int reach = place.reach(first);

    for (int at = lane; at <= reach; at += 32)
        synth_show(s, place, at, synth_fold(first - (float)at, place.width));
}

// synth_right_border(), by a warp.
static __device__ inline void synth_fill_right(const struct synth_strip &s,
                                               const struct synth_places &place, int lane)
{
    int done = synth_most_of_tiles(s.most + place.backwards * s.tiles, 0, s.tiles, lane);
    float last = (float)(place.width - 1), end = place[place.width - 1];

    end = end < (float)done ? (float)done : end;
    for (int at = done + 1 + lane; at < place.width; at += 32)
        synth_show(s, place, at, synth_fold(last - ((float)at - end), place.width));
}

// Holes and borders of both eyes, a warp each.
static __device__ inline void synth_fill_row(const struct synth_job &job,
                                             const struct synth_strip &s)
{
    int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;

    for (int eye = 0; eye < 2; eye++) {
        struct synth_places place = synth_places_of(job, s, eye);
        int count = s.count[eye];

        if (job.gain_px[eye] == 0)
            continue;
        if (count > SYNTH_HOLES) {
            synth_ask_serial(s, eye, lane);
            continue;
        }
        // the right eye's begin with the warp after the last of the left eye's
        int first = (warp - eye * (s.count[0] + 2)) & (SYNTH_WARPS - 1);
        for (int i = first; i < count + 2; i += SYNTH_WARPS) {
            if (i < count)
                synth_fill_hole(s, place, s.holes[eye * SYNTH_HOLES + i], lane);
            else if (i == count)
                synth_fill_left(s, place, lane);
            else
                synth_fill_right(s, place, lane);
        }
    }
}
