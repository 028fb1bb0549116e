#include "kernels/sample_math.h"

#include <immintrin.h>
#include <string.h>

#include "kernels/columns.h"
#include "kernels/synth.h"
#include "kernels/variant.h"

// The four taps of a pixel. Unsigned, a place needs no widening with its sign.
static inline const __m128i *taps(const uint8_t *row, int32_t place)
{
    return (const __m128i *)(const void *)(row + (size_t)((uint32_t)place >> 6) * 4 - 4);
}

static inline __m256i weights(int32_t place)
{
    int32_t w;

    memcpy(&w, sample_weights[place & 63], 4);
    return _mm256_set1_epi32(w);
}

// Two pixels: the sums of their channels, 32 bits each.
static inline __m256i pair(const uint8_t *row, int32_t low, int32_t high)
{
    // sorted by channel: R R R R, G G G G, ...
    const __m256i by_channel = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
    __m256i p =
        _mm256_shuffle_epi8(_mm256_loadu2_m128i(taps(row, high), taps(row, low)), by_channel);
    __m256i w = _mm256_blend_epi32(weights(low), weights(high), 0xf0);

    return _mm256_madd_epi16(_mm256_maddubs_epi16(p, w), _mm256_set1_epi16(1));
}

// Pixels 0, 1, 4 and 5 of a map, rounded, 16 bits a channel.
static inline __m256i four(const uint8_t *row, const int32_t *map)
{
    __m256i sums = _mm256_packs_epi32(pair(row, map[0], map[4]), pair(row, map[1], map[5]));

    return _mm256_mulhrs_epi16(sums, _mm256_set1_epi16(32768 / 64)); // (sum + 32) / 64
}

static void one(const uint8_t *row, int32_t place, uint8_t *out)
{
    const uint8_t *p = row + ((place >> 6) - 1) * 4;
    const int8_t *w = sample_weights[place & 63];

    for (int c = 0; c < 4; c++) {
        int v = (w[0] * p[c] + w[1] * p[c + 4] + w[2] * p[c + 8] + w[3] * p[c + 12] + 32) >> 6;
        out[c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
    }
}

void KERNEL(sample_row)(const uint8_t *row, const int32_t *map, int count, uint8_t *out)
{
    int x = 0;

    for (; x + 8 <= count; x += 8)
        _mm256_storeu_si256((__m256i *)(void *)(out + (size_t)x * 4),
                            _mm256_packus_epi16(four(row, map + x), four(row, map + x + 2)));
    for (; x < count; x++)
        one(row, map[x], out + (size_t)x * 4);
}

// One pixel of 16 bits a sample: the sums of its channels. Products are of signed words, so that
// 32768 is taken from each sample; with weights that sum to 64 it comes back as what `round` adds.
static inline __m128i sums16(const uint16_t *row, int32_t place)
{
    const __m256i by_channel = _mm256_broadcastsi128_si256(
        _mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
    const __m256i first_or_last = _mm256_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1);
    const __m256i round = _mm256_setr_epi32(32 + (32768 << 6), 32 + (32768 << 6), 32 + (32768 << 6),
                                            32 + (32768 << 6), 0, 0, 0, 0);
    int32_t w;
    __m256i weight, p = _mm256_loadu_si256(
                        (const __m256i *)(const void *)(row + ((ptrdiff_t)(place >> 6) - 1) * 4));

    memcpy(&w, sample_weights[place & 63], 4);
    weight = _mm256_permutevar8x32_epi32(_mm256_cvtepi8_epi16(_mm_cvtsi32_si128(w)), first_or_last);
    p = _mm256_shuffle_epi8(_mm256_xor_si256(p, _mm256_set1_epi16(-32768)), by_channel);
    p = _mm256_add_epi32(_mm256_madd_epi16(p, weight), round);
    return _mm_srai_epi32(_mm_add_epi32(_mm256_castsi256_si128(p), _mm256_extracti128_si256(p, 1)),
                          6);
}

void KERNEL(sample_row16)(const uint16_t *row, const int32_t *map, int count, uint16_t *out)
{
    int x = 0;

    for (; x + 2 <= count; x += 2)
        _mm_storeu_si128((__m128i *)(void *)(out + (size_t)x * 4),
                         _mm_packus_epi32(sums16(row, map[x]), sums16(row, map[x + 1])));
    for (; x < count; x++) {
        __m128i v = sums16(row, map[x]);
        _mm_storel_epi64((__m128i *)(void *)(out + (size_t)x * 4), _mm_packus_epi32(v, v));
    }
}
