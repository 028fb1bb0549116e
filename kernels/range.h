// Range: relative depth on any scale becomes nearness 0..1: between the 2nd and the 98th
// percentile, followed slowly so that the scene does not pump when something enters it.
//
// The percentiles are exact whatever the scale, and no stray value changes it: values are counted
// by the first eight bits of their order_key(), those of a percentile's bin by the next eight, and
// so on (selection by radix).
//
// Cost: reads 4 bytes a pixel five times, writes 4.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGE_BITS 8
#define RANGE_BINS (1 << RANGE_BITS)
#define RANGE_TAIL 0.02
// The part of the way to a new range that is gone with each picture: half of it in about 10.
#define RANGE_FOLLOW 0.07f

// A percentile that is being looked for, from step to step.
struct range_end {
    uint32_t begin; // of its value's order_key(), as many bits as are known
    uint32_t rank;  // among the values that begin so
    uint32_t bins[RANGE_BINS];
};

// What is kept from picture to picture; in the memory of the column's device. All-zero: nothing is
// known.
struct range {
    uint32_t known;
    float low, high;
    struct range_end ends[2]; // of the picture at work
};

struct range_job {
    const float *values; // count of them, near is large; what is not a number counts as farthest
    int count;
    bool fresh;          // the past counts for nothing: this picture alone sets the range
    struct range *range; // in, out
    float *out;          // [count], 0..1; half way where all values are the same
};

typedef void kernel_range(const struct range_job *job);
