// Stereo pairs: the right view drawn from the left one by each way, against the true one.
#include <cjson/cJSON.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/eval/eval.h"
#include "tests/eval/eval_metrics.h"
#include "tests/eval/eval_picture.h"
#include "tests/eval/eval_views.h"

// Disparities are matched and compared at this width.
#define WIDTH 384
#define REACH 56
#define VALID_LEAST 4000
#define NAMES_MAX 4096

enum figure { RANK, ROW, ORDER, SIOU, SSIM, EDGE, FIGURES };

static const char *const figure_names[FIGURES] = {"rank", "row", "order", "siou", "ssim", "edge"};

// Sums over the pairs of one kind.
struct tally {
    char kind[64];
    int pairs;
    double sum[EVAL_WAYS][FIGURES];
};

struct pair {
    char name[256];
    struct eval_picture left, right;
    int height;   // at WIDTH
    float *truth; // [height][WIDTH]
};

static struct eval_picture read_side(const char *folder, const char *name, const char *side)
{
    static const char *const endings[] = {"jpg", "png", "jpeg", "webp", "bmp"};
    char path[1200];

    for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++) {
        snprintf(path, sizeof(path), "%s/%s_%s.%s", folder, name, side, endings[i]);
        FILE *file = fopen(path, "rb");
        if (file != NULL) {
            fclose(file);
            return eval_picture_read(path);
        }
    }
    return (struct eval_picture){0};
}

static bool read_pair(const char *folder, const char *name, struct pair *p)
{
    uint8_t *luma[2];

    snprintf(p->name, sizeof(p->name), "%s", name);
    p->left = read_side(folder, name, "left");
    p->right = read_side(folder, name, "right");
    if (p->left.rgba == NULL || p->right.rgba == NULL || p->left.width != p->right.width ||
        p->left.height != p->right.height || p->left.width < WIDTH / 2 || p->left.height < 32)
        return false;
    p->height = (p->left.height * WIDTH + p->left.width / 2) / p->left.width;
    p->truth = malloc((size_t)(WIDTH * p->height) * sizeof(float));
    for (int i = 0; i < 2; i++) {
        luma[i] = malloc((size_t)(WIDTH * p->height));
        eval_luma(i == 0 ? p->left.rgba : p->right.rgba, p->left.width, p->left.height, WIDTH,
                  p->height, luma[i]);
    }
    eval_match(luma[0], luma[1], WIDTH, p->height, REACH, p->truth);
    free(luma[0]);
    free(luma[1]);
    return true;
}

static void free_pair(struct pair *p)
{
    eval_picture_free(&p->left);
    eval_picture_free(&p->right);
    free(p->truth);
    p->truth = NULL;
}

static int by_float(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

// Nearness at the truth's size.
static float *nearness_for(const struct pair *p, const struct depth_answer *a)
{
    float *out = malloc((size_t)(WIDTH * p->height) * sizeof(float));

    for (int y = 0; y < p->height; y++)
        for (int x = 0; x < WIDTH; x++)
            out[y * WIDTH + x] =
                a->nearness[(y * a->height / p->height) * a->width + x * a->width / WIDTH];
    return out;
}

// The range and zero with which nearness fits the truth best, so that only its shape is judged.
// Least squares over valid points, twice, the second time without the worst. Returns the valid
// points.
static int fit(const struct pair *p, const float *near, struct eval_scene *scene)
{
    double unit = (double)p->left.width / WIDTH, gain = 0, zero = 0, limit = INFINITY;
    int valid = 0, count = WIDTH * p->height;
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

static void judge(const struct pair *p, const struct eval_scene *scene,
                  const struct eval_order *order, const char *pictures, struct tally *tallies[2])
{
    uint8_t *view = malloc((size_t)p->left.width * (size_t)p->left.height * 4);
    char path[1400];

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
        if (pictures != NULL && way >= EVAL_BACKWARD) {
            snprintf(path, sizeof(path), "%s/%s_%s.png", pictures, p->name, eval_way_names[way]);
            eval_picture_write(path, view, p->left.width, p->left.height);
        }
    }
    tallies[0]->pairs++;
    tallies[1]->pairs++;
    free(view);
}

static void write_nearness(const char *pictures, const struct pair *p, const float *near)
{
    uint8_t *grey = malloc((size_t)(WIDTH * p->height) * 4);
    char path[1400];

    for (int i = 0; i < WIDTH * p->height; i++)
        memset(grey + (size_t)i * 4, (int)(near[i] * 255), 4);
    snprintf(path, sizeof(path), "%s/%s_nearness.png", pictures, p->name);
    eval_picture_write(path, grey, WIDTH, p->height);
    free(grey);
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
static void use_truth(const struct pair *p, const struct depth_answer *answer, float *out)
{
    float *full = malloc((size_t)(WIDTH * p->height) * sizeof(float)), low = INFINITY,
          high = -INFINITY;

    memcpy(full, p->truth, (size_t)(WIDTH * p->height) * sizeof(float));
    for (int y = 0; y < p->height; y++) {
        fill_row(full + y * WIDTH, WIDTH);
        for (int x = 0; x < WIDTH; x++) {
            float *d = &full[y * WIDTH + x];
            *d = !isnan(*d) ? *d : y > 0 ? d[-WIDTH] : 0;
            low = fminf(low, *d);
            high = fmaxf(high, *d);
        }
    }
    for (int y = 0; y < answer->height; y++)
        for (int x = 0; x < answer->width; x++) {
            float d = full[(y * p->height / answer->height) * WIDTH + x * WIDTH / answer->width];
            out[y * answer->width + x] = (d - low) / fmaxf(high - low, 1e-3f);
        }
    free(full);
}

static bool run_pair(struct eval_network *network, const struct pair *p, bool matched_depth,
                     const char *pictures, struct tally *tallies[2])
{
    struct eval_scene scene = {.left = &p->left};

    float *matched = NULL;

    if (!eval_network_run(network, &p->left, &scene.answer))
        return false;
    if (matched_depth) {
        matched = malloc((size_t)(scene.answer.width * scene.answer.height) * sizeof(float));
        use_truth(p, &scene.answer, matched);
        scene.answer.nearness = matched;
    } else {
        scene.probability = eval_network_levels(network, &scene.levels);
    }
    float *near = nearness_for(p, &scene.answer);
    if (fit(p, near, &scene) >= VALID_LEAST) {
        struct eval_order order = eval_order_of(near, p->truth, WIDTH, p->height);
        judge(p, &scene, &order, pictures, tallies);
        printf("%-40s rank %.3f row %.3f order %.3f\n", p->name, order.rank, order.row,
               order.order);
        if (pictures != NULL)
            write_nearness(pictures, p, near);
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

bool eval_pairs(struct eval_network *network, const char *folder, bool matched_depth,
                const char *pictures, cJSON *json)
{
    static struct tally kinds[64], all;
    struct dirent **entries;
    int kind_count = 0, count = scandir(folder, &entries, left_only, alphasort);

    for (int i = 0; i < count; i++) {
        struct pair p = {0};
        char kind[64];
        *strstr(entries[i]->d_name, "_left.") = '\0';
        kind_of(folder, entries[i]->d_name, kind, sizeof(kind));
        if (read_pair(folder, entries[i]->d_name, &p) && kind_count < 63)
            run_pair(network, &p, matched_depth, pictures,
                     (struct tally *[2]){&all, tally_for(kinds, &kind_count, kind)});
        else
            fprintf(stderr, "deep3d-eval: %s: no pair of pictures of one size\n",
                    entries[i]->d_name);
        free_pair(&p);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    if (all.pairs == 0) {
        fprintf(stderr,
                "deep3d-eval: %s holds no pair NAME_left.*, NAME_right.* that can be judged\n",
                folder);
        return false;
    }
    cJSON_AddItemToObject(json, "mean", tally_json(&all));
    cJSON *by_kind = cJSON_AddObjectToObject(json, "kind");
    for (int i = 0; i < kind_count; i++)
        if (kinds[i].pairs > 0)
            cJSON_AddItemToObject(by_kind, kinds[i].kind, tally_json(&kinds[i]));
    return true;
}
