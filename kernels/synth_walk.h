// The walk along a row of places, pixel by pixel: what all variants of synth_map do where a row is
// not smooth. The same for a C and a CUDA compiler.
#pragma once
#include "kernels/synth.h"

#ifdef __CUDACC__
#define SYNTH_FUNCTION static __host__ __device__ inline
#else
#define SYNTH_FUNCTION static inline
#endif

// Torn pieces that lie this close together are one hole: the few pixels between them are an edge's
// soft mixture of both sides, which is better not seen on its own.
#define SYNTH_JOIN_PX 4
// A stretch of this much within a hole's reach belongs to the hole.
#define SYNTH_STEEP_PX 0.5f

struct synth_walk {
    const float *place;
    int width;
    int32_t *out;
    float tear_px;
    int next; // the output pixel to be written next: all before it are
};

// A source position in 1/64 pixels, mirrored back at the borders.
SYNTH_FUNCTION int32_t synth_fold(float u, int width)
{
    float last = (float)(width - 1);

    u = u < 0.0f ? -u : u;
    u = u > last ? 2.0f * last - u : u;
    u = u < 0.0f ? 0.0f : u;
    return (int32_t)(u * SYNTH_UNIT + 0.5f);
}

// Nothing lands left of the first pixel's place: the row goes on there as its mirror image. The
// first pixel itself is drawn here too, so that every later one lies right of what is drawn.
SYNTH_FUNCTION void synth_left_border(struct synth_walk *m)
{
    float first = m->place[0];

    while (m->next < m->width && (float)m->next <= first) {
        m->out[m->next] = synth_fold(first - (float)m->next, m->width);
        m->next++;
    }
}

SYNTH_FUNCTION void synth_right_border(struct synth_walk *m)
{
    float last = (float)(m->width - 1), end = m->place[m->width - 1];

    // where something near covers the border, the row goes on after that
    if (end < (float)(m->next - 1))
        end = (float)(m->next - 1);
    while (m->next < m->width) {
        m->out[m->next] = synth_fold(last - ((float)m->next - end), m->width);
        m->next++;
    }
}

SYNTH_FUNCTION int synth_hole_end(const struct synth_walk *m, int x)
{
    int end = x;

    for (int i = x + 1; i < m->width && i <= end + SYNTH_JOIN_PX; i++)
        if (m->place[i] - m->place[i - 1] > 1.0f + SYNTH_STEEP_PX)
            end = i;
    return end;
}

// Fills from the far side, which is at x - 1: walking right, places jump only to something nearer.
// The mirror image stops where it would run into something nearer itself.
SYNTH_FUNCTION int synth_hole(struct synth_walk *m, int x)
{
    int end = synth_hole_end(m, x), back = x - 1, good = back;
    float edge = m->place[back], far = edge - (float)back;
    float limit = far + (m->place[end] - (float)end - far) * 0.25f;

    while (m->next < m->width && (float)m->next < m->place[end]) {
        float u = (float)back - ((float)m->next - edge);
        while ((float)good > u && good > 0 && m->place[good - 1] - (float)(good - 1) <= limit)
            good--;
        m->out[m->next++] = synth_fold(u > (float)good ? u : (float)good, m->width);
    }
    if (m->next < m->width && (float)m->next == m->place[end])
        m->out[m->next++] = end * SYNTH_UNIT;
    return end;
}

// Where output pixel `at` comes from, between source pixels x - 1 and x that land `step` apart.
SYNTH_FUNCTION int32_t synth_between(int x, float here, float step, int at)
{
    float inverse = (float)SYNTH_UNIT / step, base = (float)(x * SYNTH_UNIT) + 0.5f;

    return (int32_t)(base - (here - (float)at) * inverse);
}

// Draws what source pixels x - 1 and x cover, and returns the last pixel that is done with.
SYNTH_FUNCTION int synth_step(struct synth_walk *m, int x)
{
    float here = m->place[x], step = here - m->place[x - 1];

    if (here < (float)m->next)
        return x; // hidden, or between two output pixels
    if (step > 1.0f + m->tear_px)
        return synth_hole(m, x);
    do {
        m->out[m->next] = synth_between(x, here, step, m->next);
        m->next++;
    } while ((float)m->next <= here && m->next < m->width);
    return x;
}
