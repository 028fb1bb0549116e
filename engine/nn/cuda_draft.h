// Jobs in the making, and the steps of the program that they become.
//
// Thread-safety: belongs to one plan.
#pragma once
#include "engine/nn/cuda_state.h"

struct cuda_form;

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
// Adds the step, or for `now` runs the job at once. Nothing is done for no results. False: logged.
bool cuda_add(struct cuda *c, const struct node *node, struct cuda_draft *d, bool now);
// False: a tensor of the node has more elements than jobs can count, or more dimensions.
bool cuda_fits(const struct cuda *c, const struct node *node);
