#include "viewer/stats_governor.h"

#include <cjson/cJSON.h>
#include <stdio.h>

void stats_governor_add_json(const struct stats_governor *g, cJSON *parent)
{
    cJSON *governor = cJSON_AddObjectToObject(parent, "governor"), *steps;

    cJSON_AddBoolToObject(governor, "on", g->on);
    cJSON_AddNumberToObject(governor, "changes", (double)g->changes);
    steps = cJSON_AddArrayToObject(governor, "steps");
    for (int i = 0; i < GOVERNOR_STEPS && g->steps[i].every > 0; i++) {
        cJSON *step = cJSON_CreateObject();

        cJSON_AddNumberToObject(step, "width", g->steps[i].width);
        cJSON_AddNumberToObject(step, "height", g->steps[i].height);
        cJSON_AddNumberToObject(step, "every", g->steps[i].every);
        cJSON_AddNumberToObject(step, "frames", (double)g->steps[i].frames);
        cJSON_AddItemToArray(steps, step);
    }
}

void stats_governor_print(const struct stats_governor *g)
{
    if (g->changes == 0)
        return;
    printf("governor: %lld changes; frames by the network's input", (long long)g->changes);
    for (int i = 0; i < GOVERNOR_STEPS; i++) {
        if (g->steps[i].frames == 0)
            continue;
        printf(", %dx%d", g->steps[i].width, g->steps[i].height);
        if (g->steps[i].every > 1)
            printf(" 1 in %d", g->steps[i].every);
        printf(": %lld", (long long)g->steps[i].frames);
    }
    puts("");
}
