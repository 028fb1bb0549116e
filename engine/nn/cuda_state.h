// The CUDA backend's own: what it knows of a plan, and the operators that it compiles into jobs
// (cuda_draft.h) over values in device memory (cuda_form.h).
//
// Thread-safety: belongs to one plan.
#pragma once
#include "engine/nn/backend.h"
#include "engine/nn/nn_cuda.h"

struct cuda_form;

struct cuda {
    const struct nn_cuda *api;
    struct nn_cuda_device *device;
    enum nn_type type; // of floats between jobs: NN_FLOAT32 or NN_FLOAT16
    char name[224];
    void **constants, **host; // blocks of device and of host memory
    int constant_count, constant_room, host_count, host_room;
    bool on_device; // inputs and outputs are
    bool recorded, timed;
    int64_t open_ns, prepare_ns; // what planning took
    int prepared;                // jobs that libraries were asked about
    // while compiling:
    struct graph *graph;
    struct program *program;
    struct cuda_form **forms; // of each value, oldest first
    bool *wide;               // of each value: cuda_range_wide()
};

enum cuda_result { CUDA_DONE, CUDA_NOT_OURS, CUDA_FAILED };

// Logs what failed, and why. Always false.
bool cuda_fail(const struct cuda *c, const char *what);
// What a step returns: ok, once the device has done it where steps are timed one by one. False:
// logged.
bool cuda_settled(struct cuda *c, bool ok, const char *what);

// t[0] = function(in[0..count)), broadcast to the shape of out; in the forms that are there.
bool cuda_map_values(struct cuda *c, const struct node *node, struct job_map map, const int *in,
                     int count, int out);

// Families of operators.
enum cuda_result cuda_compile_simple(struct cuda *c, const struct node *node);
enum cuda_result cuda_compile_layout(struct cuda *c, const struct node *node);
enum cuda_result cuda_compile_window(struct cuda *c, const struct node *node);
enum cuda_result cuda_compile_math(struct cuda *c, const struct node *node);
