// Passes over a graph that is to be planned: each leaves a graph that computes the same.
//
// Order: pass_widen, pass_infer, and for backends that fuse, pass_fuse; pass_narrow where types
// were widened.
//
// Thread-safety: a graph belongs to one thread while it is changed.
#pragma once
#include "engine/nn/graph.h"

// Half precision is computed in single: half inputs and results of Cast are widened where they are
// read, and half constants for good.
void pass_widen(struct graph *graph);
// Types and shapes of everything, from the inputs' (all typed and shaped). What depends on
// constants and shapes only is computed now and becomes constant; what no output needs goes. False,
// logged.
bool pass_infer(struct graph *graph);
// Casts outputs back to the type that the file declares. types: one an output; as in a graph before
// pass_widen.
bool pass_narrow(struct graph *graph, const enum nn_type *types);
// Joins nodes: BatchNormalization and constants into the weights of convolutions and products,
// activations and residual sums onto them. Begins with pass_recognise(), which attention is for.
bool pass_fuse(struct graph *graph, bool attention);
// Puts convolutions of 1x1 before the Resize that they read, where that is the same. Ends
// pass_fuse().
bool pass_commute(struct graph *graph);
// Finds what exporters take apart, and makes it one node again: LayerNormalization, Gelu and, where
// asked for, Attention (op.h).
bool pass_recognise(struct graph *graph, bool attention);
