// Floats as whole numbers in the same order, so that a GPU finds the greatest by atomicMax(): the
// same for a C and a CUDA compiler. 0 is below all of them.
#pragma once
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define ORDER_FUNCTION static __host__ __device__ inline
#else
#define ORDER_FUNCTION static inline
#endif

ORDER_FUNCTION uint32_t order_key(float v)
{
    uint32_t bits;

    memcpy(&bits, &v, sizeof(bits));
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

ORDER_FUNCTION float order_value(uint32_t key)
{
    uint32_t bits = key & 0x80000000u ? key & 0x7fffffffu : ~key;
    float v;

    memcpy(&v, &bits, sizeof(v));
    return v;
}
