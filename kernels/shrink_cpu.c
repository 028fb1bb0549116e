#include "kernels/shrink.h"

#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/variant.h"

#define TILE_PX 1024 // of the input

// Sums of columns over the rows under one output row; rows past the last repeat it.
KERNEL_INLINE void add_rows(const struct image *in, int y, int x, int bytes, int step,
                            uint16_t *restrict sum)
{
    const uint8_t *row[8];

    for (int k = 0; k < step; k++) {
        int v = y + k < in->height ? y + k : in->height - 1;
        row[k] = in->pixels + (size_t)v * in->stride_bytes + (size_t)x * 4;
    }
    for (int i = 0; i < bytes; i++) {
        unsigned total = 0;
        for (int k = 0; k < step; k++)
            total += row[k][i];
        sum[i] = (uint16_t)total;
    }
}

// The four sums of a pixel lie side by side in 64 bits, and are added, rounded and divided
// together: 64 * 255 fits the 16 that each has.
KERNEL_INLINE void fold(const uint16_t *restrict sum, int pixels, int step, uint8_t *restrict out)
{
    const uint64_t each = UINT64_C(0x0001000100010001);
    const int shift = step == 8 ? 6 : step == 4 ? 4 : step == 2 ? 2 : 0;

    for (int x = 0; x < pixels; x++) {
        uint64_t total = each * (uint64_t)(step * step / 2), part;
        for (int k = 0; k < step; k++) {
            memcpy(&part, sum + (x * step + k) * 4, 8);
            total += part;
        }
        total = total >> shift & each * 255;
        total = (total | total >> 8) & UINT64_C(0x0000ffff0000ffff);
        uint32_t pixel = (uint32_t)(total | total >> 16);
        memcpy(out + x * 4, &pixel, 4);
    }
}

KERNEL_INLINE void row_of(const struct shrink_job *job, int y, int step, uint8_t *out)
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
