#include "kernels/synth_blocks.h"

#include <immintrin.h>

#include "kernels/columns.h"

#define LANES 8

// Which lanes of four come first, by the bits of those that are kept.
static const int32_t kept[16][4] = {
    {0, 0, 0, 0}, {0, 0, 0, 0}, {1, 0, 0, 0}, {0, 1, 0, 0}, {2, 0, 0, 0}, {0, 2, 0, 0},
    {1, 2, 0, 0}, {0, 1, 2, 0}, {3, 0, 0, 0}, {0, 3, 0, 0}, {1, 3, 0, 0}, {0, 1, 3, 0},
    {2, 3, 0, 0}, {0, 2, 3, 0}, {1, 2, 3, 0}, {0, 1, 2, 3},
};

// Writes the lanes that are kept, four of them, one after another.
static inline void put(struct synth_walk *m, __m128i lanes, int which)
{
    __m128i order = _mm_loadu_si128((const __m128i *)(const void *)kept[which]);

    _mm_storeu_si128((__m128i *)(void *)(m->out + m->next),
                     _mm_castps_si128(_mm_permutevar_ps(_mm_castsi128_ps(lanes), order)));
    m->next += __builtin_popcount((unsigned)which);
}

// The lanes that lie right of all that is drawn. Where nothing before them is hidden, all that
// cover something are, and m->next, which is known late, is not waited for. 1080p, Zen 3, one core,
// both eyes: 4.7 ms waiting, 3.7 ms so.
static inline int seen(const struct synth_walk *m, __m256 here, float before)
{
    if ((float)m->next == before + 1.0f)
        return 255;
    return _mm256_movemask_ps(_mm256_cmp_ps(here, _mm256_set1_ps((float)m->next), _CMP_GE_OQ));
}

// Source pixels x..x + 7 at once, where each covers one output pixel at most and none is steep, and
// so torn off maybe, or folded back; see synth_map_avx512.c. False: nothing was done.
static inline bool block(struct synth_walk *m, int x)
{
    if ((float)m->next <= m->place[x - 1])
        return false; // something before x is still to be drawn
    __m256 here = _mm256_loadu_ps(m->place + x), before = _mm256_loadu_ps(m->place + x - 1);
    __m256 step = _mm256_sub_ps(here, before), place = _mm256_floor_ps(here);
    __m256 last = _mm256_floor_ps(before), one = _mm256_set1_ps(1.0f);
    __m256 covers = _mm256_sub_ps(place, last);
    int writes = seen(m, here, _mm256_cvtss_f32(last));

    if (writes == 0)
        return true; // all hidden
    __m256 wild = _mm256_or_ps(_mm256_cmp_ps(step, _mm256_setzero_ps(), _CMP_LE_OQ),
                               _mm256_cmp_ps(covers, one, _CMP_GT_OQ));
    __m256 steep = _mm256_cmp_ps(step, _mm256_set1_ps(1.0f + SYNTH_STEEP_PX), _CMP_GT_OQ);
    if (_mm256_movemask_ps(_mm256_or_ps(wild, steep)) != 0)
        return false;
    __m256i index =
        _mm256_add_epi32(_mm256_set1_epi32(x), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    __m256 base =
        _mm256_add_ps(_mm256_cvtepi32_ps(_mm256_slli_epi32(index, 6)), _mm256_set1_ps(0.5f));
    __m256 inverse = _mm256_div_ps(_mm256_set1_ps((float)SYNTH_UNIT), step);
    __m256i u = _mm256_cvttps_epi32(
        _mm256_sub_ps(base, _mm256_mul_ps(_mm256_sub_ps(here, place), inverse)));

    writes &= _mm256_movemask_ps(_mm256_cmp_ps(covers, one, _CMP_EQ_OQ));
    put(m, _mm256_castsi256_si128(u), writes & 15);
    put(m, _mm256_extracti128_si256(u, 1), writes >> 4);
    return true;
}

void KERNEL(synth_map)(const float *place, int width, float tear_px, int soft_px, int32_t *out)
{
    struct synth_walk m = {place, width, out, tear_px, synth_reach(soft_px), 0};

    synth_walk_blocks(&m, LANES, block);
}
