#include "kernels/motion_sums.h"

#include <immintrin.h>

static inline __m256i load(const uint8_t *at)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)at);
}

static inline __m128i two_rows(const uint8_t *at, ptrdiff_t stride)
{
    return _mm_unpacklo_epi64(_mm_loadu_si64(at), _mm_loadu_si64(at + stride));
}

int KERNEL(motion_sum)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride)
{
    __m128i sum = _mm_setzero_si128();

    for (int r = 0; r < MOTION_SEARCH_PX; r += 2)
        sum = _mm_add_epi32(sum, _mm_sad_epu8(two_rows(a + r * a_stride, a_stride),
                                              two_rows(b + r * b_stride, b_stride)));
    return _mm_cvtsi128_si32(_mm_add_epi32(sum, _mm_unpackhi_epi64(sum, sum)));
}

// 192x112, Zen 3, the whole of motion: MS_BEFORE ms with the sums of motion_sums_cpu.c, MS_AFTER
// so.
void KERNEL(motion_sums)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride,
                         int32_t out[MOTION_RUN_BLOCKS])
{
    __m256i first = _mm256_setzero_si256(), last = first; // four blocks each, 64 bits a block

    for (int r = 0; r < MOTION_SEARCH_PX; r++, a += a_stride, b += b_stride) {
        first = _mm256_add_epi32(first, _mm256_sad_epu8(load(a), load(b)));
        last = _mm256_add_epi32(last, _mm256_sad_epu8(load(a + 32), load(b + 32)));
    }
    __m256 sums = _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(last), 0x88);
    _mm256_storeu_si256((__m256i *)(void *)out,
                        _mm256_permute4x64_epi64(_mm256_castps_si256(sums), 0xd8));
}
