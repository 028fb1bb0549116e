#include "engine/comfort.h"

#include <math.h>
#include <string.h>

#define EYE_DISTANCE_M 0.063f
#define CROSSED_DEG 1.0f
#define BINS 256
// Parts of the picture that may lie nearer or farther than what the budget is made for.
#define TAIL 0.01
// The part of the picture that lies behind the screen when convergence is automatic.
#define SUBJECT 0.7
// Part of the way that is gone with each picture, inside a shot.
#define EASE_IN 0.15f  // less depth: soon
#define EASE_OUT 0.02f // more depth: slowly
#define EASE_CONVERGENCE 0.03f
// The floating window looks at this part of the width at each border.
#define BORDER 0.04f

struct scene {
    float low, high, subject; // nearness
    float border[2];          // the nearest at the left and right border
};

struct comfort_limits comfort_limits_for(const struct deep3d_comfort *c)
{
    float eyes = c->eye_distance_m > 0 ? c->eye_distance_m : EYE_DISTANCE_M;
    float budget = (c->crossed_max_deg > 0 ? c->crossed_max_deg : CROSSED_DEG) * (float)M_PI / 180;

    if (!(c->screen_width_m > 0) || !(c->distance_m > 0))
        return (struct comfort_limits){INFINITY, INFINITY};
    float half_angle = budget / 2 + atanf(eyes / (2 * c->distance_m));
    // an angle of half a turn is reached at the nose: no limit beyond that
    float front =
        half_angle < (float)M_PI / 2 ? 2 * c->distance_m * tanf(half_angle) - eyes : INFINITY;
    return (struct comfort_limits){100 * front / c->screen_width_m, 100 * eyes / c->screen_width_m};
}

static float percentile(const unsigned *bins, unsigned total, double part)
{
    double wanted = part * total, below = 0;

    for (int i = 0; i < BINS; i++) {
        if (bins[i] > 0 && below + bins[i] >= wanted)
            return ((float)i + (float)((wanted - below) / bins[i])) / BINS;
        below += bins[i];
    }
    return 1;
}

static void count(const float *nearness, int width, int height, int first, int end, unsigned *bins)
{
    for (int y = 0; y < height; y++)
        for (int x = first; x < end; x++) {
            int bin = (int)(nearness[(size_t)y * (size_t)width + (size_t)x] * BINS);
            bins[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]++;
        }
}

static struct scene look_at(const float *nearness, int width, int height)
{
    unsigned bins[BINS] = {0}, total = (unsigned)width * (unsigned)height;
    int border = (int)(BORDER * (float)width) + 1;
    struct scene s;

    count(nearness, width, height, 0, width, bins);
    s.low = percentile(bins, total, TAIL);
    s.high = percentile(bins, total, 1 - TAIL);
    s.subject = percentile(bins, total, SUBJECT);
    border = border < width ? border : width;
    for (int side = 0; side < 2; side++) {
        memset(bins, 0, sizeof(bins));
        count(nearness, width, height, side == 0 ? 0 : width - border, side == 0 ? border : width,
              bins);
        s.border[side] = percentile(bins, (unsigned)border * (unsigned)height, 0.95);
    }
    return s;
}

// The part of `strength` that the budget allows for this scene.
static float allowed(const struct comfort_limits *l, const struct scene *s, float strength,
                     float convergence)
{
    float front = strength * (s->high - convergence), back = strength * (convergence - s->low),
          factor = 1;

    if (front > l->front_pct)
        factor = l->front_pct / front;
    if (back * factor > l->back_pct)
        factor = l->back_pct / back;
    return factor;
}

static float ease(float from, float to, float part)
{
    return from + part * (to - from);
}

struct comfort_view comfort_update(struct comfort *c, const struct deep3d_comfort *comfort,
                                   const struct deep3d_settings *settings, const float *nearness,
                                   int width, int height, bool new_shot)
{
    struct comfort_limits limits = comfort_limits_for(comfort);
    struct scene scene = look_at(nearness, width, height);
    bool jump = new_shot || !c->known;
    struct comfort_view v = {.strength = settings->strength, .convergence = settings->convergence};

    c->convergence = jump ? scene.subject : ease(c->convergence, scene.subject, EASE_CONVERGENCE);
    if (comfort->auto_convergence)
        v.convergence = c->convergence;
    float factor = allowed(&limits, &scene, v.strength, v.convergence);
    c->factor = jump ? factor : ease(c->factor, factor, factor < c->factor ? EASE_IN : EASE_OUT);
    v.strength *= c->factor;
    v.low = v.strength > 0 ? v.convergence - limits.back_pct / v.strength : 0;
    v.high = v.strength > 0 ? v.convergence + limits.front_pct / v.strength : 1;
    v.low = v.low > 0 ? v.low : 0;
    v.high = v.high < 1 ? v.high : 1;
    for (int side = 0; side < 2; side++) {
        float near = scene.border[side] < v.high ? scene.border[side] : v.high;
        float wanted = fmaxf(v.strength * (near - v.convergence), 0);
        c->window[side] = jump ? wanted : ease(c->window[side], wanted, EASE_CONVERGENCE);
        v.window_pct[side] = comfort->floating_window ? c->window[side] : 0;
    }
    c->known = true;
    return v;
}
