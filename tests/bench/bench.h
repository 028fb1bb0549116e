// deep3d-bench: one subcommand a file. Each prints what it measured and, with --json FILE, writes
// it.
#pragma once
#include <stdbool.h>

struct cJSON;

// argv[0] is the subcommand's name. Returns the exit code.
typedef int bench_run(int argc, char **argv);

bench_run bench_play;
bench_run bench_stereo;
bench_run bench_convert;
bench_run bench_nn;
bench_run bench_film; // where the player is built
bench_run bench_cuda; // only where the build has CUDA

// The value of "--name value" in argv, NULL where it is missing.
const char *bench_option(int argc, char **argv, const char *name);
// Middle of n values, which it sorts; n > 0.
double bench_median(double *values, int n);
// To standard output, and to the file where there is a path. False, with a line on standard error,
// where it cannot be written.
bool bench_write(const struct cJSON *json, const char *path);
