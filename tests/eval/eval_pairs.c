// Stereo pairs: the right view drawn from the left one by each way, against the true one.
#include <cjson/cJSON.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/eval/eval.h"
#include "tests/eval/eval_metrics.h"
#include "tests/eval/eval_pair.h"
#include "tests/eval/eval_views.h"

// Points whose disparity must be known.
#define VALID_LEAST 4000
#define KINDS_MAX 64

enum figure { RANK, ROW, ORDER, SIOU, SSIM, EDGE, FIGURES };

static const char *const figure_names[FIGURES] = {"rank", "row", "order", "siou", "ssim", "edge"};

// Sums over the pairs of one kind.
struct tally {
    char kind[64];
    int pairs;
    double sum[EVAL_WAYS][FIGURES];
};

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

// Nearness at the truth's size.
static float *nearness_for(const struct eval_pair *p, const struct depth_answer *a)
{
    float *out = malloc((size_t)(EVAL_PAIR_WIDTH * p->height) * sizeof(float));

    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < EVAL_PAIR_WIDTH; x++)
            out[y * EVAL_PAIR_WIDTH + x] = a->nearness[(y * a->height / p->height) * a->width +
                                                       x * a->width / EVAL_PAIR_WIDTH];
    return out;
}

// The range and zero with which nearness fits the truth best, so that only its shape is judged.
// Least squares over valid points, twice, the second time without the worst. Returns the valid
// points.
static int fit(const struct eval_pair *p, const float *near, struct eval_scene *scene)
{
    double unit = (double)p->left.width / EVAL_PAIR_WIDTH, gain = 0, zero = 0, limit = INFINITY;
    int valid = 0, count = EVAL_PAIR_WIDTH * p->height;
    float *sorted = malloc((size_t)count * sizeof(float));

    for (int round = 0; round < 2; round++) {
        double n = 0, x = 0, y = 0, xx = 0, xy = 0, error = 0;
        for (int i = 0; i < count; i++) {
            if (isnan(p->truth[i]) || fabs(gain * near[i] + zero - p->truth[i]) > limit)
                continue;
            n++, x += near[i], y += p->truth[i], xx += (double)near[i] * near[i],
                xy += (double)near[i] * p->truth[i];
        }
        double variance = xx - x * x / n;
        gain = variance > 1e-6 * n ? fmax((xy - x * y / n) / variance, 0) : 0;
        zero = (y - gain * x) / n;
        for (int i = 0; i < count; i++)
            error += isnan(p->truth[i]) ? 0 : fabs(gain * near[i] + zero - p->truth[i]);
        limit = 2.5 * error / n;
    }
    for (int i = 0; i < count; i++)
        if (!isnan(p->truth[i]))
            sorted[valid++] = p->truth[i];
    qsort(sorted, (size_t)valid, sizeof(*sorted), by_float);
    // a gain of nothing cannot hold a zero: so small that it is none
    gain = fmax(gain, 1e-3);
    scene->gain_px = (float)(gain * unit);
    scene->convergence = (float)(-zero / gain);
    scene->shift_px = valid > 0 ? (float)(sorted[valid / 2] * unit) : 0;
    free(sorted);
    return valid;
}

static void write_sheet(const char *pictures, const struct eval_pair *p,
                        const struct depth_answer *answer, const uint8_t *view)
{
    char path[1400];
    struct eval_sheet sheet = {.width = p->left.width,
                               .height = p->left.height,
                               .left = p->left.rgba,
                               .nearness = answer->nearness,
                               .near_width = answer->width,
                               .near_height = answer->height,
                               .right = view,
                               .right_truth = p->right.rgba};

    snprintf(path, sizeof(path), "%s/%s.png", pictures, p->name);
    eval_picture_write_sheet(path, &sheet);
}

static void judge(const struct eval_pair *p, const struct eval_scene *scene,
                  const struct eval_order *order, const char *pictures, struct tally *tallies[2])
{
    uint8_t *view = malloc((size_t)p->left.width * (size_t)p->left.height * 4);

    for (int way = 0; way < EVAL_WAYS; way++) {
        eval_draw(scene, (enum eval_way)way, view);
        double f[FIGURES] = {
            order->rank,
            order->row,
            order->order,
            eval_siou(view, p->right.rgba, p->left.rgba, p->left.width, p->left.height),
            eval_ssim(view, p->right.rgba, p->left.width, p->left.height),
            eval_edge_error(view, p->right.rgba, p->left.width, p->left.height)};
        for (int t = 0; t < 2; t++)
            for (int i = 0; i < FIGURES; i++)
                tallies[t]->sum[way][i] += f[i];
        if (pictures != NULL && way == EVAL_FORWARD)
            write_sheet(pictures, p, &scene->answer, view);
    }
    tallies[0]->pairs++;
    tallies[1]->pairs++;
    free(view);
}

// Holes of a row take the farther of the two values beside them.
static void fill_row(float *row, int width)
{
    for (int x = 0; x < width;) {
        int end = x;
        while (end < width && isnan(row[end]))
            end++;
        float before = x > 0 ? row[x - 1] : NAN, after = end < width ? row[end] : NAN;
        float value = isnan(before) ? after : isnan(after) ? before : fminf(before, after);
        for (int i = x; i < end; i++)
            row[i] = value;
        x = end + 1;
    }
}

// The matched disparity in the place of the network's answer: it shows what the ways of drawing are
// worth by themselves.
static void use_truth(const struct eval_pair *p, const struct depth_answer *answer, float *out)
{
    float *full = malloc((size_t)(EVAL_PAIR_WIDTH * p->height) * sizeof(float)), low = INFINITY,
          high = -INFINITY;

    memcpy(full, p->truth, (size_t)(EVAL_PAIR_WIDTH * p->height) * sizeof(float));
    for (int y = 0; y < p->height; y++) {
        fill_row(full + y * EVAL_PAIR_WIDTH, EVAL_PAIR_WIDTH);
        for (int x = 0; x < EVAL_PAIR_WIDTH; x++) {
            float *d = &full[y * EVAL_PAIR_WIDTH + x];
            *d = !isnan(*d) ? *d : y > 0 ? d[-EVAL_PAIR_WIDTH] : 0;
            low = fminf(low, *d);
            high = fmaxf(high, *d);
        }
    }
    for (int y = 0; y < answer->height; y++)
        for (int x = 0; x < answer->width; x++) {
            float d = full[(y * p->height / answer->height) * EVAL_PAIR_WIDTH +
                           x * EVAL_PAIR_WIDTH / answer->width];
            out[y * answer->width + x] = (d - low) / fmaxf(high - low, 1e-3f);
        }
    free(full);
}

static bool run_pair(const struct eval_pairs_params *params, const struct eval_pair *p,
                     struct tally *tallies[2])
{
    struct eval_scene scene = {.left = &p->left};
    float *matched = NULL;

    if (!eval_network_run(params->network, &p->left, &scene.answer))
        return false;
    if (params->matched_depth) {
        matched = malloc((size_t)(scene.answer.width * scene.answer.height) * sizeof(float));
        use_truth(p, &scene.answer, matched);
        scene.answer.nearness = matched;
    } else {
        scene.probability = eval_network_levels(params->network, &scene.levels);
    }
    float *near = nearness_for(p, &scene.answer);
    if (fit(p, near, &scene) >= VALID_LEAST) {
        struct eval_order order = eval_order_of(near, p->truth, EVAL_PAIR_WIDTH, p->height);
        judge(p, &scene, &order, params->pictures, tallies);
        printf("%-40s rank %.3f row %.3f order %.3f\n", p->name, order.rank, order.row,
               order.order);
    } else {
        printf("%-40s too little of it can be matched\n", p->name);
    }
    free(near);
    free(matched);
    return true;
}

// The kind of a pair, from manifest.csv where the folder has one (name,kind,...), else "all".
static void kind_of(const char *folder, const char *name, char *out, size_t size)
{
    char path[1200], line[2048];
    size_t length = strlen(name);
    FILE *file;

    snprintf(out, size, "all");
    snprintf(path, sizeof(path), "%s/manifest.csv", folder);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (strncmp(line, name, length) == 0 && line[length] == ',') {
            line[length + 1 + strcspn(line + length + 1, ",\n")] = '\0';
            snprintf(out, size, "%s", line + length + 1);
        }
    if (file != NULL)
        fclose(file);
}

static struct tally *tally_for(struct tally *kinds, int *count, const char *kind)
{
    for (int i = 0; i < *count; i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            return &kinds[i];
    snprintf(kinds[*count].kind, sizeof(kinds[*count].kind), "%s", kind);
    return &kinds[(*count)++];
}

static cJSON *tally_json(const struct tally *t)
{
    cJSON *json = cJSON_CreateObject();

    cJSON_AddNumberToObject(json, "pairs", t->pairs);
    for (int i = 0; i < FIGURES; i++)
        cJSON_AddNumberToObject(json, figure_names[i], t->sum[EVAL_FORWARD][i] / t->pairs);
    for (int way = 0; way < EVAL_FORWARD; way++) {
        cJSON *other = cJSON_AddObjectToObject(json, eval_way_names[way]);
        for (int i = SIOU; i < FIGURES; i++)
            cJSON_AddNumberToObject(other, figure_names[i], t->sum[way][i] / t->pairs);
    }
    return json;
}

static int left_only(const struct dirent *entry)
{
    return strstr(entry->d_name, "_left.") != NULL;
}

struct tallies {
    struct tally all, kinds[KINDS_MAX];
    int kind_count;
};

static void run_folder(const struct eval_pairs_params *params, struct tallies *t)
{
    struct dirent **entries;
    int count = scandir(params->path, &entries, left_only, alphasort);

    for (int i = 0; i < count; i++) {
        struct eval_pair p;
        char kind[64];
        *strstr(entries[i]->d_name, "_left.") = '\0';
        kind_of(params->path, entries[i]->d_name, kind, sizeof(kind));
        if (eval_pair_read(&p, params->path, entries[i]->d_name) && t->kind_count < KINDS_MAX - 1)
            run_pair(params, &p,
                     (struct tally *[2]){&t->all, tally_for(t->kinds, &t->kind_count, kind)});
        else
            fprintf(stderr, "deep3d-eval: %s: no pair of pictures of one size\n",
                    entries[i]->d_name);
        eval_pair_free(&p);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void run_film(const struct eval_pairs_params *params, struct tallies *t)
{
    struct eval_film *film = eval_film_open(params->path);
    struct eval_pair p;

    for (int n = 0; film != NULL && eval_pair_from_film(&p, film, params->halves, params->every);
         n++) {
        snprintf(p.name, sizeof(p.name), "%05d", n * params->every + params->every - 1);
        run_pair(params, &p,
                 (struct tally *[2]){&t->all, tally_for(t->kinds, &t->kind_count, "film")});
        eval_pair_free(&p);
    }
    eval_film_close(&film);
}

bool eval_pairs(const struct eval_pairs_params *params, cJSON *json)
{
    static struct tallies t;

    memset(&t, 0, sizeof(t));
    if (params->halves.packing == DEEP3D_ONE_EYE)
        run_folder(params, &t);
    else
        run_film(params, &t);
    if (t.all.pairs == 0) {
        fprintf(stderr, "deep3d-eval: %s holds no stereo pair that can be judged\n", params->path);
        return false;
    }
    cJSON_AddItemToObject(json, "mean", tally_json(&t.all));
    cJSON *by_kind = cJSON_AddObjectToObject(json, "kind");
    for (int i = 0; i < t.kind_count; i++)
        if (t.kinds[i].pairs > 0)
            cJSON_AddItemToObject(by_kind, t.kinds[i].kind, tally_json(&t.kinds[i]));
    return true;
}
