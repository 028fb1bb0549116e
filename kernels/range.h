// Range: relative depth on any scale becomes nearness 0..1: between the 2nd and the 98th
// percentile, followed slowly so that the scene does not pump when something enters it.
//
// Cost: reads 4 bytes a pixel three times, writes 4.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGE_BINS 1024
#define RANGE_TAIL 0.02
// The part of the way to a new range that is gone with each picture: half of it in about 10.
#define RANGE_FOLLOW 0.07f

// What is kept from picture to picture; in the memory of the column's device. All-zero: nothing is
// known.
struct range {
    uint32_t known;
    float low, high;
    // of the picture at work:
    uint32_t least, most; // order_key() of -value and of value
    uint32_t bins[RANGE_BINS];
};

struct range_job {
    const float *values; // count of them, near is large; what is not a number counts as farthest
    int count;
    bool fresh;          // the past counts for nothing: this picture alone sets the range
    struct range *range; // in, out
    float *out;          // [count], 0..1; half way where all values are the same
};

typedef void kernel_range(const struct range_job *job);
