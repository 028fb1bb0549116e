#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "tests/bench/bench.h"

static const struct {
    const char *name;
    bench_run *run;
    const char *help;
} commands[] = {
    {"play", bench_play,
     "CLIP [--display null|xr] [--runs R] [--json FILE]: the whole player, start to end"},
    {"stereo", bench_stereo,
     "[--size WxH] [--backend cpu] [--kernels NAME] [--threads N] [--json FILE]: both eyes of a "
     "picture"},
    {"convert", bench_convert,
     "[--size WxH] [--model FILE] [--backend auto|cuda|cpu|ref] [--threads N] [--runs R] [--json "
     "FILE]: the whole converter"},
#ifdef DEEP3D_BENCH_FILM
    {"film", bench_film,
     "CLIP [--frames N] [--json FILE]: deep3d convert, and its stages one after the other"},
#endif
    {"nn", bench_nn,
     "--case DIR | --model FILE [--size WxH] [--backend auto|ref|cpu|cuda] [--precision "
     "auto|fp32|bf16|fp16] [--memory host|device] [--threads N] [--runs R] [--profile R] [--json "
     "FILE]: a network alone, on an ONNX case folder, or on noise"},
#ifdef DEEP3D_BENCH_CUDA
    {"cuda", bench_cuda, "[--size WxH] [--json FILE]: each kernel on the GPU, beside its floor"},
#endif
};

const char *bench_option(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (strncmp(argv[i], "--", 2) == 0 && strcmp(argv[i] + 2, name) == 0)
            return argv[i + 1];
    }
    return NULL;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

double bench_median(double *values, int n)
{
    qsort(values, (size_t)n, sizeof(*values), by_value);
    return values[n / 2];
}

bool bench_write(const struct cJSON *json, const char *path)
{
    char *text = cJSON_Print(json);
    FILE *file = path ? fopen(path, "w") : NULL;
    bool ok = text && (!path || (file && fprintf(file, "%s\n", text) > 0));

    if (text)
        puts(text);
    if (file)
        ok = fclose(file) == 0 && ok;
    if (!ok)
        fprintf(stderr, "deep3d-bench: cannot write %s\n", path);
    cJSON_free(text);
    return ok;
}

int main(int argc, char **argv)
{
    const size_t count = sizeof(commands) / sizeof(commands[0]);

    parallel_start(argv);
    for (size_t i = 0; argc > 1 && i < count; i++) {
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr, "usage: deep3d-bench COMMAND ...\n");
    for (size_t i = 0; i < count; i++)
        fprintf(stderr, "  %s %s\n", commands[i].name, commands[i].help);
    return 1;
}
