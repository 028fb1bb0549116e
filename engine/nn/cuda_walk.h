// How a job walks over its tensors (cuda_job.h): through as few dimensions as there can be, along
// the memory.
//
// Thread-safety: safe.
#pragma once
#include "engine/nn/cuda_job.h"

// Steps through a dense tensor of that shape, for its dimensions as the graph counts them.
void cuda_steps(const struct nn_shape *shape, bool last, int *out_steps);
// Dimensions of size 1 go, those of dims[first..end) that can be one become one, and the walk
// follows tensor t's memory. Changes rank (and outer where it is not less than end).
void cuda_tidy(struct job *job, int first, int end, int t);
// Sets job.count from dims[0..end).
void cuda_count(struct job *job, int end);
