// ONNX's own test layout: a folder with model.onnx and test_data_set_N/{input,output}_K.pb.
//
// Thread-safety: independent calls.
#pragma once
#include "engine/nn/nn.h"
#include "engine/nn/tensor.h"

#define CASE_MAX_TENSORS 64

struct case_set {
    int input_count, output_count;
    struct tensor *inputs[CASE_MAX_TENSORS], *outputs[CASE_MAX_TENSORS];
};

// False: the folder has no such set, or a tensor of a type that we have not.
bool case_set_load(const char *folder, int index, struct case_set *out);
// A set for a model that has none: noise of 0..1 in the shapes given, one an input, and the plain C
// backend's answer. False: logged.
bool case_set_make(const struct nn_model *model, const struct nn_shape *shapes,
                   struct case_set *out);
void case_set_finish(struct case_set *set);

// Plans the model, in float32, for the set's input shapes, with inputs that decide shapes given by
// value. NULL: logged.
struct nn_plan *case_plan(const struct nn_model *model, const struct case_set *set,
                          enum nn_backend backend, int threads);
// The same with all else as in params.
struct nn_plan *case_plan_as(const struct nn_model *model, const struct case_set *set,
                             struct nn_plan_params params);
// Copies the inputs in, onto the GPU if the plan is there. Call before each run. False: the GPU
// failed.
bool case_fill(struct nn_plan *plan, const struct case_set *set);

// Waits for what a plan on the GPU has queued. False: the GPU failed.
bool case_wait(struct nn_plan *plan);

struct case_error {
    double nmse;    // sum of squared differences over sum of squares, of the worst output
    double max_abs; // of the worst element
    bool same_form; // types and shapes agree
    bool close;     // each element within 1e-3 of its size and 1e-7, as the onnx package judges
};
// Waits for the GPU if the plan is there; its failure is another form.
struct case_error case_compare(struct nn_plan *plan, const struct case_set *set);
