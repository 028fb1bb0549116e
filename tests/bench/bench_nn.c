// One network alone: an ONNX case folder, run again and again, its answer compared with the
// folder's.
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

        if (!case_fill(plan, set))
            return false;
        start = clock_now_ns();
        if (!nn_plan_run(plan))
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
                   double cpu, const char *path)
{
    struct case_error e = case_compare(plan, set);
    cJSON *json = cJSON_CreateObject();
    bool ok;

    cJSON_AddStringToObject(json, "backend", nn_plan_backend_name(plan));
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

int bench_nn(int argc, char **argv)
{
    const char *folder = bench_option(argc, argv, "case");
    const char *backend_name = bench_option(argc, argv, "backend");
    const char *precision_name = bench_option(argc, argv, "precision");
    const char *threads = bench_option(argc, argv, "threads");
    const char *runs_text = bench_option(argc, argv, "runs");
    const char *profile = bench_option(argc, argv, "profile");
    int runs = runs_text ? atoi(runs_text) : RUNS;
    enum nn_backend backend = NN_BACKEND_AUTO;
    enum nn_precision precision = NN_PRECISION_FP32;
    struct case_set set = {0};
    struct nn_model *model;
    struct nn_plan *plan = NULL;
    double *ms = NULL, cpu = 0;
    char *file;
    bool ok = false;

    if (!folder || runs < 1 || (backend_name && !parse_backend(backend_name, &backend)) ||
        (precision_name && !parse_precision(precision_name, &precision))) {
        fprintf(stderr,
                "deep3d-bench nn: give --case DIR, and a known --backend and --precision\n");
        return 1;
    }
    file = mem_printf("%s/model.onnx", folder);
    model = nn_model_load(file);
    if (model && !case_set_load(folder, 0, &set))
        log_error("%s: no test_data_set_0 with tensors of types that we have", folder);
    else if (model)
        plan = case_plan_as(model, &set,
                            (struct nn_plan_params){.backend = backend,
                                                    .precision = precision,
                                                    .threads = threads ? atoi(threads) : 0});
    if (plan) {
        ms = mem_new((size_t)runs, sizeof(*ms));
        ok = measure(plan, &set, ms, runs, &cpu) &&
             report(plan, &set, ms, runs, cpu, bench_option(argc, argv, "json"));
    }
    if (ok && profile)
        nn_plan_profile(plan, atoi(profile));
    mem_free(ms);
    nn_plan_destroy(&plan);
    case_set_finish(&set);
    nn_model_destroy(&model);
    mem_free(file);
    return ok ? 0 : 1;
}
