#include "kernels/synth_blocks.h"

#include <immintrin.h>

#include "kernels/columns.h"

#define LANES 16

// Source pixels x..x + 15 at once, where each covers one output pixel at most and none is steep,
// and so torn off maybe, or folded back. The lanes that cover one hold output pixels in order, so
// that squeezing them together puts them in place. False: nothing was done. 1080p, Zen 5, one core,
// both eyes: 7.0 ms pixel by pixel, 2.5 ms so.
static inline bool block(struct synth_walk *m, int x)
{
    if ((float)m->next <= m->place[x - 1])
        return false; // something before x is still to be drawn
    __m512 here = _mm512_loadu_ps(m->place + x), before = _mm512_loadu_ps(m->place + x - 1);
    __m512 step = _mm512_sub_ps(here, before), first = _mm512_set1_ps((float)m->next);
    __m512 place = _mm512_floor_ps(here);
    __m512 covers = _mm512_sub_ps(place, _mm512_floor_ps(before));
    __mmask16 seen = _mm512_cmp_ps_mask(here, first, _CMP_GE_OQ);

    if (seen == 0)
        return true; // all hidden
    if (_mm512_cmp_ps_mask(step, _mm512_setzero_ps(), _CMP_LE_OQ) != 0 ||
        _mm512_cmp_ps_mask(step, _mm512_set1_ps(1.0f + SYNTH_STEEP_PX), _CMP_GT_OQ) != 0 ||
        _mm512_cmp_ps_mask(covers, _mm512_set1_ps(1.0f), _CMP_GT_OQ) != 0)
        return false;
    __m512i index =
        _mm512_add_epi32(_mm512_set1_epi32(x),
                         _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    __m512 base =
        _mm512_add_ps(_mm512_cvtepi32_ps(_mm512_slli_epi32(index, 6)), _mm512_set1_ps(0.5f));
    __m512 inverse = _mm512_div_ps(_mm512_set1_ps((float)SYNTH_UNIT), step);
    __m512 u = _mm512_sub_ps(base, _mm512_mul_ps(_mm512_sub_ps(here, place), inverse));
    __mmask16 writes = seen & _mm512_cmp_ps_mask(covers, _mm512_set1_ps(1.0f), _CMP_EQ_OQ);

    _mm512_storeu_si512(m->out + m->next,
                        _mm512_maskz_compress_epi32(writes, _mm512_cvttps_epi32(u)));
    m->next += __builtin_popcount(writes);
    return true;
}

void KERNEL(synth_map)(const float *place, int width, float tear_px, int soft_px, int32_t *out)
{
    struct synth_walk m = {place, width, out, tear_px, synth_reach(soft_px), 0};

    synth_walk_blocks(&m, LANES, block);
}
