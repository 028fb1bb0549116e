// The whole converter, stage by stage: one 4:2:0 picture over and over, as a decoder hands it over.
// Where the converter works in a GPU's memory, picture and eyes lie there, unless --memory host
// says otherwise: each picture is waited for, and then as many are converted without.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "kernels/kernels.h"
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

struct work {
    struct deep3d *converter;
    const struct device *device; // where picture and eyes lie
    struct deep3d_settings settings;
    struct deep3d_picture picture;
    struct deep3d_eyes eyes;
    int runs;
};

static bool convert(const struct work *w)
{
    return deep3d_convert(w->converter, &w->picture, &w->settings, &w->eyes);
}

// Each picture to its end.
static bool measure(const struct work *w, double ms[STAGES][RUNS_MAX])
{
    for (int i = -WARM_UP; i < w->runs; i++) {
        int64_t start = clock_now_ns();
        if (!convert(w) || !w->device->wait())
            return false;
        if (i < 0)
            continue;
        struct deep3d_timing t = deep3d_last_timing(w->converter);
        int64_t stages[STAGES] = {t.prepare_ns, t.network_ns, t.filter_ns, t.synthesis_ns,
                                  clock_now_ns() - start};
        for (int s = 0; s < STAGES; s++)
            ms[s][i] = (double)stages[s] / NS_PER_MS;
    }
    return true;
}

// One after the other; milliseconds a picture.
static bool measure_stream(const struct work *w, double *out_ms)
{
    int64_t start = clock_now_ns();

    for (int i = 0; i < w->runs; i++)
        if (!convert(w))
            return false;
    *out_ms = (double)(clock_now_ns() - start) / NS_PER_MS / w->runs;
    return w->device->wait();
}

static bool report(const struct work *w, double ms[STAGES][RUNS_MAX], double stream_ms,
                   const char *path)
{
    cJSON *json = cJSON_CreateObject();
    bool ok;

    cJSON_AddStringToObject(json, "backend", deep3d_backend_name(w->converter));
    cJSON_AddStringToObject(json, "model", deep3d_model_name(w->converter));
    cJSON_AddStringToObject(json, "memory", w->device->gpu ? "device" : "host");
    cJSON_AddNumberToObject(json, "width", w->picture.width);
    cJSON_AddNumberToObject(json, "height", w->picture.height);
    cJSON_AddNumberToObject(json, "runs", w->runs);
    for (int s = 0; s < STAGES; s++)
        cJSON_AddNumberToObject(json, names[s], bench_median(ms[s], w->runs));
    // sorted now
    cJSON_AddNumberToObject(json, "ms_p99", ms[WHOLE][(w->runs * 99 + 99) / 100 - 1]);
    cJSON_AddNumberToObject(json, "stream_ms", stream_ms);
    cJSON_AddNumberToObject(json, "peak_rss_bytes", (double)mem_peak_rss_bytes());
    ok = bench_write(json, path);
    cJSON_Delete(json);
    return ok;
}

// A picture in the device's memory, and room for eyes. False: no memory.
static bool make_picture(struct work *w, int width, int height)
{
    size_t chroma = (size_t)((width + 1) / 2) * (size_t)((height + 1) / 2),
           luma = (size_t)width * (size_t)height, bytes = luma + 2 * chroma;
    enum deep3d_memory memory = w->device->gpu ? DEEP3D_MEMORY_CUDA : DEEP3D_MEMORY_HOST;
    uint8_t *drawn = w->device->take_host(bytes), *planes = w->device->take(bytes);

    w->eyes = (struct deep3d_eyes){.width = width,
                                   .height = height,
                                   .pixels = {w->device->take(luma * 4), w->device->take(luma * 4)},
                                   .stride_bytes = (size_t)width * 4,
                                   .memory = memory};
    w->picture = (struct deep3d_picture){.width = width,
                                         .height = height,
                                         .plane = {planes, planes + luma},
                                         .stride_bytes = {width, (ptrdiff_t)((width + 1) / 2) * 2},
                                         .layout = DEEP3D_SEMI_PLANAR,
                                         .matrix = DEEP3D_MATRIX_BT709,
                                         .bits = 8,
                                         .chroma_shift_x = 1,
                                         .chroma_shift_y = 1,
                                         .memory = memory};
    if (drawn == NULL || planes == NULL || w->eyes.pixels[0] == NULL || w->eyes.pixels[1] == NULL)
        return false;
    draw(drawn, width, height);
    w->device->upload(planes, drawn, bytes);
    if (!w->device->wait())
        return false;
    w->device->give_host(drawn);
    return true;
}

static int run(const struct deep3d_params *params, const struct work *wanted, int width, int height,
               bool host, const char *path)
{
    static double ms[STAGES][RUNS_MAX];
    struct work w = *wanted;
    char text[256];
    int gpu;
    double stream_ms = 0;
    bool ok;

    w.converter = deep3d_create(params);
    if (w.converter == NULL)
        return 1;
    w.device = deep3d_on_gpu(w.converter) && !host
                   ? kernels_gpu(NULL, &gpu, text, sizeof(text))->device
                   : &device_host;
    ok = make_picture(&w, width, height) && measure(&w, ms) && measure_stream(&w, &stream_ms) &&
         report(&w, ms, stream_ms, path);
    w.device->give((void *)w.picture.plane[0]);
    w.device->give(w.eyes.pixels[0]);
    w.device->give(w.eyes.pixels[1]);
    deep3d_destroy(&w.converter);
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
    const char *memory = bench_option(argc, argv, "memory"),
               *flat = bench_option(argc, argv, "flat");
    struct work work = {.settings = {.strength = DEEP3D_STRENGTH_DEFAULT,
                                     .convergence = DEEP3D_CONVERGENCE_DEFAULT,
                                     .flat = flat != NULL && strcmp(flat, "on") == 0},
                        .runs = runs_text != NULL ? atoi(runs_text) : 60};
    int width, height;

    if (sscanf(size != NULL ? size : "1920x1080", "%dx%d", &width, &height) != 2 || width < 1 ||
        height < 1 || width > DEEP3D_MAX_SIDE_PX || height > DEEP3D_MAX_SIDE_PX || work.runs < 1 ||
        work.runs > RUNS_MAX) {
        fprintf(stderr, "deep3d-bench convert: size is WxH, runs 1..%d\n", RUNS_MAX);
        return 1;
    }
    if (params.model == NULL)
        params.model = DEEP3D_MODEL;
    return run(&params, &work, width, height, memory != NULL && strcmp(memory, "host") == 0,
               bench_option(argc, argv, "json"));
}
