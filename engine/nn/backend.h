// What a backend is: something that turns a graph into a program, and runs it.
//
// A backend whose tensors live on a device keeps its own memory and copies inputs and outputs in
// the program's first and last steps, or in run().
//
// Thread-safety: each state belongs to one plan.
#pragma once
#include "engine/nn/nn.h"
#include "engine/nn/op.h"
#include "engine/nn/program.h"

struct backend {
    enum nn_backend id;
    bool fuses;   // the graph it gets has been through pass_fuse()
    bool attends; // and may hold Attention (op.h)
    bool device;  // does as nn_plan_params.device asks
    // params: complete, threads > 0. NULL: not here; then logged at debug level.
    void *(*create)(const struct nn_plan_params *params);
    void (*destroy)(void *state);
    // Adds the steps of every node in graph->order to the program. program->plain has the inputs'
    // buffers, and must have the outputs' at the end. False, logged.
    bool (*compile)(void *state, struct graph *graph, struct program *program);
    // Optional. All memory is there: what the first run would have to do once. False, logged.
    bool (*start)(void *state, struct program *program);
    // Optional: NULL means run_program(program). run_program is program_run() or, for profiles,
    // program_run_timed().
    bool (*run)(void *state, struct program *program, bool (*run_program)(struct program *));
    // "oneDNN 2.6.3 fp32"; lives as long as the state.
    const char *(*describe)(const void *state);
};

extern const struct backend backend_reference, backend_cuda;
#ifdef NN_HAVE_ONEDNN
extern const struct backend backend_onednn;
#endif

// The dense form of a value: the buffer that is there, or for a constant one over its memory.
// GRAPH_NONE: neither.
int backend_plain(struct program *program, int value);
// A step that calls a plain function over dense tensors. run NULL: the operator's reference kernel.
// Every input must have a dense form; outputs get one. What passes have put onto the node is done
// as well. Operators that only rename elements make no step: their output is their input.
void backend_add_call(struct program *program, const struct node *node, op_run *run);
