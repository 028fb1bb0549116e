// Element-wise functions that pass_fuse() may put onto a node.
//
// Thread-safety: no state.
#pragma once
#include "engine/nn/graph.h"

// Reads what a node computes alone: Relu, Clip, Sigmoid, ... ACTIVATION_NONE: none of those, or its
// limits are not known.
enum activation activation_of(const struct graph *graph, const struct node *node, float *out_a,
                              float *out_b);
// The function that passes have put onto the node.
float activation_apply(const struct node *node, float x);
