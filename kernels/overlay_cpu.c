#include "kernels/overlay.h"

#include "kernels/columns.h"
#include "kernels/variant.h"

// v / 255 to the nearest, exact for 0..65025
static inline uint8_t by_255(unsigned v)
{
    v += 128;
    return (uint8_t)((v + (v >> 8)) >> 8);
}

static void row(const uint8_t *restrict colour, const uint8_t *restrict keep, uint8_t *restrict out,
                size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        out[i] = (uint8_t)(colour[i] + by_255((unsigned)out[i] * keep[i]));
}

void KERNEL(overlay)(const struct overlay_job *job)
{
    for (int y = 0; y < job->height; y++)
        row(job->colour + (size_t)y * job->stride_bytes, job->keep + (size_t)y * job->stride_bytes,
            job->out + (size_t)y * job->out_stride_bytes, (size_t)job->width * 4);
}
