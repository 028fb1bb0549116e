#include "kernels/resize.h"

#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/resize_math.h"
#include "kernels/variant.h"

static void add_row(const uint8_t *restrict row, float weight, int count, float *restrict sum)
{
    for (int i = 0; i < count; i++)
        sum[i] += (float)row[i] * weight;
}

// The same for four rows, one after the other, but with the sums in registers.
static void add_four(const uint8_t *row, size_t stride, const float weight[4], int count,
                     float *restrict sum)
{
    const uint8_t *a = row, *b = a + stride, *c = b + stride, *d = c + stride;
    float wa = weight[0], wb = weight[1], wc = weight[2], wd = weight[3];

    for (int i = 0; i < count; i++) {
        float total = sum[i] + (float)a[i] * wa;
        total += (float)b[i] * wb;
        total += (float)c[i] * wc;
        sum[i] = total + (float)d[i] * wd;
    }
}

static float weight_of(const struct resize_span *v, int y)
{
    return y == v->first ? v->head : y == v->last ? v->tail : 1.0f;
}

// The weighted sum of the picture's rows under one output row, R, G, B and 255 as they lie.
static void sum_rows(const struct resize_job *job, const struct resize_span *v, float *sum)
{
    int count = job->in.width * 4;

    memset(sum, 0, (size_t)count * sizeof(*sum));
    int y = v->first;
    for (; y + 3 <= v->last; y += 4) {
        float weight[4] = {weight_of(v, y), weight_of(v, y + 1), weight_of(v, y + 2),
                           weight_of(v, y + 3)};
        add_four(job->in.pixels + (size_t)y * job->in.stride_bytes, job->in.stride_bytes, weight,
                 count, sum);
    }
    for (; y <= v->last; y++)
        add_row(job->in.pixels + (size_t)y * job->in.stride_bytes, weight_of(v, y), count, sum);
}

static void output_row(const struct resize_job *job, int y, float *sum)
{
    float ratio_x = (float)job->in.width / (float)job->width,
          ratio_y = (float)job->in.height / (float)job->height;
    struct resize_span v = resize_span_of(y, ratio_y, job->in.height);

    sum_rows(job, &v, sum);
    for (int x = 0; x < job->width; x++) {
        struct resize_span h = resize_span_of(x, ratio_x, job->in.width);
        const float *at = sum + (size_t)h.first * 4;
        float mean[4];
        for (int c = 0; c < 4; c++)
            mean[c] = at[c] * h.head + sum[(size_t)h.last * 4 + (size_t)c] * h.tail;
        for (int i = h.first + 1; i < h.last; i++) {
            at += 4;
            for (int c = 0; c < 4; c++)
                mean[c] += at[c];
        }
        float norm = 1.0f / (h.total * v.total);
        for (int p = 0; p < 3; p++)
            job->out[p][(size_t)y * (size_t)job->width + (size_t)x] =
                mean[job->channel[p]] * norm * job->scale[p] + job->offset[p];
    }
}

static void bands(void *user, int first, int end)
{
    const struct resize_job *job = user;

    for (int band = first; band < end; band++) {
        float *sum = job->scratch + (size_t)band * resize_scratch_floats(job->in.width);
        int begin = (int)((long long)job->height * band / job->bands);
        int stop = (int)((long long)job->height * (band + 1) / job->bands);
        for (int y = begin; y < stop; y++)
            output_row(job, y, sum);
    }
}

void KERNEL(resize)(const struct resize_job *job)
{
    parallel_rows(job->bands, job->bands, bands, (void *)job);
}
