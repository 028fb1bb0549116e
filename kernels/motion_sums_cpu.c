#include "kernels/motion_sums.h"

static inline uint8_t difference(uint8_t a, uint8_t b)
{
    return (uint8_t)(a > b ? a - b : b - a);
}

int KERNEL(motion_sum)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride)
{
    int sum = 0;

    for (int r = 0; r < MOTION_SEARCH_PX; r++, a += a_stride, b += b_stride)
        for (int i = 0; i < MOTION_SEARCH_PX; i++)
            sum += difference(a[i], b[i]);
    return sum;
}

void KERNEL(motion_sums)(const uint8_t *a, ptrdiff_t a_stride, const uint8_t *b, ptrdiff_t b_stride,
                         int32_t out[MOTION_RUN_BLOCKS])
{
    uint16_t column[MOTION_RUN_PX] = {0};

    for (int r = 0; r < MOTION_SEARCH_PX; r++, a += a_stride, b += b_stride)
        for (int i = 0; i < MOTION_RUN_PX; i++)
            column[i] = (uint16_t)(column[i] + difference(a[i], b[i]));
    for (int k = 0; k < MOTION_RUN_BLOCKS; k++) {
        out[k] = 0;
        for (int i = 0; i < MOTION_SEARCH_PX; i++)
            out[k] += column[k * MOTION_SEARCH_PX + i];
    }
}
