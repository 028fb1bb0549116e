// The walk along a row of places, pixel by pixel: what all variants of synth_map do where a row is
// not smooth. The same for a C and a CUDA compiler.
#pragma once
#include <stdbool.h>

#include "kernels/synth.h"

#ifdef __CUDACC__
#define SYNTH_FUNCTION static __device__ inline
#else
#define SYNTH_FUNCTION static inline
#endif
// Places of a row, read by [x]: in C++ also what makes them up when it is asked.
#ifdef __cplusplus
#define SYNTH_OF_PLACES template <class PLACES> SYNTH_FUNCTION
#define SYNTH_PLACES const PLACES &
#else
#define SYNTH_OF_PLACES SYNTH_FUNCTION
#define SYNTH_PLACES const float *
#endif

// A step begins where two neighbours land this much further apart than they are.
#define SYNTH_STEEP_PX 0.5f
// And ends where so much of its rise is done.
#define SYNTH_DONE 0.9f
// Of a hole's height: what is mirrored into it must not lie higher.
#define SYNTH_LOW 0.25f

struct synth_walk {
    const float *place;
    int width;
    int32_t *out;
    float tear_px;
    int reach; // of a soft step, px
    int next;  // the output pixel to be written next: all before it are
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

// How far a soft step reaches, px.
SYNTH_FUNCTION int synth_reach(int soft_px)
{
    return soft_px > 0 ? 2 * soft_px : 1;
}

// The last source pixel of a soft step that begins with x.
SYNTH_FUNCTION int synth_step_end(int x, int reach, int width)
{
    return x - 1 + reach < width ? x - 1 + reach : width - 1;
}

// Whether the picture is torn between source pixels x - 1 and x. All of a soft step counts, so that
// rows in which it lies a part of a pixel further do not differ.
SYNTH_OF_PLACES bool synth_torn(SYNTH_PLACES place, int x, int reach, int width, float tear_px)
{
    int end = synth_step_end(x, reach, width);

    return place[x] - place[x - 1] > 1.0f + SYNTH_STEEP_PX &&
           place[end] - place[x - 1] > (float)(end - x + 1) + tear_px;
}

// A soft step that is torn.
struct synth_tear {
    int end;           // the first source pixel that is up on it
    float far, height; // how far what lies before it is moved, and how much more what is up
    float axis;        // the source position at which it would stand if it were steep
};

// Source pixel x.
SYNTH_OF_PLACES float synth_shift(SYNTH_PLACES place, int x)
{
    return place[x] - (float)x;
}

// The step that begins with source pixel x. Each pixel on it counts for the part that is not risen.
SYNTH_OF_PLACES struct synth_tear synth_tear_of(SYNTH_PLACES place, int x, int reach, int width)
{
    int last = synth_step_end(x, reach, width);
    float far = synth_shift(place, x - 1), most = far;
    struct synth_tear t = {x, far, 0, (float)(x - 1)};

    for (int i = x; i <= last; i++) {
        float shift = synth_shift(place, i);
        most = shift > most ? shift : most;
    }
    while (t.end < last && synth_shift(place, t.end) - far < SYNTH_DONE * (most - far))
        t.end++;
    t.height = synth_shift(place, t.end) - far;
    for (int i = x; i < t.end; i++) {
        float left = (far + t.height - synth_shift(place, i)) / t.height;
        t.axis += left > 0.0f ? (left < 1.0f ? left : 1.0f) : 0.0f;
    }
    return t;
}

// The source position that is shown at an eye's pixel in the hole: the far side as it lies, from
// the axis on mirrored, from the hole's middle on mirrored back.
SYNTH_FUNCTION float synth_mirrored(const struct synth_tear *t, int at)
{
    float beyond = (float)at - t->far - t->axis, back = t->height - beyond;

    return beyond < 0.0f ? t->axis + beyond : t->axis - (beyond < back ? beyond : back);
}

// Fills from the far side, which is at x - 1: walking right, places jump only to something nearer.
// The mirror image stops where it would run into something nearer itself.
SYNTH_FUNCTION int synth_hole(struct synth_walk *m, int x)
{
    struct synth_tear t = synth_tear_of(m->place, x, m->reach, m->width);
    float limit = t.far + t.height * SYNTH_LOW;
    int good = x - 1;

    while (m->next < m->width && (float)m->next < m->place[t.end]) {
        float u = synth_mirrored(&t, m->next);
        while ((float)good > u && good > 0 && synth_shift(m->place, good - 1) <= limit)
            good--;
        m->out[m->next++] = synth_fold(u > (float)good ? u : (float)good, m->width);
    }
    if (m->next < m->width && (float)m->next == m->place[t.end])
        m->out[m->next++] = t.end * SYNTH_UNIT;
    return t.end;
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
    if (synth_torn(m->place, x, m->reach, m->width, m->tear_px))
        return synth_hole(m, x);
    do {
        m->out[m->next] = synth_between(x, here, step, m->next);
        m->next++;
    } while ((float)m->next <= here && m->next < m->width);
    return x;
}
