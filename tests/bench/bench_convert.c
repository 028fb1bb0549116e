// The whole converter, stage by stage: one 4:2:0 picture over and over, as a decoder hands it over.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "tests/bench/bench.h"

#define RUNS_MAX 5000
#define WARM_UP 3

enum stage { PREPARE, NETWORK, FILTER, SYNTHESIS, WHOLE, STAGES };

static const char *const names[STAGES] = {"prepare_ms_p50", "network_ms_p50", "filter_ms_p50",
                                          "synthesis_ms_p50", "ms_p50"};

static void draw(uint8_t *planes, int width, int height)
{
    unsigned noise = 1;

    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            noise = noise * 1664525u + 1013904223u;
            *planes++ = (uint8_t)(110 + 60 * sinf((float)x * 0.02f) * cosf((float)y * 0.03f) +
                                  (float)(noise >> 28));
        }
    for (int i = 0; i < (width + 1) / 2 * ((height + 1) / 2) * 2; i++)
        *planes++ = (uint8_t)(120 + i % 17);
}

static bool measure(struct deep3d *converter, const struct deep3d_picture *picture,
                    const struct deep3d_eyes *eyes, int runs, double ms[STAGES][RUNS_MAX])
{
    const struct deep3d_settings settings = {.strength = DEEP3D_STRENGTH_DEFAULT,
                                             .convergence = DEEP3D_CONVERGENCE_DEFAULT};

    for (int i = -WARM_UP; i < runs; i++) {
        int64_t start = clock_now_ns();
        if (!deep3d_convert(converter, picture, &settings, eyes))
            return false;
        if (i < 0)
            continue;
        struct deep3d_timing t = deep3d_last_timing(converter);
        int64_t stages[STAGES] = {t.prepare_ns, t.network_ns, t.filter_ns, t.synthesis_ns,
                                  clock_now_ns() - start};
        for (int s = 0; s < STAGES; s++)
            ms[s][i] = (double)stages[s] / NS_PER_MS;
    }
    return true;
}

static bool report(struct deep3d *converter, const struct deep3d_picture *picture, int runs,
                   double ms[STAGES][RUNS_MAX], const char *path)
{
    cJSON *json = cJSON_CreateObject();
    bool ok;

    cJSON_AddStringToObject(json, "backend", deep3d_backend_name(converter));
    cJSON_AddStringToObject(json, "model", deep3d_model_name(converter));
    cJSON_AddNumberToObject(json, "width", picture->width);
    cJSON_AddNumberToObject(json, "height", picture->height);
    cJSON_AddNumberToObject(json, "runs", runs);
    for (int s = 0; s < STAGES; s++)
        cJSON_AddNumberToObject(json, names[s], bench_median(ms[s], runs));
    cJSON_AddNumberToObject(json, "ms_p99", ms[WHOLE][(runs * 99 + 99) / 100 - 1]); // sorted now
    cJSON_AddNumberToObject(json, "peak_rss_bytes", (double)mem_peak_rss_bytes());
    ok = bench_write(json, path);
    cJSON_Delete(json);
    return ok;
}

static int run(const struct deep3d_params *params, int width, int height, int runs,
               const char *path)
{
    static double ms[STAGES][RUNS_MAX];
    size_t chroma = (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2),
           luma = (size_t)width * (size_t)height;
    struct deep3d *converter = deep3d_create(params);
    uint8_t *planes = mem_try_block(luma + 2 * chroma);
    struct deep3d_eyes eyes = {.width = width,
                               .height = height,
                               .pixels = {mem_try_block(luma * 4), mem_try_block(luma * 4)},
                               .stride_bytes = (size_t)width * 4};
    struct deep3d_picture picture = {.width = width,
                                     .height = height,
                                     .plane = {planes, planes + luma},
                                     .stride_bytes = {width, (ptrdiff_t)((width + 1) / 2) * 2},
                                     .layout = DEEP3D_SEMI_PLANAR,
                                     .matrix = DEEP3D_MATRIX_BT709,
                                     .bits = 8,
                                     .chroma_shift_x = 1,
                                     .chroma_shift_y = 1};
    bool ok =
        converter != NULL && planes != NULL && eyes.pixels[0] != NULL && eyes.pixels[1] != NULL;

    if (ok) {
        draw(planes, width, height);
        ok = measure(converter, &picture, &eyes, runs, ms) &&
             report(converter, &picture, runs, ms, path);
    }
    mem_free(planes);
    mem_free(eyes.pixels[0]);
    mem_free(eyes.pixels[1]);
    deep3d_destroy(&converter);
    return !ok;
}

int bench_convert(int argc, char **argv)
{
    const char *size = bench_option(argc, argv, "size"),
               *threads = bench_option(argc, argv, "threads");
    const char *runs_text = bench_option(argc, argv, "runs");
    struct deep3d_params params = {.model = bench_option(argc, argv, "model"),
                                   .backend = bench_option(argc, argv, "backend"),
                                   .threads = threads != NULL ? atoi(threads) : 0};
    int width, height, runs = runs_text != NULL ? atoi(runs_text) : 60;

    if (sscanf(size != NULL ? size : "1920x1080", "%dx%d", &width, &height) != 2 || width < 1 ||
        height < 1 || width > DEEP3D_MAX_SIDE_PX || height > DEEP3D_MAX_SIDE_PX || runs < 1 ||
        runs > RUNS_MAX) {
        fprintf(stderr, "deep3d-bench convert: size is WxH, runs 1..%d\n", RUNS_MAX);
        return 1;
    }
    if (params.model == NULL)
        params.model = DEEP3D_MODEL;
    return run(&params, width, height, runs, bench_option(argc, argv, "json"));
}
