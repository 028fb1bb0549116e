// Bytes, words and whole numbers on a GPU by additions and permutations: conversions run on a few
// units that all share.
//
// Thread-safety: no state.
#pragma once
#include <cuda_runtime.h>
#include <stdint.h>

// Byte k of a word, 0..3: as the lowest bits of 2^23.
static __device__ inline float cuda_byte(unsigned word, unsigned k)
{
    return __uint_as_float(__byte_perm(word, 0x4b000000, 0x7650 | k)) - 8388608.0f;
}

// Half k of a word, 0..1.
static __device__ inline float cuda_half_word(unsigned word, unsigned k)
{
    return __uint_as_float(__byte_perm(word, 0x4b000000, k ? 0x7632 : 0x7610)) - 8388608.0f;
}

// The whole part of what lies within -2^22..2^22: rounded down beside 1.5 * 2^23, where floats are
// 1 apart.
static __device__ inline int cuda_whole(float v)
{
    return __float_as_int(__fadd_rd(v, 12582912.0f)) - 0x4b400000;
}

// Four bytes of a word, each clamped to 0..255.
static __device__ inline unsigned cuda_pack_clamped(int a, int b, int c, int d)
{
#ifdef __CUDA_ARCH__
    unsigned high, all;

    asm("cvt.pack.sat.u8.s32.b32 %0, %1, %2, 0;" : "=r"(high) : "r"(d), "r"(c));
    asm("cvt.pack.sat.u8.s32.b32 %0, %1, %2, %3;" : "=r"(all) : "r"(b), "r"(a), "r"(high));
    return all;
#else
    const int v[4] = {a, b, c, d};
    unsigned all = 0;

    for (int i = 0; i < 4; i++) {
        int byte = v[i] < 0 ? 0 : v[i] > 255 ? 255 : v[i];
        all |= (unsigned)byte << 8 * i;
    }
    return all;
#endif
}

// sum + the four products of signed and unsigned bytes.
static __device__ inline int cuda_dot(int signed_bytes, unsigned bytes, int sum)
{
#ifdef __CUDA_ARCH__
    asm("dp4a.s32.u32 %0, %1, %2, %0;" : "+r"(sum) : "r"(signed_bytes), "r"(bytes));
#else
    for (int i = 0; i < 4; i++)
        sum += (int8_t)(signed_bytes >> 8 * i) * (int)(bytes >> 8 * i & 255);
#endif
    return sum;
}

// Whether rows of pixels lie on multiples of `bytes`.
static __device__ __host__ inline bool cuda_aligned(const void *rows, ptrdiff_t stride_bytes,
                                                    size_t bytes)
{
    return ((size_t)rows | (size_t)stride_bytes) % bytes == 0;
}
