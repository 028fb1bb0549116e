// Relative depth on any scale becomes nearness 0..1: between the 2nd and the 98th percentile,
// followed slowly so that the scene does not pump when something enters it.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct range {
    bool known;
    float low, high;
};

// Forgets the past: the next picture alone sets the range.
void range_reset(struct range *range);
// count values, near is large; what is not a number counts as farthest. All the same: everything
// lies half way.
void range_normalise(struct range *range, const float *values, size_t count, float *out_nearness);
