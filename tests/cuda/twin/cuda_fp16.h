// CUDA's half precision, on the processor: what our kernels use of it. See cuda_runtime.h.
//
// Thread-safety: no state.
#pragma once

struct __half {
    unsigned short bits;
};

static inline __half __ushort_as_half(unsigned short bits)
{
    return {bits};
}

static inline unsigned short __half_as_ushort(__half h)
{
    return h.bits;
}

float __half2float(__half h);
// To the nearest, halves to even.
__half __float2half_rn(float f);
