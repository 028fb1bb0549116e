// The converter's work without the network: both eyes of one picture from nearness, and the filter
// over time. Beside it a plain copy of the bytes that the synthesis moves, so that figures of
// different machines can be compared.
#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "engine/comfort.h"
#include "engine/deep3d.h"
#include "engine/flat.h"
#include "engine/steady.h"
#include "engine/stereo.h"
#include "tests/bench/bench.h"

#define RUNS 60
// What a network answers: size and shape of the default model.
#define NEAR_WIDTH 160
#define NEAR_HEIGHT 96

// A scene with texture and a few objects in front, drawn so that edges of picture and depth agree.
static float scene_nearness(float u, float v)
{
    float near = 0.2f + 0.4f * v;

    for (int i = 0; i < 5; i++) {
        float du = u - 0.15f - 0.17f * (float)i, dv = v - 0.45f - 0.1f * (float)(i % 3);
        if (du * du + dv * dv < 0.006f)
            near = 0.55f + 0.1f * (float)i;
    }
    return near;
}

static void draw_picture(const struct image *image)
{
    unsigned noise = 1;

    for (int y = 0; y < image->height; y++) {
        uint8_t *row = image->pixels + (size_t)y * image->stride_bytes;
        for (int x = -IMAGE_PAD_PX; x < image->width + IMAGE_PAD_PX; x++) {
            float near =
                scene_nearness((float)x / (float)image->width, (float)y / (float)image->height);
            noise = noise * 1664525u + 1013904223u;
            row[x * 4] = (uint8_t)(near * 200 + (float)(noise >> 28));
            row[x * 4 + 1] = (uint8_t)(128 + 60 * sinf((float)x * 0.1f) * cosf((float)y * 0.07f));
            row[x * 4 + 2] = (uint8_t)(255 - near * 180);
            row[x * 4 + 3] = 255;
        }
    }
}

static float *draw_nearness(void)
{
    float *near = mem_new(NEAR_WIDTH * NEAR_HEIGHT, sizeof(*near));

    for (int y = 0; y < NEAR_HEIGHT; y++)
        for (int x = 0; x < NEAR_WIDTH; x++)
            near[y * NEAR_WIDTH + x] =
                scene_nearness((float)x / NEAR_WIDTH, (float)y / NEAR_HEIGHT);
    return near;
}

struct copy {
    const struct image *from;
    const struct deep3d_eyes *to;
};

static void copy_rows(void *user, int first, int end)
{
    const struct copy *c = user;

    for (int y = first; y < end; y++)
        for (int eye = 0; eye < 2; eye++)
            memcpy(c->to->pixels[eye] + (size_t)y * c->to->stride_bytes,
                   c->from->pixels + (size_t)y * c->from->stride_bytes, (size_t)c->from->width * 4);
}

static double ms_since(int64_t start)
{
    return (double)(clock_now_ns() - start) / NS_PER_MS;
}

// What all threads of this program have worked: on a busy machine the fairer figure.
static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / NS_PER_MS;
}

struct figures {
    double draw[RUNS], cpu[RUNS], shrink[RUNS], copy[RUNS], filter[RUNS], comfort[RUNS];
};

static bool measure(const struct kernels *kernels, int threads, const struct deep3d_eyes *eyes,
                    struct figures *f)
{
    struct stereo *stereo = stereo_create(kernels, threads);
    struct steady *steady = steady_create(kernels);
    struct flat *flat = flat_create(kernels);
    float *near = draw_nearness(), gain = DEEP3D_STRENGTH_DEFAULT / 200 * (float)eyes->width;
    struct depth_answer answer = {NEAR_WIDTH, NEAR_HEIGHT, near, NULL};
    const struct deep3d_settings settings = {.strength = DEEP3D_STRENGTH_DEFAULT,
                                             .convergence = DEEP3D_CONVERGENCE_DEFAULT};
    const struct deep3d_comfort screen = {.screen_width_m = 3, .distance_m = 3};
    struct comfort comfort = {0};
    struct spread spread;
    bool ok = stereo_resize(stereo, eyes->width, eyes->height) &&
              flat_resize(flat, stereo_small(stereo)->width, stereo_small(stereo)->height) &&
              steady_resize(steady, NEAR_WIDTH, NEAR_HEIGHT);

    if (ok)
        draw_picture(stereo_picture(stereo));
    for (int i = 0; ok && i < RUNS; i++) {
        struct stereo_view view = {.near_width = NEAR_WIDTH,
                                   .near_height = NEAR_HEIGHT,
                                   .gain_px = {gain, gain},
                                   .convergence = DEEP3D_CONVERGENCE_DEFAULT,
                                   .eye = {eyes->pixels[0], eyes->pixels[1]},
                                   .stride_bytes = eyes->stride_bytes};
        struct copy copy = {stereo_picture(stereo), eyes};
        int64_t start = clock_now_ns();
        const struct image *small = stereo_shrink(stereo);
        f->shrink[i] = ms_since(start);
        start = clock_now_ns();
        view.nearness = steady_run(steady, &answer, small, i == 0 ? 1 : 0);
        flat_look(flat, small, (struct synth_inner){0, 0, small->width, small->height}, i == 0);
        flat_feed(flat, i == 0);
        f->filter[i] = ms_since(start);
        start = clock_now_ns();
        kernels->spread(&(struct spread_job){view.nearness, NEAR_WIDTH, NEAR_HEIGHT, &spread});
        comfort_update(&comfort, &screen, &settings, &spread, i == 0);
        f->comfort[i] = ms_since(start);
        start = clock_now_ns();
        double cpu = cpu_ms();
        stereo_draw(stereo, &view);
        f->cpu[i] = cpu_ms() - cpu;
        f->draw[i] = ms_since(start);
        start = clock_now_ns();
        parallel_rows(eyes->height, threads, copy_rows, &copy);
        f->copy[i] = ms_since(start);
    }
    stereo_destroy(&stereo);
    steady_destroy(&steady);
    flat_destroy(&flat);
    mem_free(near);
    return ok;
}

static bool parse_size(const char *text, int *width, int *height)
{
    return sscanf(text, "%dx%d", width, height) == 2 && *width > 0 && *height > 0 &&
           *width <= DEEP3D_MAX_SIDE_PX && *height <= DEEP3D_MAX_SIDE_PX;
}

static const struct kernels *find_column(const char *name)
{
    const struct kernels *k;

    for (int i = 0; name != NULL && (k = kernels_column(i)) != NULL; i++)
        if (strcmp(k->name, name) == 0)
            return k;
    return name == NULL ? kernels_best() : NULL;
}

static bool report(struct figures *f, const struct kernels *kernels, int width, int height,
                   const char *path)
{
    cJSON *json = cJSON_CreateObject();
    bool ok;

    cJSON_AddStringToObject(json, "kernels", kernels->name);
    cJSON_AddNumberToObject(json, "width", width);
    cJSON_AddNumberToObject(json, "height", height);
    cJSON_AddNumberToObject(json, "ms_p50", bench_median(f->draw, RUNS));
    cJSON_AddNumberToObject(json, "cpu_ms_p50", bench_median(f->cpu, RUNS));
    cJSON_AddNumberToObject(json, "copy_ms_p50", bench_median(f->copy, RUNS));
    cJSON_AddNumberToObject(json, "shrink_ms_p50", bench_median(f->shrink, RUNS));
    cJSON_AddNumberToObject(json, "filter_ms_p50", bench_median(f->filter, RUNS));
    cJSON_AddNumberToObject(json, "comfort_ms_p50", bench_median(f->comfort, RUNS));
    ok = bench_write(json, path);
    cJSON_Delete(json);
    return ok;
}

int bench_stereo(int argc, char **argv)
{
    const char *size = bench_option(argc, argv, "size"),
               *backend = bench_option(argc, argv, "backend");
    const char *threads = bench_option(argc, argv, "threads");
    const struct kernels *kernels = find_column(bench_option(argc, argv, "kernels"));
    static struct figures figures;
    struct deep3d_eyes eyes = {0};
    bool ok = false;

    if (!parse_size(size != NULL ? size : "1920x1080", &eyes.width, &eyes.height) ||
        kernels == NULL || (backend != NULL && strcmp(backend, "cpu") != 0)) {
        fprintf(stderr,
                "deep3d-bench stereo: size is WxH, backend cpu, kernels \"plain C\", AVX2 or "
                "AVX-512 where the processor has them\n");
        return 1;
    }
    eyes.stride_bytes = (size_t)eyes.width * 4;
    for (int eye = 0; eye < 2; eye++)
        eyes.pixels[eye] = mem_try_block(eyes.stride_bytes * (size_t)eyes.height);
    if (eyes.pixels[0] != NULL && eyes.pixels[1] != NULL)
        ok = measure(kernels, threads != NULL ? atoi(threads) : 0, &eyes, &figures) &&
             report(&figures, kernels, eyes.width, eyes.height, bench_option(argc, argv, "json"));
    mem_free(eyes.pixels[0]);
    mem_free(eyes.pixels[1]);
    return !ok;
}
