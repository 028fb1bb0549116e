// Each kernel of the conversion on a GPU, by its events, beside its floor: the bytes that it must
// move over the bandwidth of a copy measured here.
//
// ms_p50 and ms_p99: a picture's part of a burst, in which all sets take their turn one right after
// the other, as a film's frames do; alone_ms_p50: one run between two events, launch and all. A set
// is a picture with its eyes, and the sets' pictures alone are more than a GPU's cache holds: each
// kernel finds its pictures in device memory, though in a film's frame what was just made is often
// still in the cache. The network's small answers are one for all sets, and stay there. Pictures
// show a ground and things before it, and nearness has their edges: rows are torn where things
// stand, and nowhere else.
#include <cjson/cJSON.h>
#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/nn/nn_cuda.h"
#include "kernels/cuda_library.h"
#include "tests/bench/bench.h"

#define RUNS 500
#define BURSTS 100
#define SETS 16 // at most
#define SETS_BYTES 96e6
#define NEAR_W 192
#define NEAR_H 112
#define LEVELS 33
#define COPY_BYTES ((size_t)1 << 30)
#define MATRIX 8192

// Everything of one conversion in device memory.
struct work {
    const struct kernels_cuda *kernels;
    int sets;
    struct colour_job colour[SETS];
    struct shrink_job shrink[SETS];
    struct resize_job resize[SETS];
    struct levels_job levels;
    struct steady_job steady;
    struct refine_job refine[SETS];
    struct synth_job synth[SETS];
};

// Zeros.
static void *device(size_t bytes)
{
    void *block = NULL;

    if (cudaMalloc(&block, bytes) != cudaSuccess || cudaMemset(block, 0, bytes) != cudaSuccess) {
        fprintf(stderr, "deep3d-bench: no GPU memory for %zu bytes\n", bytes);
        exit(1);
    }
    return block;
}

static void *on_device(const void *host, size_t bytes)
{
    void *block = device(bytes);

    if (host == NULL || cudaMemcpy(block, host, bytes, cudaMemcpyHostToDevice) != cudaSuccess) {
        fprintf(stderr, "deep3d-bench: cannot copy %zu bytes to the GPU\n", bytes);
        exit(1);
    }
    return block;
}

static void *device_noise(size_t bytes, int seed)
{
    unsigned char *host = malloc(bytes);
    unsigned noise = (unsigned)seed;

    for (size_t i = 0; i < bytes && host != NULL; i++) {
        noise = noise * 1664525u + 1013904223u;
        host[i] = (unsigned char)(noise >> 24);
    }
    void *block = on_device(host, bytes);
    free(host);
    return block;
}

// 0..1.
static float *device_floats(size_t count, int seed)
{
    float *host = malloc(count * sizeof(*host));
    unsigned noise = (unsigned)seed;

    for (size_t i = 0; i < count && host != NULL; i++) {
        noise = noise * 1664525u + 1013904223u;
        host[i] = (float)(noise >> 8) / 16777216.0f;
    }
    void *block = on_device(host, count * sizeof(*host));
    free(host);
    return block;
}

// Discs before a ground, the nearest last; sizes are of the picture's height.
static const struct {
    float x, y, radius, near;
    unsigned char luma, cb, cr;
} things[] = {{0.4f, 0.5f, 0.25f, 0.55f, 70, 140, 120},
              {1.3f, 0.4f, 0.3f, 0.7f, 150, 100, 150},
              {0.8f, 0.75f, 0.2f, 0.85f, 200, 128, 110},
              {1.1f, 0.2f, 0.04f, 0.9f, 30, 120, 128}};

// Of the point (x, y), or -1: the ground. Each set's things stand a little further right.
static int thing_at(float x, float y, int set)
{
    for (int i = (int)(sizeof(things) / sizeof(*things)) - 1; i >= 0; i--) {
        float dx = x - things[i].x - 0.01f * (float)set, dy = y - things[i].y;

        if (dx * dx + dy * dy < things[i].radius * things[i].radius)
            return i;
    }
    return -1;
}

// NV12 with some grain.
static unsigned char *draw_scene(int width, int height, int set)
{
    size_t luma = (size_t)width * (size_t)height;
    unsigned char *out = malloc(luma * 3 / 2);
    unsigned noise = (unsigned)set;

    for (int y = 0; out != NULL && y < height; y++)
        for (int x = 0; x < width; x++) {
            int thing = thing_at((float)x / (float)height, (float)y / (float)height, set);
            size_t chroma = luma + (size_t)(y / 2) * (size_t)width + (size_t)(x / 2 * 2);

            noise = noise * 1664525u + 1013904223u;
            out[(size_t)y * (size_t)width + (size_t)x] =
                (unsigned char)((thing < 0 ? 60 + y * 100 / height : things[thing].luma) +
                                (int)(noise >> 29));
            out[chroma] = thing < 0 ? 128 : things[thing].cb;
            out[chroma + 1] = thing < 0 ? 128 : things[thing].cr;
        }
    return out;
}

// What a network would say of it.
static float *device_nearness(float ratio, int set)
{
    static float near[NEAR_H][NEAR_W];

    for (int y = 0; y < NEAR_H; y++)
        for (int x = 0; x < NEAR_W; x++) {
            float v = (float)y / NEAR_H, u = (float)x / NEAR_W * ratio;
            int thing = thing_at(u, v, set);

            near[y][x] = thing < 0 ? 0.2f + 0.3f * v : things[thing].near + 0.02f * (u - v);
        }
    return on_device(near, sizeof(near));
}

static struct image device_image(int width, int height)
{
    size_t stride = ((size_t)width + 2 * IMAGE_PAD_PX) * 4;
    unsigned char *block = device(stride * (size_t)height + 64);

    return (struct image){block + (size_t)IMAGE_PAD_PX * 4, width, height, stride};
}

static void set_picture(struct work *w, int i, int width, int height)
{
    int step = width >= 2560 ? 8 : width >= 1280 ? 4 : 2, log2_step = step == 8 ? 3 : step / 2;
    int grid_w = (width + step - 1) / step, grid_h = (height + step - 1) / step;
    size_t luma = (size_t)width * (size_t)height;
    unsigned char *scene = draw_scene(width, height, i), *planes = on_device(scene, luma * 3 / 2);
    struct image picture = device_image(width, height), small = device_image(grid_w, grid_h);
    float *near = device_nearness((float)width / (float)height, i);
    float *input = device(3 * 384 * 224 * sizeof(float));

    free(scene);
    w->colour[i] =
        (struct colour_job){.width = width,
                            .height = height,
                            .component = {{planes, width, 1, 0, 0},
                                          {planes + luma, width, 2, 1, 1},
                                          {planes + luma + 1, width, 2, 1, 1}},
                            .matrix = colour_matrix_for(COLOUR_BT709, 8, 0, false, false),
                            .out = picture};
    w->shrink[i] = (struct shrink_job){picture, small, log2_step, 1};
    w->resize[i] = (struct resize_job){.in = picture,
                                       .width = 384,
                                       .height = 224,
                                       .channel = {0, 1, 2},
                                       .scale = {1, 1, 1},
                                       .bands = 1};
    for (int c = 0; c < 3; c++)
        w->resize[i].out[c] = input + c * 384 * 224;
    w->refine[i] = (struct refine_job){
        .guide = small,
        .picture_width = width,
        .picture_height = height,
        .nearness = near,
        .near_width = NEAR_W,
        .near_height = NEAR_H,
        .radius = 4,
        .smooth = 4e-4f,
        .gain = 6,
        .out = {device((size_t)grid_w * (size_t)grid_h * REFINE_PLANES * sizeof(float)), grid_w,
                grid_h, grid_w, log2_step},
        .bands = 1,
        .scratch = device(w->kernels->refine_scratch_floats(grid_w, grid_h) * sizeof(float))};
    w->synth[i] = (struct synth_job){
        .picture = picture,
        .inner = {0, 0, width, height},
        .grid = w->refine[i].out,
        .gain_px = {0.01f * (float)width, 0.01f * (float)width},
        .convergence = 0.5f,
        .tear_px = 1.5f * (float)width / 640,
        .look_px = width > 1920 ? 4 : 3,
        .soft_px = width > 1920 ? 3 : 2,
        .eye = {device(luma * 4), device(luma * 4)},
        .stride_bytes = (size_t)width * 4,
        .bands = 1,
        .scratch = device(w->kernels->synth_scratch_floats(width, height) * sizeof(float))};
}

static void set_answer(struct work *w)
{
    size_t plane = NEAR_W * NEAR_H;
    float *guides = device_floats(6 * plane, 7), *near = device_floats(3 * plane, 8);

    w->levels = (struct levels_job){
        device_floats(plane * LEVELS, 9), LEVELS, NEAR_W, NEAR_H, near, near + plane, 1, false};
    w->steady = (struct steady_job){.width = NEAR_W,
                                    .height = NEAR_H,
                                    .nearness = near,
                                    .sureness = near + plane,
                                    .guide = guides,
                                    .old_guide = guides + 3 * plane,
                                    .rest = 0.1f,
                                    .still = 0.02f,
                                    .moving = 0.2f,
                                    .past = near + 2 * plane};
}

typedef bool stage(const struct work *work, int i, cudaStream_t stream);

static bool run_colour(const struct work *w, int i, cudaStream_t s)
{
    return w->kernels->colour(&w->colour[i], s);
}

static bool run_resize(const struct work *w, int i, cudaStream_t s)
{
    return w->kernels->resize(&w->resize[i], s);
}

static bool run_shrink(const struct work *w, int i, cudaStream_t s)
{
    return w->kernels->shrink(&w->shrink[i], s);
}

static bool run_levels(const struct work *w, int i, cudaStream_t s)
{
    return w->kernels->levels(&w->levels, s);
}

static bool run_steady(const struct work *w, int i, cudaStream_t s)
{
    return w->kernels->steady(&w->steady, s);
}

static bool run_refine(const struct work *w, int i, cudaStream_t s)
{
    return w->kernels->refine(&w->refine[i], s);
}

static bool run_synth(const struct work *w, int i, cudaStream_t s)
{
    return w->kernels->synth(&w->synth[i], s);
}

static bool run_all(const struct work *w, int i, cudaStream_t s)
{
    return run_colour(w, i, s) && run_resize(w, i, s) && run_shrink(w, i, s) &&
           run_levels(w, i, s) && run_steady(w, i, s) && run_refine(w, i, s) && run_synth(w, i, s);
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

// Milliseconds of each of `count` times `each` runs, a run's part of them, sorted. False: the GPU
// failed.
static bool measure(const struct work *w, stage *run, cudaStream_t stream, int count, int each,
                    double *ms)
{
    cudaEvent_t begin = NULL, end = NULL;
    bool ok = cudaEventCreate(&begin) == cudaSuccess && cudaEventCreate(&end) == cudaSuccess;

    for (int i = -2, turn = 0; i < count && ok; i++) {
        float once = 0;

        ok = cudaEventRecord(begin, stream) == cudaSuccess;
        for (int k = 0; k < each && ok; k++)
            ok = run(w, turn++ % w->sets, stream);
        ok = ok && cudaEventRecord(end, stream) == cudaSuccess &&
             cudaEventSynchronize(end) == cudaSuccess &&
             cudaEventElapsedTime(&once, begin, end) == cudaSuccess;
        if (i >= 0)
            ms[i] = (double)once / each;
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    qsort(ms, (size_t)count, sizeof(*ms), by_value);
    return ok;
}

// Bytes a second of a large copy, those read and those written.
static double copy_rate(cudaStream_t stream)
{
    void *from = device(COPY_BYTES), *to = device(COPY_BYTES);
    cudaEvent_t begin = NULL, end = NULL;
    float best = 1e9f;

    cudaEventCreate(&begin);
    cudaEventCreate(&end);
    for (int i = 0; i < 10; i++) {
        float ms = 0;

        cudaEventRecord(begin, stream);
        cudaMemcpyAsync(to, from, COPY_BYTES, cudaMemcpyDeviceToDevice, stream);
        cudaEventRecord(end, stream);
        cudaEventSynchronize(end);
        cudaEventElapsedTime(&ms, begin, end);
        best = ms > 0 && ms < best ? ms : best;
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    cudaFree(from);
    cudaFree(to);
    return 2 * (double)COPY_BYTES / ((double)best / 1e3);
}

// Operations a second of a large product in half precision, by the way that networks would take.
static double matrix_rate(cudaStream_t stream)
{
    const struct nn_cuda *(*table)(void) = NULL;
    struct nn_cuda_device *gpu;
    struct job job = {.kind = JOB_PRODUCT, .count = MATRIX * MATRIX, .rank = 2};
    cudaEvent_t begin = NULL, end = NULL;
    float best = 1e9f;
    char text[256];

    if (!cuda_library_symbol("deep3d_nn_cuda", &table, text, sizeof(text)))
        return 0;
    gpu = table()->open(true, stream);
    if (gpu == NULL)
        return 0;
    job.dims[0] = job.dims[1] = MATRIX;
    for (int t = 0; t < 3; t++) {
        job.t[t].type = NN_FLOAT16;
        job.t[t].data = device_noise((size_t)MATRIX * MATRIX * 2, 3 + t);
        job.t[t].step[0] = t == 2 ? 0 : MATRIX;
        job.t[t].step[1] = t == 1 ? 0 : 1;
    }
    job.u.product =
        (struct job_product){.inner = MATRIX, .a_step = 1, .b_step = MATRIX, .alpha = 1};
    table()->prepare(gpu, &job);
    job.workspace = job.workspace_bytes ? device(job.workspace_bytes) : NULL;
    cudaEventCreate(&begin);
    cudaEventCreate(&end);
    for (int i = 0; i < 5 && job.plan != NULL; i++) {
        float ms = 0;

        cudaEventRecord(begin, stream);
        table()->launch(gpu, &job);
        cudaEventRecord(end, stream);
        cudaEventSynchronize(end);
        cudaEventElapsedTime(&ms, begin, end);
        best = ms > 0 && ms < best ? ms : best;
    }
    printf("%s\n", table()->describe(gpu));
    table()->close(gpu);
    return job.plan != NULL ? 2.0 * MATRIX * MATRIX * MATRIX / ((double)best / 1e3) : 0;
}

// The fewest bytes that each stage must move, a picture.
static const struct {
    const char *name;
    stage *run;
    double picture_bytes, near_bytes; // a pixel of the picture, of the network's answer
} stages[] = {
    {"colour", run_colour, 1.5 + 4, 0},
    {"resize", run_resize, 4, 0},
    {"shrink", run_shrink, 4, 0},
    {"levels", run_levels, 0, 4 * LEVELS + 8},
    {"steady", run_steady, 0, 40},
    {"refine", run_refine, 0, 4},
    {"synth", run_synth, 12, 0},
    {"all but the network", run_all, 1.5 + 4 + 4 + 4 + 12, 4 * LEVELS + 52},
};

static bool measure_size(const struct work *w, int width, int height, double rate,
                         cudaStream_t stream, cJSON *json)
{
    static double alone[RUNS], ms[BURSTS];

    for (int i = 0; i < w->sets; i++)
        run_all(w, i, stream); // what stages read of each other
    for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
        double bytes =
            stages[i].picture_bytes * width * height + stages[i].near_bytes * NEAR_W * NEAR_H;
        cJSON *one = cJSON_CreateObject();

        if (!measure(w, stages[i].run, stream, RUNS, 1, alone) ||
            !measure(w, stages[i].run, stream, BURSTS, w->sets, ms)) {
            fprintf(stderr, "deep3d-bench: %s failed: %s\n", stages[i].name,
                    w->kernels->device->error());
            return false;
        }
        cJSON_AddStringToObject(one, "stage", stages[i].name);
        cJSON_AddNumberToObject(one, "width", width);
        cJSON_AddNumberToObject(one, "height", height);
        cJSON_AddNumberToObject(one, "ms_p50", ms[BURSTS / 2]);
        cJSON_AddNumberToObject(one, "ms_p99", ms[BURSTS * 99 / 100]);
        cJSON_AddNumberToObject(one, "alone_ms_p50", alone[RUNS / 2]);
        cJSON_AddNumberToObject(one, "floor_ms", bytes / rate * 1e3);
        cJSON_AddItemToArray(json, one);
    }
    return true;
}

int bench_cuda(int argc, char **argv)
{
    const char *size = bench_option(argc, argv, "size");
    struct work w = {0};
    cudaStream_t stream = NULL;
    int width, height;
    double rate, matrices;
    cJSON *json, *all;
    char text[256];
    bool ok;

    if (sscanf(size != NULL ? size : "1920x1080", "%dx%d", &width, &height) != 2 || width < 16 ||
        height < 16 || width > 8192 || height > 8192 || width % 2 || height % 2) {
        fprintf(stderr, "deep3d-bench cuda: size is WxH, even, 16..8192\n");
        return 1;
    }
    w.kernels = cuda_library(text, sizeof(text));
    if (w.kernels == NULL || cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking)) {
        fprintf(stderr, "deep3d-bench cuda: no GPU: %s\n", text);
        return 1;
    }
    w.sets = (int)(SETS_BYTES / (4.0 * width * height)) + 1;
    w.sets = w.sets < 4 ? 4 : w.sets > SETS ? SETS : w.sets;
    for (int i = 0; i < w.sets; i++)
        set_picture(&w, i, width, height);
    set_answer(&w);
    rate = copy_rate(stream);
    matrices = matrix_rate(stream);
    json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "gpu", text);
    cJSON_AddNumberToObject(json, "copy_gb_a_second", rate / 1e9);
    cJSON_AddNumberToObject(json, "matrix_tflop_a_second", matrices / 1e12);
    all = cJSON_AddArrayToObject(json, "stages");
    ok = measure_size(&w, width, height, rate, stream, all);
    ok = bench_write(json, bench_option(argc, argv, "json")) && ok;
    cJSON_Delete(json);
    return !ok;
}
