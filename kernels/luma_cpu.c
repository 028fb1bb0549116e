#include "kernels/luma.h"

#include <string.h>

#include "kernels/columns.h"
#include "kernels/variant.h"

static void make_row(const struct luma_job *job, int y)
{
    size_t plane = (size_t)job->width * (size_t)job->height;
    const float *g = job->guide + (size_t)y * (size_t)job->width;
    uint8_t *row = job->out.luma + y * job->out.stride_px;

    for (int x = 0; x < job->width; x++)
        row[x] =
            (uint8_t)((g[x] + 2 * g[plane + (size_t)x] + g[2 * plane + (size_t)x]) * 63.75f + 0.5f);
    memset(row - MOTION_PAD_PX, row[0], MOTION_PAD_PX);
    memset(row + job->width, row[job->width - 1], MOTION_PAD_PX);
}

void KERNEL(luma)(const struct luma_job *job)
{
    ptrdiff_t stride = job->out.stride_px;
    size_t bytes = (size_t)job->width + 2 * MOTION_PAD_PX;
    uint8_t *top = job->out.luma - MOTION_PAD_PX, *bottom = top + (job->height - 1) * stride;

    for (int y = 0; y < job->height; y++)
        make_row(job, y);
    for (int i = 1; i <= MOTION_PAD_PX; i++) {
        memcpy(top - i * stride, top, bytes);
        memcpy(bottom + i * stride, bottom, bytes);
    }
}

void KERNEL(grey)(const struct grey_job *job)
{
    for (int y = 0; y < job->in.height; y++) {
        const uint8_t *row = job->in.pixels + (size_t)y * job->in.stride_bytes;
        uint8_t *out = job->out + (size_t)y * (size_t)job->in.width;
        for (int x = 0; x < job->in.width; x++)
            out[x] = (uint8_t)((row[x * 4] + 2 * row[x * 4 + 1] + row[x * 4 + 2]) >> 2);
    }
}
