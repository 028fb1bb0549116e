// Steps of range.h: the same for a C and a CUDA compiler.
#pragma once
#include "kernels/order.h"
#include "kernels/range.h"

#define RANGE_STEPS (32 / RANGE_BITS)

ORDER_FUNCTION bool range_finite(float v)
{
    return v - v == 0.0f;
}

// The bin of this end that v counts in; -1: none.
ORDER_FUNCTION int range_bin(float v, const struct range_end *end, int step)
{
    uint32_t begin = order_key(v) >> (32 - RANGE_BITS * (step + 1));

    return range_finite(v) && begin >> RANGE_BITS == end->begin ? (int)(begin % RANGE_BINS) : -1;
}

// Which of `total` values, the least being 0, the low or the high end is.
ORDER_FUNCTION uint32_t range_rank(bool high, uint32_t total)
{
    uint32_t tail = (uint32_t)(RANGE_TAIL * (double)total);

    return high ? total - 1 - tail : tail;
}

// The value looked for is in bin i, so many lie in bins before it.
ORDER_FUNCTION void range_enter(struct range_end *end, int i, uint32_t below)
{
    end->begin = end->begin * RANGE_BINS + (uint32_t)i;
    end->rank -= below;
}

// Goes after what was measured.
ORDER_FUNCTION void range_follow(struct range *r)
{
    float low = order_value(r->ends[0].begin), high = order_value(r->ends[1].begin);
    float part = r->known ? RANGE_FOLLOW : 1.0f, wide = high - low;

    if (!(wide > 0) || !range_finite(wide) || !range_finite(1.0f / wide) ||
        !range_finite(low - r->low) || !range_finite(high - r->high))
        return;
    r->low += part * (low - r->low);
    r->high += part * (high - r->high);
    r->known = 1;
}

ORDER_FUNCTION float range_scale(const struct range *r)
{
    return r->known ? 1.0f / (r->high - r->low) : 0.0f;
}

ORDER_FUNCTION float range_nearness(bool known, float low, float scale, float v)
{
    v = range_finite(v) ? (v - low) * scale : 0.0f;
    v = known ? v : 0.5f;
    return v < 0.0f ? 0.0f : v > 1.0f ? 1.0f : v;
}
