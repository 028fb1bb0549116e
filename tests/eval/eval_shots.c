#include "tests/eval/eval_shots.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

// A gradual shot may be told this much after its end.
#define LATE 2

static const char *const names[] = {
    [SHOT_CUT] = "cut", [SHOT_FADE] = "fade", [SHOT_DISSOLVE] = "dissolve"};

void eval_shots_add(struct eval_shots *shots, enum shot_kind kind, int first, int last)
{
    if (shots->count < EVAL_SHOTS_MAX)
        shots->shot[shots->count++] = (struct eval_shot){kind, first, last};
}

static bool read_line(struct eval_shots *out, const char *line)
{
    char word[16];
    int first, last, fields = sscanf(line, "%15s %d %d", word, &first, &last);

    if (fields < 1 || word[0] == '#')
        return true;
    for (int kind = SHOT_CUT; kind <= SHOT_DISSOLVE; kind++)
        if (strcmp(word, names[kind]) == 0 && fields >= (kind == SHOT_CUT ? 2 : 3)) {
            eval_shots_add(out, (enum shot_kind)kind, first, kind == SHOT_CUT ? first : last);
            return true;
        }
    return false;
}

bool eval_shots_read(struct eval_shots *out, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[256];
    bool ok = file != NULL;

    out->count = 0;
    while (ok && fgets(line, sizeof(line), file) != NULL)
        ok = read_line(out, line);
    if (!ok)
        fprintf(stderr, "deep3d-eval: %s cannot be read, or this line is no label: %s\n", path,
                file != NULL ? line : "");
    if (file != NULL)
        fclose(file);
    return ok;
}

static bool covers(const struct eval_shot *label, const struct eval_shot *found)
{
    int late = label->kind == SHOT_CUT ? 0 : LATE;

    return found->first >= label->first && found->first <= label->last + late;
}

static bool any_covers(const struct eval_shots *labels, const struct eval_shot *found)
{
    for (int i = 0; i < labels->count; i++)
        if (covers(&labels->shot[i], found))
            return true;
    return false;
}

struct eval_found eval_shots_judge(const struct eval_shots *found, const struct eval_shots *labels,
                                   enum shot_kind kind)
{
    struct eval_found f = {0};

    for (int i = 0; i < labels->count; i++) {
        bool seen = false;
        for (int k = 0; k < found->count; k++)
            seen = seen || covers(&labels->shot[i], &found->shot[k]);
        f.found += labels->shot[i].kind == kind && seen;
        f.missed += labels->shot[i].kind == kind && !seen;
    }
    for (int k = 0; k < found->count; k++)
        f.wrong += found->shot[k].kind == kind && found->shot[k].first > 0 &&
                   !any_covers(labels, &found->shot[k]);
    return f;
}

static void add_rates(cJSON *json, const char *name, struct eval_found f)
{
    cJSON *kind = cJSON_AddObjectToObject(json, name);
    int told = f.found + f.wrong, there = f.found + f.missed;

    cJSON_AddNumberToObject(kind, "found", f.found);
    cJSON_AddNumberToObject(kind, "missed", f.missed);
    cJSON_AddNumberToObject(kind, "wrong", f.wrong);
    if (told > 0)
        cJSON_AddNumberToObject(kind, "precision", (double)f.found / told);
    if (there > 0)
        cJSON_AddNumberToObject(kind, "recall", (double)f.found / there);
}

void eval_shots_report(const struct eval_shots *found, const struct eval_shots *labels, cJSON *json)
{
    cJSON *shots = cJSON_AddObjectToObject(json, "shots");
    cJSON *list = cJSON_AddArrayToObject(shots, "begin");

    for (int k = 0; k < found->count; k++) {
        cJSON *one = cJSON_CreateObject();
        cJSON_AddNumberToObject(one, "picture", found->shot[k].first);
        cJSON_AddStringToObject(one, "kind", names[found->shot[k].kind]);
        cJSON_AddItemToArray(list, one);
    }
    for (int kind = SHOT_CUT; labels != NULL && kind <= SHOT_DISSOLVE; kind++)
        add_rates(shots, names[kind], eval_shots_judge(found, labels, (enum shot_kind)kind));
}
