// The CUDA backend's own: values as they lie in device memory, and steps that launch jobs.
//
// A value has one or more forms: in rows or with channels last, in the plan's precision or in its
// own type. Whoever reads a value says which form it wants; a form that is missing is made by a
// copy, of constants at once. Values of floats are kept in half precision where the plan computes
// so.
//
// Thread-safety: belongs to one plan.
#pragma once
#include "engine/nn/backend.h"
#include "engine/nn/nn_cuda.h"

struct cuda_form {
    int buffer;
    enum nn_type type;
    bool last; // channels last: [N][spatial...][C]; else rows
    struct cuda_form *next;
};

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
};

enum cuda_result { CUDA_DONE, CUDA_NOT_OURS, CUDA_FAILED };

// The type in which the value is kept between jobs.
enum nn_type cuda_type(const struct cuda *c, int value);
// Steps through a dense tensor of that shape, for its dimensions as the graph counts them.
void cuda_steps(const struct nn_shape *shape, bool last, int *out_steps);
// The first form of a value; of constants the one that is uploaded. NULL: logged.
const struct cuda_form *cuda_form(struct cuda *c, int value);
// The form in that type and order, made where it is missing. GRAPH_NONE: logged.
int cuda_want(struct cuda *c, int value, enum nn_type type, bool last);
// cuda_want() in rows, in cuda_type().
int cuda_want_rows(struct cuda *c, int value);
// A new form of the value, to be written. GRAPH_NONE: logged.
int cuda_make(struct cuda *c, int value, enum nn_type type, bool last);
// The value lies in that buffer as well.
void cuda_put(struct cuda *c, int value, int buffer, enum nn_type type, bool last);
// Memory for results of jobs: of the slab, or for `now` a constant. GRAPH_NONE: logged.
int cuda_buffer(struct cuda *c, size_t bytes, bool now);
// A constant's elements on the device. GRAPH_NONE: logged.
int cuda_upload(struct cuda *c, const void *data, size_t bytes);

// A job in the making: which buffer stands behind each tensor.
struct cuda_draft {
    struct job job;
    int buffers[JOB_TENSORS]; // GRAPH_NONE: not there
    const char *kind;         // for profiles
};

struct cuda_draft cuda_draft(const struct node *node, enum job_kind kind);
// Tensor t of the draft is the whole value in the form; its steps are those of the value's shape
// walked over as `over` says (broadcasting).
void cuda_bind_form(struct cuda *c, struct cuda_draft *d, int t, int value,
                    const struct cuda_form *form, const struct nn_shape *over);
// Dimensions of size 1 go, those of dims[first..end) that can be one become one, and the walk
// follows tensor t's memory. Changes rank (and outer where it is not less than end).
void cuda_tidy(struct job *job, int first, int end, int t);
// Sets job.count from dims[0..end).
void cuda_count(struct job *job, int end);
// Adds the step, or for `now` runs the job at once. Nothing is done for no results. False: logged.
bool cuda_add(struct cuda *c, const struct node *node, struct cuda_draft *d, bool now);
// False: a tensor of the node has more elements than jobs can count, or more dimensions.
bool cuda_fits(const struct cuda *c, const struct node *node);

// t[0] = function(in[0..count)), broadcast to the shape of out; in the forms that are there.
bool cuda_map_values(struct cuda *c, const struct node *node, struct job_map map, const int *in,
                     int count, int out);

static inline bool cuda_is_float(enum nn_type type)
{
    return type == NN_FLOAT32 || type == NN_FLOAT16;
}

// Families of operators.
enum cuda_result cuda_compile_simple(struct cuda *c, const struct node *node);
enum cuda_result cuda_compile_layout(struct cuda *c, const struct node *node);
enum cuda_result cuda_compile_window(struct cuda *c, const struct node *node);
enum cuda_result cuda_compile_math(struct cuda *c, const struct node *node);
