#include "viewer/stats_comfort.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>

static const struct {
    const char *name;
    double bin;
} rows[STATS_PARALLAXES] = {
    [CROSSED_DEG] = {"crossed_deg", 0.05},
    [UNCROSSED_DEG] = {"uncrossed_deg", 0.05},
    [CROSSED_CM] = {"crossed_cm", 0.1},
    [UNCROSSED_CM] = {"uncrossed_cm", 0.1},
};

static void add(struct stats_comfort *c, enum stats_parallax kind, float value)
{
    int bin = (int)fmin(value / rows[kind].bin, STATS_BINS - 1);

    atomic_fetch_add_explicit(&c->bins[kind][bin], 1, memory_order_relaxed);
    if (value > atomic_load_explicit(&c->most[kind], memory_order_relaxed))
        atomic_store_explicit(&c->most[kind], value, memory_order_relaxed);
}

void stats_comfort_add(struct stats_comfort *c, const struct deep3d_parallax *parallax)
{
    add(c, CROSSED_DEG, parallax->crossed_deg);
    add(c, UNCROSSED_DEG, parallax->uncrossed_deg);
    add(c, CROSSED_CM, parallax->crossed_m * 100);
    add(c, UNCROSSED_CM, parallax->uncrossed_m * 100);
    atomic_fetch_add_explicit(&c->frames, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->comfortable, parallax->comfortable, memory_order_relaxed);
}

double stats_comfort_share(const struct stats_comfort *c)
{
    int64_t frames = atomic_load(&c->frames);

    return frames > 0 ? (double)atomic_load(&c->comfortable) / (double)frames : 1;
}

double stats_comfort_part(const struct stats_comfort *c, enum stats_parallax kind, double part)
{
    double wanted = part * (double)atomic_load(&c->frames), seen = 0;
    double most = (double)atomic_load(&c->most[kind]);

    for (int i = 0; i < STATS_BINS - 1; i++) {
        seen += c->bins[kind][i];
        if (seen > 0 && seen >= wanted)
            return fmin((i + 1) * rows[kind].bin, most);
    }
    return most;
}

// A histogram without the empty bins at its end.
static cJSON *bins_of(const struct stats_comfort *c, enum stats_parallax kind)
{
    cJSON *array = cJSON_CreateArray();
    int count = STATS_BINS;

    while (count > 0 && c->bins[kind][count - 1] == 0)
        count--;
    for (int i = 0; i < count; i++)
        cJSON_AddItemToArray(array, cJSON_CreateNumber(c->bins[kind][i]));
    return array;
}

void stats_comfort_add_json(const struct stats_comfort *c, cJSON *parent)
{
    cJSON *comfort = cJSON_AddObjectToObject(parent, "comfort");

    cJSON_AddNumberToObject(comfort, "frames", (double)atomic_load(&c->frames));
    cJSON_AddNumberToObject(comfort, "within_budget", stats_comfort_share(c));
    for (int kind = 0; kind < STATS_PARALLAXES; kind++) {
        cJSON *row = cJSON_AddObjectToObject(comfort, rows[kind].name);

        cJSON_AddNumberToObject(row, "p50", stats_comfort_part(c, kind, 0.5));
        cJSON_AddNumberToObject(row, "p95", stats_comfort_part(c, kind, 0.95));
        cJSON_AddNumberToObject(row, "most", (double)atomic_load(&c->most[kind]));
        cJSON_AddNumberToObject(row, "bin", rows[kind].bin);
        cJSON_AddItemToObject(row, "frames", bins_of(c, kind));
    }
}

void stats_comfort_print(const struct stats_comfort *c)
{
    if (atomic_load(&c->frames) == 0)
        return;
    printf("depth up to %.2f degrees before the screen and %.1f cm behind it; %.1f %% of the "
           "frames within the budget of eyes\n",
           (double)atomic_load(&c->most[CROSSED_DEG]), (double)atomic_load(&c->most[UNCROSSED_CM]),
           stats_comfort_share(c) * 100);
}
