// Which values a plan in half precision keeps in single: half ends at 65504, and what lies beyond
// becomes infinite without a word.
//
// Powers, exponentials and sums may lie beyond, and so may what is made of them, until a root, a
// division by such a value, a normalisation or the like brings the numbers back. Answers lie where
// the network puts them. Products and convolutions are the libraries', and half in any case.
//
// Thread-safety: no state.
#pragma once
#include <stdbool.h>

#include "engine/nn/graph.h"

// For each value of a sorted graph: true where it wants single precision. Array of value_count,
// free with mem_free().
bool *cuda_range_wide(const struct graph *graph);
