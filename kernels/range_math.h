// Steps of range.h: the same for a C and a CUDA compiler.
#pragma once
#include "kernels/order.h"
#include "kernels/range.h"

ORDER_FUNCTION bool range_finite(float v)
{
    return v - v == 0.0f;
}

// What a bin is wide; not a positive number where there is nothing to measure.
ORDER_FUNCTION float range_width(const struct range *r)
{
    return (order_value(r->most) + order_value(r->least)) / RANGE_BINS;
}

ORDER_FUNCTION int range_bin(float v, float least, float width)
{
    int bin = (int)((v - least) / width);

    return bin < RANGE_BINS ? bin : RANGE_BINS - 1;
}

// Bin i holds the value below which `wanted` values lie; so many lie below the bin.
ORDER_FUNCTION bool range_holds(uint32_t bin, uint32_t below, double wanted)
{
    return bin > 0 && (double)below + bin >= wanted && (below == 0 || (double)below < wanted);
}

ORDER_FUNCTION float range_value(int i, uint32_t bin, uint32_t below, double wanted, float least,
                                 float width)
{
    return least + width * ((float)i + (float)((wanted - below) / bin));
}

// Goes after what was measured.
ORDER_FUNCTION void range_follow(struct range *r, float low, float high)
{
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
