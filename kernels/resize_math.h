// Which samples lie under an output sample, and how much of each: the same for a C and a CUDA
// compiler.
#pragma once
#include <math.h>

#ifdef __CUDACC__
#define RESIZE_FUNCTION static __host__ __device__ inline
#else
#define RESIZE_FUNCTION static inline
#endif

// The samples under one output sample: first..last, the outer two covered in part.
struct resize_span {
    int first, last;
    float head,
        tail; // weights of the first and the last; those between have 1. One sample only: head
    float total;
};

RESIZE_FUNCTION struct resize_span resize_span_of(int index, float ratio, int in_size)
{
    float reach = ratio > 1.0f ? ratio : 1.0f, centre = ((float)index + 0.5f) * ratio;
    float begin = centre - reach / 2, end = centre + reach / 2;
    struct resize_span s;

    begin = begin > 0.0f ? begin : 0.0f;
    end = end < (float)in_size ? end : (float)in_size;
    s.first = (int)begin;
    s.last = (int)ceilf(end) - 1;
    s.first = s.first < in_size ? s.first : in_size - 1;
    s.last = s.last < s.first ? s.first : s.last;
    s.head = (s.last == s.first ? end : (float)(s.first + 1)) - begin;
    s.tail = s.last == s.first ? 0.0f : end - (float)s.last;
    if (s.head <= 0.0f && s.tail <= 0.0f)
        s.head = 1.0f;
    s.total = s.head + s.tail + (float)(s.last - s.first > 1 ? s.last - s.first - 1 : 0);
    return s;
}
