// Neural networks from ONNX files: load, plan for one input size on one backend, run.
//
//     struct nn_model *m = nn_model_load("net.onnx");
//     struct nn_plan *p = nn_plan_create(m, &(struct nn_plan_params){.backend = NN_BACKEND_CPU});
//     fill(nn_plan_input(p, 0));            // written in place, no copy
//     nn_plan_run(p);
//     use(nn_plan_output(p, 0));
//
// A model is a checked graph with its weights; it never changes once loaded. A plan holds
// everything that a run needs: shapes, fused operators, their order, one slab of memory. Running
// allocates nothing of ours and takes no lock of ours.
//
// Files: ONNX opset 11 to 20, github.com/onnx/onnx/blob/main/docs/IR.md, weights inside or in
// external data beside the file.
//
// Thread-safety: a model may be shared; a plan belongs to one thread at a time, and plans are
// independent of each other.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NN_MAX_RANK 8

// The element types that tensors may have. Inputs and outputs of a plan are in the model's own
// type.
enum nn_type { NN_FLOAT32, NN_FLOAT16, NN_INT32, NN_INT64, NN_BOOL, NN_UINT8, NN_INT8 };

enum nn_backend {
    NN_BACKEND_AUTO,      // the best that is here
    NN_BACKEND_REFERENCE, // plain C: slow, and what the others are compared with
    NN_BACKEND_CPU,       // oneDNN
    NN_BACKEND_CUDA,      // cuDNN
    NN_BACKEND_PROCESSOR, // the best that is here and needs no GPU
};

enum nn_precision {
    NN_PRECISION_AUTO, // CUDA: as FP16; a processor: bfloat16 where it has AMX, else float32
    NN_PRECISION_FP32,
    NN_PRECISION_BF16,
    // CUDA only: products and convolutions in float16, which ends at 65504; powers, exponentials,
    // sums and answers are kept in float32
    NN_PRECISION_FP16,
};

struct nn_shape {
    int rank;                  // 0: a scalar
    int64_t dims[NN_MAX_RANK]; // outermost first; -1: free, chosen when planned
};

struct nn_value_info {
    const char *name; // lives as long as the model or plan that it came from
    enum nn_type type;
    struct nn_shape shape;
};

struct nn_model;
struct nn_plan;

// Bytes of one element.
size_t nn_type_size(enum nn_type type);

// NULL, with the reason logged, where the file cannot be read, is not ONNX, is damaged, or uses an
// operator that we have not: then the message names operator, node and file.
struct nn_model *nn_model_load(const char *path);
// Accepts a pointer to NULL; sets it to NULL. Plans made of the model must be gone.
void nn_model_destroy(struct nn_model **model);

int nn_model_input_count(const struct nn_model *model);
int nn_model_output_count(const struct nn_model *model);
// Free dimensions are -1.
struct nn_value_info nn_model_input(const struct nn_model *model, int index);
struct nn_value_info nn_model_output(const struct nn_model *model, int index);
// True where the input's value (not its shape) decides shapes inside: it must be given in
// nn_plan_params.input_values.
bool nn_model_input_decides_shapes(const struct nn_model *model, int index);
// Side of the patches that a picture at this input is cut into: kernel and stride of the
// convolution that reads it, where both are the same (14 for ViT-S/14). Else 1.
int nn_model_input_patch(const struct nn_model *model, int index);
// A value of metadata_props. NULL: the file does not have it.
const char *nn_model_metadata(const struct nn_model *model, const char *key);

struct nn_plan_params {
    enum nn_backend backend;
    enum nn_precision precision;
    int threads; // 0: all cores
    // One shape an input, for models with free dimensions; input_shapes NULL: as the file says, a
    // free dimension is 1.
    const struct nn_shape *input_shapes;
    int input_shape_count;
    // One pointer an input, NULL for those that are written before each run. An input given here is
    // a constant of the plan; its elements, dense, are copied. input_values NULL: none is. As many
    // as input_shape_count.
    const void *const *input_values;
    // Inputs and outputs in the GPU's memory, where CUDA makes the plan: see nn_plan_on_device().
    bool device;
};

// params NULL: all defaults. A backend that is here and cannot make its plan is replaced by the
// next best, with one warning; nn_plan_backend_name() says which it is. NULL, logged, where a shape
// does not fit the graph, memory is short, or the backend asked for is not here (NN_BACKEND_AUTO
// and NN_BACKEND_PROCESSOR always find one).
struct nn_plan *nn_plan_create(const struct nn_model *model, const struct nn_plan_params *params);
// Accepts a pointer to NULL; sets it to NULL.
void nn_plan_destroy(struct nn_plan **plan);

// Shape and type as planned, nothing free. Inputs are counted as in the model. Elements are dense,
// row major, [N][C][H][W] for pictures.
struct nn_value_info nn_plan_input_info(const struct nn_plan *plan, int index);
struct nn_value_info nn_plan_output_info(const struct nn_plan *plan, int index);
// Memory of the plan, MEM_ALIGN-aligned; the host's, unless nn_plan_on_device(). Write before each
// run: a run may overwrite it. NULL for an input that was given as a constant.
void *nn_plan_input(struct nn_plan *plan, int index);
// Valid until the next run.
const void *nn_plan_output(const struct nn_plan *plan, int index);

// nn_plan_params.device was set and CUDA makes the plan. Inputs and outputs are then device memory,
// and nn_plan_run() waits for nothing: it queues on CUDA's per-thread default stream of the calling
// thread, which may be another one each time. What fails later is told by whoever waits for that
// stream.
bool nn_plan_on_device(const struct nn_plan *plan);

// False, logged, when the device failed; the plan is then to be destroyed.
bool nn_plan_run(struct nn_plan *plan);

// Runs it `runs` times, step by step, and logs where the time goes: a line for each kind of step
// and each of the slowest.
void nn_plan_profile(struct nn_plan *plan, int runs);

size_t nn_plan_slab_bytes(const struct nn_plan *plan);
// For people: "oneDNN 2.6.3 fp32", "reference", ...
const char *nn_plan_backend_name(const struct nn_plan *plan);
