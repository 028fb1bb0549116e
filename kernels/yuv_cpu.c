#include "kernels/yuv.h"

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/variant.h"

// Pixels of two rows that are worked on at a time: they stay in the first cache.
#define TILE_PX 512

static const uint16_t *pixels_of(const struct yuv_job *job, int x, int y)
{
    return (const uint16_t *)(const void *)(job->pixels + (size_t)y * job->stride_bytes) +
           (size_t)x * 4;
}

static inline uint16_t weigh(const float m[4], float r, float g, float b, int shift)
{
    // in range whatever the pixel: nothing to clamp
    return (uint16_t)((int32_t)(m[0] * r + m[1] * g + m[2] * b + m[3] + 0.5f) << shift);
}

static void luma_line(const struct yuv_job *job, int x, int y, int count)
{
    const struct colour_matrix matrix = job->matrix;
    const uint16_t *restrict p = pixels_of(job, x, y);
    uint16_t *restrict out =
        (uint16_t *)(void *)(job->luma + (size_t)y * job->luma_stride_bytes) + x;
    int shift = job->shift;

    for (int i = 0; i < count; i++)
        out[i] = weigh(matrix.m[0], p[i * 4], p[i * 4 + 1], p[i * 4 + 2], shift);
}

// Pixels x - 1 .. x + count - 1 of rows y and y + 1, added up.
static void add_rows(const struct yuv_job *job, int x, int y, int count, float sum[3][TILE_PX + 1])
{
    const uint16_t *upper = pixels_of(job, x, y), *lower = pixels_of(job, x, y + 1);
    ptrdiff_t before = x > 0 ? -4 : 0;

    for (int c = 0; c < 3; c++) {
        float *restrict to = sum[c] + 1;
        for (int i = 0; i < count; i++)
            to[i] = (float)upper[i * 4 + c] + (float)lower[i * 4 + c];
        to[-1] = (float)upper[before + c] + (float)lower[before + c];
    }
}

// Of rows y and y + 1.
static void chroma_line(const struct yuv_job *job, int x, int y, int count)
{
    float sum[3][TILE_PX + 1], rgb[3][TILE_PX / 2];
    size_t row = (size_t)(y / 2) * job->chroma_stride_bytes;

    add_rows(job, x, y, count, sum);
    for (int c = 0; c < 3; c++)
        for (int i = 0; i < count / 2; i++)
            rgb[c][i] = (sum[c][2 * i] + 2 * sum[c][2 * i + 1] + sum[c][2 * i + 2]) * 0.125f;
    for (int c = 0; c < 2; c++) {
        const struct colour_matrix matrix = job->matrix;
        int step = job->chroma_step, shift = job->shift;
        uint16_t *out = (uint16_t *)(void *)(job->chroma[c] + row) + (size_t)(x / 2 * step);
        for (int i = 0; i < count / 2; i++)
            out[i * step] = weigh(matrix.m[1 + c], rgb[0][i], rgb[1][i], rgb[2][i], shift);
    }
}

static void pairs_of_rows(void *user, int first, int end)
{
    const struct yuv_job *job = user;

    for (int y = 2 * first; y < 2 * end; y += 2)
        for (int x = 0; x < job->width; x += TILE_PX) {
            int count = job->width - x < TILE_PX ? job->width - x : TILE_PX;
            luma_line(job, x, y, count);
            luma_line(job, x, y + 1, count);
            chroma_line(job, x, y, count);
        }
}

void KERNEL(yuv)(const struct yuv_job *job)
{
    parallel_rows(job->height / 2, job->threads, pairs_of_rows, (void *)job);
}
