// One network alone, run again and again: an ONNX case folder, its answer compared with the
// folder's, or a model of pictures on noise, compared with the plain C backend's.
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/bench/bench.h"
#include "tests/nn/case.h"

#define RUNS 50

static bool parse_backend(const char *name, enum nn_backend *out)
{
    static const struct {
        const char *name;
        enum nn_backend backend;
    } names[] = {{"auto", NN_BACKEND_AUTO},
                 {"ref", NN_BACKEND_REFERENCE},
                 {"cpu", NN_BACKEND_CPU},
                 {"cuda", NN_BACKEND_CUDA}};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i].name) == 0) {
            *out = names[i].backend;
            return true;
        }
    return false;
}

static bool parse_precision(const char *name, enum nn_precision *out)
{
    if (strcmp(name, "auto") == 0)
        *out = NN_PRECISION_AUTO;
    else if (strcmp(name, "fp32") == 0)
        *out = NN_PRECISION_FP32;
    else if (strcmp(name, "bf16") == 0)
        *out = NN_PRECISION_BF16;
    else if (strcmp(name, "fp16") == 0)
        *out = NN_PRECISION_FP16;
    else
        return false;
    return true;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

// Milliseconds of each run, sorted, and those of processor time a run: the only figure on a busy
// machine. False: the device failed.
static bool measure(struct nn_plan *plan, const struct case_set *set, double *ms, int runs,
                    double *out_cpu_ms)
{
    double cpu = 0;

    for (int i = -2; i < runs; i++) { // two to warm up
        int64_t start;

        if (!case_fill(plan, set) || !case_wait(plan))
            return false;
        start = clock_now_ns();
        if (!nn_plan_run(plan) || !case_wait(plan))
            return false;
        if (i == -1)
            cpu = cpu_ms();
        if (i >= 0)
            ms[i] = (double)(clock_now_ns() - start) / NS_PER_MS;
    }
    *out_cpu_ms = (cpu_ms() - cpu) / runs;
    qsort(ms, (size_t)runs, sizeof(*ms), by_value);
    return true;
}

static bool report(struct nn_plan *plan, const struct case_set *set, const double *ms, int runs,
                   double cpu, double plan_ms, const char *path)
{
    struct case_error e = case_compare(plan, set);
    cJSON *json = cJSON_CreateObject();
    bool ok;

    cJSON_AddStringToObject(json, "backend", nn_plan_backend_name(plan));
    cJSON_AddStringToObject(json, "memory", nn_plan_on_device(plan) ? "device" : "host");
    cJSON_AddNumberToObject(json, "plan_ms", plan_ms);
    cJSON_AddNumberToObject(json, "ms_p50", ms[runs / 2]);
    cJSON_AddNumberToObject(json, "ms_p99", ms[(runs * 99 + 99) / 100 - 1]);
    cJSON_AddNumberToObject(json, "ms_min", ms[0]);
    cJSON_AddNumberToObject(json, "cpu_ms", cpu);
    cJSON_AddNumberToObject(json, "nmse", e.nmse);
    cJSON_AddNumberToObject(json, "max_abs", e.max_abs);
    cJSON_AddNumberToObject(json, "slab_bytes", (double)nn_plan_slab_bytes(plan));
    ok = bench_write(json, path) && e.same_form;
    if (!e.same_form)
        fprintf(stderr, "deep3d-bench: the network's outputs have other types or shapes\n");
    cJSON_Delete(json);
    return ok;
}

// The size that the model's file names, or --size WxH, for one picture of three colours.
static bool make_set(const struct nn_model *model, const char *size, struct case_set *out)
{
    const char *w = nn_model_metadata(model, "deep3d.input_width"),
               *h = nn_model_metadata(model, "deep3d.input_height");
    int width = w ? atoi(w) : 0, height = h ? atoi(h) : 0;
    struct nn_shape shape = {4, {1, 3, 0, 0}};

    if (size && sscanf(size, "%dx%d", &width, &height) != 2)
        width = 0;
    if (width < 1 || height < 1 || nn_model_input_count(model) != 1) {
        fprintf(stderr, "deep3d-bench nn: give --size WxH, and a model of one picture\n");
        return false;
    }
    shape.dims[2] = height;
    shape.dims[3] = width;
    return case_set_make(model, &shape, out);
}

static bool load(int argc, char **argv, struct nn_model **out_model, struct case_set *out_set)
{
    const char *folder = bench_option(argc, argv, "case"),
               *path = bench_option(argc, argv, "model");
    char *file = path ? mem_printf("%s", path) : mem_printf("%s/model.onnx", folder);
    bool ok;

    *out_model = nn_model_load(file);
    mem_free(file);
    if (!*out_model)
        return false;
    if (path)
        return make_set(*out_model, bench_option(argc, argv, "size"), out_set);
    ok = case_set_load(folder, 0, out_set);
    if (!ok)
        log_error("%s: no test_data_set_0 with tensors of types that we have", folder);
    return ok;
}

int bench_nn(int argc, char **argv)
{
    const char *backend_name = bench_option(argc, argv, "backend");
    const char *precision_name = bench_option(argc, argv, "precision");
    const char *threads = bench_option(argc, argv, "threads");
    const char *runs_text = bench_option(argc, argv, "runs");
    const char *profile = bench_option(argc, argv, "profile");
    const char *memory = bench_option(argc, argv, "memory");
    struct nn_plan_params params = {.precision = NN_PRECISION_FP32,
                                    .threads = threads ? atoi(threads) : 0,
                                    .device = memory && !strcmp(memory, "device")};
    int runs = runs_text ? atoi(runs_text) : RUNS;
    struct case_set set = {0};
    struct nn_model *model = NULL;
    struct nn_plan *plan = NULL;
    double *ms = NULL, cpu = 0;
    int64_t begin = 0;
    bool ok = false;

    if ((!bench_option(argc, argv, "case") && !bench_option(argc, argv, "model")) || runs < 1 ||
        (backend_name && !parse_backend(backend_name, &params.backend)) ||
        (precision_name && !parse_precision(precision_name, &params.precision))) {
        fprintf(stderr, "deep3d-bench nn: give --case DIR or --model FILE, and a known --backend "
                        "and --precision\n");
        return 1;
    }
    if (profile) // also where the time of planning goes
        log_set_level(LOG_DEBUG);
    if (load(argc, argv, &model, &set)) {
        begin = clock_now_ns();
        plan = case_plan_as(model, &set, params);
        begin = clock_now_ns() - begin;
    }
    if (plan) {
        ms = mem_new((size_t)runs, sizeof(*ms));
        ok = measure(plan, &set, ms, runs, &cpu) &&
             report(plan, &set, ms, runs, cpu, (double)begin / NS_PER_MS,
                    bench_option(argc, argv, "json"));
    }
    if (ok && profile)
        nn_plan_profile(plan, atoi(profile));
    mem_free(ms);
    nn_plan_destroy(&plan);
    case_set_finish(&set);
    nn_model_destroy(&model);
    return ok ? 0 : 1;
}
