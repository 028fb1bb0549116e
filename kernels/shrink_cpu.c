#include "kernels/shrink.h"

#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/variant.h"

#define TILE_PX 1024 // of the input

static inline void add_rows(const struct image *in, int y, int x, int bytes, int step,
                            uint16_t *restrict sum)
{
    for (int i = 0; i < bytes; i++)
        sum[i] = 0;
    for (int k = 0; k < step; k++) {
        int row = y + k < in->height ? y + k : in->height - 1;
        const uint8_t *p = in->pixels + (size_t)row * in->stride_bytes + (size_t)x * 4;
        for (int i = 0; i < bytes; i++)
            sum[i] = (uint16_t)(sum[i] + p[i]);
    }
}

static inline void fold(const uint16_t *restrict sum, int pixels, int step, uint8_t *restrict out)
{
    for (int x = 0; x < pixels; x++)
        for (int c = 0; c < 4; c++) {
            unsigned total = (unsigned)(step * step) / 2;
            for (int k = 0; k < step; k++)
                total += sum[(x * step + k) * 4 + c];
            out[x * 4 + c] = (uint8_t)(total / (unsigned)(step * step));
        }
}

static inline void row_of(const struct shrink_job *job, int y, int step, uint8_t *out)
{
    uint16_t sum[TILE_PX * 4];

    // the padding of the input stands in for columns past its end
    for (int x = 0; x < job->out.width; x += TILE_PX / step) {
        int pixels = job->out.width - x < TILE_PX / step ? job->out.width - x : TILE_PX / step;
        add_rows(&job->in, y * step, x * step, pixels * step * 4, step, sum);
        fold(sum, pixels, step, out + (size_t)x * 4);
    }
}

static void rows(void *user, int first, int end)
{
    const struct shrink_job *job = user;

    for (int y = first; y < end; y++) {
        uint8_t *out = job->out.pixels + (size_t)y * job->out.stride_bytes;
        switch (job->log2_step) {
        case 0:
            row_of(job, y, 1, out);
            break;
        case 1:
            row_of(job, y, 2, out);
            break;
        case 2:
            row_of(job, y, 4, out);
            break;
        default:
            row_of(job, y, 8, out);
            break;
        }
        for (int i = 1; i <= IMAGE_PAD_PX; i++) {
            memcpy(out - i * 4, out, 4);
            memcpy(out + (size_t)job->out.width * 4 + (i - 1) * 4,
                   out + (size_t)job->out.width * 4 - 4, 4);
        }
    }
}

void KERNEL(shrink)(const struct shrink_job *job)
{
    parallel_rows(job->out.height, job->threads, rows, (void *)job);
}
