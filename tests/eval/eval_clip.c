// A film through the whole converter: where its shots begin, how steady depth is in them, how soon
// it is the new one's once they are all there, and how many pictures keep the budget of comfort.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/comfort.h"
#include "engine/deep3d.h"
#include "engine/glance.h"
#include "tests/eval/eval.h"
#include "tests/eval/eval_flicker.h"
#include "tests/eval/eval_shots.h"
#include "tests/eval/eval_swim.h"

// The screen that the budget is asked for: the player's own default, 3 m wide and 3 m away.
static const struct deep3d_comfort screen = {.screen_width_m = 3, .distance_m = 3};
// Lag: how many pictures after the first that has nothing of the old shot (a cut's first, or the
// one after a fade or a dissolve) nearness differs from what the picture says by itself by at most
// this part of what the old shot's last nearness does.
#define LAG_LEFT 0.1
// Pictures after a shot's beginning that are looked at.
#define LAG_MOST 24
// A set of pictures is written out of this many.
#define PICTURES_EVERY 30

struct clip {
    struct eval_network *network; // for what a picture says by itself
    struct deep3d *converter;
    struct eval_film *film;
    const struct eval_clip_params *params;
    // read ahead, the oldest first; of one size
    struct eval_picture ahead[DEEP3D_FORESIGHT + 1];
    int ahead_count;
    bool ended;

    struct shot shot;
    struct eval_shots found, labels;
    struct eval_flicker *flicker, *raw_flicker;
    struct eval_swim *swim;
    uint8_t *eyes[2];
    float *before; // nearness of the last picture that was all the old shot's
    int shot_first;
    double lag_sum, within, within_raw, strength, flat;
    int pictures, lags;
    bool turning, lag_open; // between two shots; after that
};

static struct deep3d_picture describe(const struct eval_picture *p)
{
    return (struct deep3d_picture){.width = p->width,
                                   .height = p->height,
                                   .plane = {p->rgba},
                                   .stride_bytes = {(ptrdiff_t)p->width * 4},
                                   .layout = DEEP3D_RGBA,
                                   .matrix = DEEP3D_MATRIX_RGB,
                                   .bits = 8,
                                   .full_range = true};
}

// Reads as far ahead as the player does. A film that changes its size is judged up to there.
static void read_ahead(struct clip *c)
{
    struct eval_picture p;
    struct glance glance;
    struct image image = glance_image(&glance);

    while (!c->ended && c->ahead_count <= DEEP3D_FORESIGHT) {
        struct eval_picture *to = &c->ahead[c->ahead_count];
        c->ended = !eval_film_next(c->film, &p) ||
                   (to->rgba != NULL && (p.width != to->width || p.height != to->height));
        if (c->ended)
            return;
        if (to->rgba == NULL)
            *to = (struct eval_picture){p.width, p.height,
                                        malloc((size_t)p.width * (size_t)p.height * 4)};
        memcpy(to->rgba, p.rgba, (size_t)p.width * (size_t)p.height * 4);
        struct deep3d_picture picture = describe(to);
        glance_take(&glance, &picture);
        shot_feed(&c->shot, &image);
        if (c->converter != NULL)
            deep3d_foresee(c->converter, &picture);
        c->ahead_count++;
    }
}

static double difference(const float *a, const float *b, int count)
{
    double sum = 0;

    for (int i = 0; i < count; i++)
        sum += fabs((double)a[i] - (double)b[i]);
    return sum / count;
}

// On the way from one shot to another, of the labels. True: the new one is there.
static bool turn_by_labels(struct clip *c)
{
    bool there = false;

    c->turning = false;
    for (int i = 0; i < c->labels.count; i++) {
        const struct eval_shot *s = &c->labels.shot[i];
        there = there || s->last == c->pictures;
        c->turning = c->turning || (s->first <= c->pictures && c->pictures < s->last);
    }
    return there;
}

// The same of those found: a fade or a dissolve is over when the past counts again.
static bool turn_as_found(struct clip *c, struct shot_step step)
{
    bool turned = c->turning, cut = step.begins == SHOT_CUT && c->pictures > 0;

    c->turning = step.begins == SHOT_FADE || step.begins == SHOT_DISSOLVE ||
                 (turned && !cut && step.turn > 0);
    return cut || (turned && !c->turning);
}

static void end_lag(struct clip *c)
{
    c->lag_sum += c->pictures - c->shot_first;
    c->lags++;
    c->lag_open = false;
}

// How long something of the old shot's depth remains.
static void follow_lag(struct clip *c, const float *near, const float *raw, int count)
{
    if (!c->lag_open)
        return;
    int late = c->pictures - c->shot_first;
    if (difference(near, raw, count) > LAG_LEFT * difference(c->before, raw, count) &&
        late < LAG_MOST)
        return;
    end_lag(c);
}

// As it is drawn, and as strength alone would have it.
static void follow_comfort(struct clip *c, const float *near, int count)
{
    struct deep3d_parallax drawn = deep3d_last_parallax(c->converter);
    struct comfort_limits limits = comfort_limits_for(&screen);
    float low = 1, high = 0;

    for (int i = 0; i < count; i++) {
        low = fminf(low, near[i]);
        high = fmaxf(high, near[i]);
    }
    c->within += drawn.comfortable;
    c->within_raw +=
        c->params->strength * (high - DEEP3D_CONVERGENCE_DEFAULT) <= limits.front_pct &&
        c->params->strength * (DEEP3D_CONVERGENCE_DEFAULT - low) <= limits.back_pct;
    c->strength += drawn.strength;
}

static void write_pictures(const struct clip *c, const struct eval_picture *p, const float *near,
                           int width, int height)
{
    char path[1200];

    struct eval_sheet sheet = {.width = p->width,
                               .height = p->height,
                               .left = c->eyes[0],
                               .nearness = near,
                               .near_width = width,
                               .near_height = height,
                               .right = c->eyes[1],
                               .right_truth = c->eyes[0]};

    snprintf(path, sizeof(path), "%s/%05d.png", c->params->pictures, c->pictures);
    eval_picture_write_sheet(path, &sheet);
}

// How far an eye's pixels may come from: half of all parallax, and as much for a hole's filling.
static int reach_px(const struct clip *c, int width)
{
    return (int)(c->params->strength / 100 * (float)width) + 8;
}

// Nearness of the picture that was just converted, beside what it says by itself.
static bool look_at(struct clip *c, const struct eval_picture *p, struct shot_step step)
{
    struct depth_answer raw;
    int width, height;
    const float *near = deep3d_nearness(c->converter, &width, &height);
    bool there = c->params->labels != NULL ? turn_by_labels(c) : turn_as_found(c, step);
    bool apart = step.turn >= 1 || there;

    if (near == NULL || !eval_network_run(c->network, p, &raw) || raw.width != width ||
        raw.height != height)
        return false;
    if (c->flicker == NULL) {
        c->flicker = eval_flicker_create(width, height);
        c->raw_flicker = eval_flicker_create(width, height);
        c->swim = eval_swim_create(p->width, p->height, reach_px(c, p->width));
        c->before = malloc((size_t)(width * height) * sizeof(float));
    }
    if (there) {
        if (c->lag_open)
            end_lag(c); // with this shot the old one's depth goes at last
        c->shot_first = c->pictures;
        c->lag_open = true;
    }
    follow_lag(c, near, raw.nearness, width * height);
    follow_comfort(c, near, width * height);
    c->flat += deep3d_last_flat(c->converter).share;
    eval_flicker_add(c->flicker, p->rgba, p->width, p->height, near, apart);
    eval_flicker_add(c->raw_flicker, p->rgba, p->width, p->height, raw.nearness, apart);
    eval_swim_add(
        c->swim,
        &(struct eval_swim_picture){p->rgba, {c->eyes[0], c->eyes[1]}, near, width, height}, apart);
    if (!c->lag_open && !c->turning)
        memcpy(c->before, near, (size_t)(width * height) * sizeof(float));
    if (c->params->pictures != NULL && c->pictures % PICTURES_EVERY == 0)
        write_pictures(c, p, near, width, height);
    return true;
}

static bool convert(struct clip *c, const struct eval_picture *p)
{
    const struct deep3d_settings settings = {
        .strength = c->params->strength, .convergence = DEEP3D_CONVERGENCE_DEFAULT, .flat = true};
    struct deep3d_picture picture = describe(p);

    for (int i = 0; i < 2 && c->eyes[i] == NULL; i++)
        c->eyes[i] = malloc((size_t)p->width * (size_t)p->height * 4);
    struct deep3d_eyes eyes = {.width = p->width,
                               .height = p->height,
                               .pixels = {c->eyes[0], c->eyes[1]},
                               .stride_bytes = (size_t)p->width * 4};
    return deep3d_convert(c->converter, &picture, &settings, &eyes);
}

static bool run(struct clip *c)
{
    for (read_ahead(c); c->ahead_count > 0; read_ahead(c)) {
        struct eval_picture p = c->ahead[0];
        struct shot_step step = shot_next(&c->shot);

        if (step.begins != SHOT_SAME)
            eval_shots_add(&c->found, step.begins, c->pictures, c->pictures);
        if (!c->params->shots_only && (!convert(c, &p) || !look_at(c, &p, step)))
            return false;
        c->pictures++;
        memmove(c->ahead, c->ahead + 1, DEEP3D_FORESIGHT * sizeof(*c->ahead));
        c->ahead[DEEP3D_FORESIGHT] = p;
        c->ahead_count--;
    }
    return c->pictures > 0;
}

static void report_depth(const struct clip *c, cJSON *clip)
{
    cJSON_AddNumberToObject(clip, "flicker", eval_flicker_percent(c->flicker));
    cJSON_AddNumberToObject(clip, "flicker_unfiltered", eval_flicker_percent(c->raw_flicker));
    if (eval_swim_share(c->swim) > 0) {
        cJSON_AddNumberToObject(clip, "swim", eval_swim_steps(c->swim));
        cJSON_AddNumberToObject(clip, "swim_share", eval_swim_share(c->swim));
    }
    if (c->lags > 0)
        cJSON_AddNumberToObject(clip, "lag_pictures", c->lag_sum / c->lags);
    cJSON_AddNumberToObject(clip, "comfortable_share", c->within / c->pictures);
    cJSON_AddNumberToObject(clip, "comfortable_share_unlimited", c->within_raw / c->pictures);
    cJSON_AddNumberToObject(clip, "strength", c->strength / c->pictures);
    cJSON_AddNumberToObject(clip, "flat_share", c->flat / c->pictures);
    struct deep3d_flat last = deep3d_last_flat(c->converter);
    cJSON_AddNumberToObject(clip, "bars_px",
                            last.left_px + last.top_px + last.right_px + last.bottom_px);
}

static bool open_clip(struct clip *c)
{
    const struct eval_clip_params *p = c->params;

    if (p->labels != NULL && !eval_shots_read(&c->labels, p->labels))
        return false;
    c->film = eval_film_open(p->path);
    if (c->film == NULL || p->shots_only)
        return c->film != NULL;
    c->network = eval_network_create(p->model, p->backend);
    c->converter = deep3d_create(&(struct deep3d_params){.model = p->model, .backend = p->backend});
    if (c->converter != NULL)
        deep3d_set_comfort(c->converter, &screen);
    return c->network != NULL && c->converter != NULL;
}

bool eval_clip(const struct eval_clip_params *params, cJSON *json)
{
    static struct clip clip;
    struct clip *c = &clip;
    bool ok;

    *c = (struct clip){.params = params};
    ok = open_clip(c) && run(c);
    if (ok) {
        cJSON *figures = cJSON_AddObjectToObject(json, "clip");
        cJSON_AddNumberToObject(figures, "pictures", c->pictures);
        if (!params->shots_only)
            report_depth(c, figures);
        eval_shots_report(&c->found, params->labels != NULL ? &c->labels : NULL, json);
    }
    for (int i = 0; i <= DEEP3D_FORESIGHT; i++)
        free(c->ahead[i].rgba);
    free(c->eyes[0]);
    free(c->eyes[1]);
    free(c->before);
    eval_flicker_destroy(&c->flicker);
    eval_flicker_destroy(&c->raw_flicker);
    eval_swim_destroy(&c->swim);
    deep3d_destroy(&c->converter);
    eval_network_destroy(&c->network);
    eval_film_close(&c->film);
    return ok;
}
