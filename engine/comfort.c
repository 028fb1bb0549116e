#include "engine/comfort.h"

#include <math.h>
#include <string.h>

#define EYE_DISTANCE_M 0.063f
#define CROSSED_DEG 1.0f
// Parts of the picture that may lie nearer or farther than what the budget is made for.
#define TAIL 0.01
// The part of the picture, its middle counting most, that lies at or behind the subject.
#define SUBJECT 0.65
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
// The part of what lies at a border that is taken for noise.
#define BORDER_NOISE 0.05
// Limits are met up to this factor: rounding.
#define EXACT 1.001f

struct depths {
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
static float percentile(const uint32_t *bins, double part)
{
    double wanted = 0, below = 0;

    for (int i = 0; i < SPREAD_BINS; i++)
        wanted += part * bins[i];
    for (int i = 0; i < SPREAD_BINS; i++) {
        if (bins[i] > 0 && below + bins[i] >= wanted)
            return ((float)i + (float)((wanted - below) / bins[i])) / SPREAD_BINS;
        below += bins[i];
    }
    return 1;
}

static struct depths depths_of(const struct spread *s)
{
    return (struct depths){
        .least = -order_value(s->least),
        .most = order_value(s->most),
        .low = percentile(s->all, TAIL),
        .high = percentile(s->all, 1 - TAIL),
        .subject = percentile(s->subject, SUBJECT),
        .border = {percentile(s->border[0], 1 - BORDER_NOISE),
                   percentile(s->border[1], 1 - BORDER_NOISE)},
    };
}

// The part of `strength` that the budget allows for this scene.
static float allowed(const struct comfort_limits *l, const struct depths *d, float strength,
                     float convergence)
{
    float front = strength * (d->high - convergence), back = strength * (convergence - d->low),
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
                const struct depths *d, bool new_shot)
{
    bool jump = new_shot || !c->known;

    c->anchor = jump ? d->subject : between(c->anchor, d->subject - LEASH, d->subject + LEASH);
    float wanted = wish->auto_convergence ? c->anchor : settings->convergence;
    if (jump)
        c->factor = allowed(limits, d, c->strength, wanted);
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
        float factor = allowed(limits, d, c->strength, c->convergence);
        c->factor = ease(c->factor, factor, factor < c->factor ? EASE_IN : EASE_OUT);
    }
}

static void float_window(struct comfort *c, const struct comfort_view *v, const struct depths *d,
                         bool on, bool jump)
{
    for (int side = 0; side < 2; side++) {
        float near = between(d->border[side], v->low, v->high);
        float wanted = on ? fmaxf(v->strength * (near - v->convergence), 0) : 0;
        c->window[side] = jump ? wanted : ease(c->window[side], wanted, EASE_WINDOW);
    }
}

// What the eyes get of it.
static struct deep3d_parallax measure(const struct deep3d_comfort *wish,
                                      const struct comfort_view *v, const struct depths *d)
{
    struct comfort_limits limits = comfort_limits_for(wish);
    float unit_m = screen_known(wish) ? wish->screen_width_m / 100 : 0;
    struct deep3d_parallax p = {
        .strength = v->strength,
        .convergence = v->convergence,
        .window_pct = {v->window_pct[0], v->window_pct[1]},
        .crossed_pct = fmaxf(v->strength * (between(d->most, v->low, v->high) - v->convergence), 0),
        .uncrossed_pct =
            fmaxf(v->strength * (v->convergence - between(d->least, v->low, v->high)), 0),
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
                                   const struct deep3d_settings *settings,
                                   const struct spread *spread, bool new_shot)
{
    struct comfort_limits limits =
        wish->no_budget ? (struct comfort_limits){INFINITY, INFINITY} : comfort_limits_for(wish);
    struct depths depths = depths_of(spread);
    bool jump = new_shot || !c->known;
    struct comfort_view v = {0};

    c->strength =
        c->known ? ease(c->strength, settings->strength, EASE_SETTING) : settings->strength;
    aim(c, wish, &limits, settings, &depths, new_shot);
    v.strength = c->strength * c->factor;
    if (v.strength > 0) // further off not even the nearest or farthest depth is within the limits
        c->convergence = between(c->convergence, -limits.front_pct / v.strength,
                                 1 + limits.back_pct / v.strength);
    v.convergence = c->convergence;
    v.low = v.strength > 0 ? v.convergence - limits.back_pct / v.strength : 0;
    v.high = v.strength > 0 ? v.convergence + limits.front_pct / v.strength : 1;
    v.low = fmaxf(v.low, 0);
    v.high = fminf(v.high, 1);
    float_window(c, &v, &depths, wish->floating_window, jump);
    memcpy(v.window_pct, c->window, sizeof(v.window_pct));
    c->subject_pct = v.strength * (depths.subject - v.convergence);
    c->known = true;
    v.parallax = measure(wish, &v, &depths);
    return v;
}
