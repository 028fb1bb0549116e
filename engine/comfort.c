#include "engine/comfort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EYE_DISTANCE_M 0.063f
#define CROSSED_DEG 1.0f
#define BINS 256
// Parts of the picture that may lie nearer or farther than what the budget is made for.
#define TAIL 0.01
// The part of the picture, its middle counting most, that lies at or behind the subject.
#define SUBJECT 0.65
// About how many times more than its corners the middle of the picture counts.
#define MIDDLE 8
// So far the subject may leave the convergence before that follows it.
#define LEASH 0.06f
// Convergence may leave 0..1 by this much to match a cut.
#define MISMATCH 0.5f
// Part of the way that is gone with each picture, inside a shot.
#define EASE_IN 0.15f  // less depth: soon
#define EASE_OUT 0.02f // more depth: slowly
#define EASE_CONVERGENCE 0.03f
#define EASE_SETTING 0.2f // what the person sets is wanted now, but not as a jolt
#define EASE_WINDOW 0.1f
// The floating window looks at this part of the width at each border, and takes this part of what
// it finds there for noise.
#define BORDER 0.04f
#define BORDER_NOISE 0.05
// Limits are met up to this factor: rounding.
#define EXACT 1.001f

struct scene {
    float least, most;        // nearness
    float low, high, subject; // the same, without what is too little to count
    float border[2];          // the nearest at the left and right border
};

static float eyes_m(const struct deep3d_comfort *c)
{
    return c->eye_distance_m > 0 ? c->eye_distance_m : EYE_DISTANCE_M;
}

static bool screen_known(const struct deep3d_comfort *c)
{
    return c->screen_width_m > 0 && c->distance_m > 0;
}

struct comfort_limits comfort_limits_for(const struct deep3d_comfort *c)
{
    float eyes = eyes_m(c), budget = c->crossed_max_deg > 0 ? c->crossed_max_deg : CROSSED_DEG;

    if (!screen_known(c))
        return (struct comfort_limits){INFINITY, INFINITY};
    float half_angle = budget * (float)M_PI / 360 + atanf(eyes / (2 * c->distance_m));
    // an angle of half a turn is reached at the nose: no limit beyond that
    float front =
        half_angle < (float)M_PI / 2 ? 2 * c->distance_m * tanf(half_angle) - eyes : INFINITY;
    return (struct comfort_limits){100 * front / c->screen_width_m, 100 * eyes / c->screen_width_m};
}

float comfort_angle_deg(const struct deep3d_comfort *c, float parallax_m)
{
    float eyes = eyes_m(c), twice = 2 * c->distance_m;

    return 2 * (atanf((eyes + parallax_m) / twice) - atanf(eyes / twice)) * 180 / (float)M_PI;
}

// The nearness below which a part of the counts lies.
static float percentile(const unsigned *bins, double part)
{
    double wanted = 0, below = 0;

    for (int i = 0; i < BINS; i++)
        wanted += part * bins[i];
    for (int i = 0; i < BINS; i++) {
        if (bins[i] > 0 && below + bins[i] >= wanted)
            return ((float)i + (float)((wanted - below) / bins[i])) / BINS;
        below += bins[i];
    }
    return 1;
}

static unsigned *bin_of(unsigned *bins, float nearness)
{
    int bin = (int)(nearness * BINS);

    return &bins[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin];
}

// How near to the middle of 0..size-1, 0..MIDDLE.
static unsigned middle(int i, int size)
{
    return (unsigned)(MIDDLE * (size - abs(2 * i + 1 - size)) / size);
}

static void look_everywhere(const float *nearness, int width, int height, struct scene *s)
{
    unsigned bins[BINS] = {0}, subject[BINS] = {0};

    s->least = s->most = nearness[0];
    for (int y = 0; y < height; y++) {
        const float *row = nearness + (size_t)y * (size_t)width;
        unsigned weight = middle(y, height);
        for (int x = 0; x < width; x++) {
            s->least = row[x] < s->least ? row[x] : s->least;
            s->most = row[x] > s->most ? row[x] : s->most;
            *bin_of(bins, row[x]) += 1;
            *bin_of(subject, row[x]) += MIDDLE + weight * middle(x, width);
        }
    }
    s->low = percentile(bins, TAIL);
    s->high = percentile(bins, 1 - TAIL);
    s->subject = percentile(subject, SUBJECT);
}

static float look_at_border(const float *nearness, int width, int height, int first, int end)
{
    unsigned bins[BINS] = {0};

    for (int y = 0; y < height; y++)
        for (int x = first; x < end; x++)
            *bin_of(bins, nearness[(size_t)y * (size_t)width + (size_t)x]) += 1;
    return percentile(bins, 1 - BORDER_NOISE);
}

static struct scene look_at(const float *nearness, int width, int height)
{
    int border = (int)(BORDER * (float)width) + 1;
    struct scene s;

    border = border < width ? border : width;
    look_everywhere(nearness, width, height, &s);
    s.border[0] = look_at_border(nearness, width, height, 0, border);
    s.border[1] = look_at_border(nearness, width, height, width - border, width);
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

static float between(float v, float low, float high)
{
    return v < low ? low : v > high ? high : v;
}

// Convergence and the factor of strength for the next picture.
static void aim(struct comfort *c, const struct deep3d_comfort *wish,
                const struct comfort_limits *limits, const struct deep3d_settings *settings,
                const struct scene *s, bool new_shot)
{
    bool jump = new_shot || !c->known;

    c->anchor = jump ? s->subject : between(c->anchor, s->subject - LEASH, s->subject + LEASH);
    float wanted = wish->auto_convergence ? c->anchor : settings->convergence;
    if (jump)
        c->factor = allowed(limits, s, c->strength, wanted);
    if (!c->known)
        c->convergence = wanted;
    else if (!wish->auto_convergence)
        c->convergence = ease(c->convergence, wanted, EASE_SETTING);
    else if (!new_shot)
        c->convergence = ease(c->convergence, wanted, EASE_CONVERGENCE);
    else if (c->strength * c->factor > 0) // the subject keeps the parallax of the last one
        c->convergence =
            between(wanted - c->subject_pct / (c->strength * c->factor), -MISMATCH, 1 + MISMATCH);
    if (!jump) {
        float factor = allowed(limits, s, c->strength, c->convergence);
        c->factor = ease(c->factor, factor, factor < c->factor ? EASE_IN : EASE_OUT);
    }
}

static void float_window(struct comfort *c, const struct comfort_view *v, const struct scene *s,
                         bool on, bool jump)
{
    for (int side = 0; side < 2; side++) {
        float near = between(s->border[side], v->low, v->high);
        float wanted = on ? fmaxf(v->strength * (near - v->convergence), 0) : 0;
        c->window[side] = jump ? wanted : ease(c->window[side], wanted, EASE_WINDOW);
    }
}

// What the eyes get of it.
static struct deep3d_parallax measure(const struct deep3d_comfort *wish,
                                      const struct comfort_view *v, const struct scene *s)
{
    struct comfort_limits limits = comfort_limits_for(wish);
    float unit_m = screen_known(wish) ? wish->screen_width_m / 100 : 0;
    struct deep3d_parallax p = {
        .strength = v->strength,
        .convergence = v->convergence,
        .window_pct = {v->window_pct[0], v->window_pct[1]},
        .crossed_pct = fmaxf(v->strength * (between(s->most, v->low, v->high) - v->convergence), 0),
        .uncrossed_pct =
            fmaxf(v->strength * (v->convergence - between(s->least, v->low, v->high)), 0),
    };

    p.crossed_m = p.crossed_pct * unit_m;
    p.uncrossed_m = p.uncrossed_pct * unit_m;
    if (unit_m > 0) {
        p.crossed_deg = comfort_angle_deg(wish, p.crossed_m);
        p.uncrossed_deg = -comfort_angle_deg(wish, -p.uncrossed_m);
    }
    p.comfortable =
        p.crossed_pct <= limits.front_pct * EXACT && p.uncrossed_pct <= limits.back_pct * EXACT;
    return p;
}

struct comfort_view comfort_update(struct comfort *c, const struct deep3d_comfort *wish,
                                   const struct deep3d_settings *settings, const float *nearness,
                                   int width, int height, bool new_shot)
{
    struct comfort_limits limits =
        wish->no_budget ? (struct comfort_limits){INFINITY, INFINITY} : comfort_limits_for(wish);
    struct scene scene = look_at(nearness, width, height);
    bool jump = new_shot || !c->known;
    struct comfort_view v = {0};

    c->strength =
        c->known ? ease(c->strength, settings->strength, EASE_SETTING) : settings->strength;
    aim(c, wish, &limits, settings, &scene, new_shot);
    v.convergence = c->convergence;
    v.strength = c->strength * c->factor;
    v.low = v.strength > 0 ? v.convergence - limits.back_pct / v.strength : 0;
    v.high = v.strength > 0 ? v.convergence + limits.front_pct / v.strength : 1;
    v.low = fmaxf(v.low, 0);
    v.high = fminf(v.high, 1);
    float_window(c, &v, &scene, wish->floating_window, jump);
    memcpy(v.window_pct, c->window, sizeof(v.window_pct));
    c->subject_pct = v.strength * (scene.subject - v.convergence);
    c->known = true;
    v.parallax = measure(wish, &v, &scene);
    return v;
}
