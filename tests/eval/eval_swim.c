#include "tests/eval/eval_swim.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/eval/eval_metrics.h"

// A pixel of the film stands still when its luma changes by no more than this, steps of 255.
#define STILL 8
// An edge of depth: so much of the range of nearness between points beside each other's neighbours.
#define EDGE 0.08f

struct eval_swim {
    int width, height, reach_px;
    bool known;
    uint8_t *now[3], *old[3]; // luma of the film and of both eyes
    int *moved;               // [width + 1]: pixels of a row that moved, before each
    bool *edge;               // [near_height][near_width]
    int edges;
    double film, eyes, count, all;
};

struct eval_swim *eval_swim_create(int width, int height, int reach_px)
{
    struct eval_swim *s = calloc(1, sizeof(*s));
    size_t pixels = (size_t)width * (size_t)height;

    *s = (struct eval_swim){.width = width, .height = height, .reach_px = reach_px};
    for (int i = 0; i < 3; i++) {
        s->now[i] = malloc(pixels);
        s->old[i] = malloc(pixels);
    }
    s->moved = malloc(((size_t)width + 1) * sizeof(*s->moved));
    return s;
}

void eval_swim_destroy(struct eval_swim **swim)
{
    struct eval_swim *s = *swim;

    if (s == NULL)
        return;
    for (int i = 0; i < 3; i++) {
        free(s->now[i]);
        free(s->old[i]);
    }
    free(s->moved);
    free(s->edge);
    free(s);
    *swim = NULL;
}

static float near_at(const struct eval_swim_picture *p, int x, int y)
{
    x = x < 0 ? 0 : x < p->near_width ? x : p->near_width - 1;
    y = y < 0 ? 0 : y < p->near_height ? y : p->near_height - 1;
    return p->nearness[y * p->near_width + x];
}

static void find_edges(struct eval_swim *s, const struct eval_swim_picture *p)
{
    int count = p->near_width * p->near_height;

    if (count > s->edges) {
        s->edge = realloc(s->edge, (size_t)count * sizeof(*s->edge));
        s->edges = count;
    }
    for (int i = 0; i < count; i++) {
        int x = i % p->near_width, y = i / p->near_width;
        s->edge[i] = fabsf(near_at(p, x - 1, y) - near_at(p, x + 1, y)) > EDGE ||
                     fabsf(near_at(p, x, y - 1) - near_at(p, x, y + 1)) > EDGE;
    }
}

static int change(const struct eval_swim *s, int which, int at)
{
    return abs(s->now[which][at] - s->old[which][at]);
}

static void compare_row(struct eval_swim *s, const struct eval_swim_picture *p, int y)
{
    const bool *edge = s->edge + y * p->near_height / s->height * p->near_width;
    int row = y * s->width;

    s->moved[0] = 0;
    for (int x = 0; x < s->width; x++)
        s->moved[x + 1] = s->moved[x] + (change(s, 0, row + x) > STILL);
    for (int x = s->reach_px; x < s->width - s->reach_px; x++) {
        if (s->moved[x + s->reach_px + 1] != s->moved[x - s->reach_px] ||
            !edge[x * p->near_width / s->width])
            continue;
        s->film += change(s, 0, row + x);
        s->eyes += (change(s, 1, row + x) + change(s, 2, row + x)) / 2.0;
        s->count++;
    }
}

void eval_swim_add(struct eval_swim *s, const struct eval_swim_picture *p, bool new_shot)
{
    const uint8_t *pictures[3] = {p->film, p->eyes[0], p->eyes[1]};

    for (int i = 0; i < 3; i++) {
        uint8_t *now = s->old[i];
        s->old[i] = s->now[i];
        s->now[i] = now;
        eval_luma(pictures[i], s->width, s->height, s->width, s->height, now);
    }
    if (s->known && !new_shot) {
        find_edges(s, p);
        for (int y = 0; y < s->height; y++)
            compare_row(s, p, y);
        s->all += (double)s->width * s->height;
    }
    s->known = true;
}

double eval_swim_steps(const struct eval_swim *s)
{
    return s->count > 0 ? (s->eyes - s->film) / s->count : 0;
}

double eval_swim_share(const struct eval_swim *s)
{
    return s->all > 0 ? s->count / s->all : 0;
}
