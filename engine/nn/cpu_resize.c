#include "engine/nn/cpu_resize.h"

#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/parallel.h"
#include "engine/nn/cpu_clones.h"

// No picture is wider; tables stay small.
#define AXIS_MAX (1 << 20)

// Places and weights of one result, as ops_resize.c computes them. Returns how many.
static int taps_of(const struct resize *r, int axis, int64_t at, int *place, float *weight)
{
    double centre = resize_keeps(r, axis) ? (double)at : resize_place(r, axis, at);
    double reach = resize_reach(r, axis), sum = 0;
    int64_t last = r->in.dims[axis] - 1;
    int count = 0;

    for (int64_t i = (int64_t)ceil(centre - reach); (double)i <= centre + reach; i++) {
        double w = resize_weight(r, axis, (double)i - centre);
        int64_t inside = i < 0 ? 0 : i > last ? last : i;

        if (w == 0 || (r->exclude_outside && inside != i))
            continue;
        sum += w;
        if (place) {
            place[count] = (int)inside;
            weight[count] = (float)w;
        }
        count++;
    }
    for (int k = 0; k < count && place && (r->exclude_outside || r->antialias); k++)
        weight[k] = (float)((double)weight[k] / sum);
    return count;
}

static bool axis_init(struct cpu_resize_axis *a, const struct resize *r, int axis)
{
    if (r->in.dims[axis] > AXIS_MAX || r->out.dims[axis] > AXIS_MAX)
        return false;
    a->in = (int)r->in.dims[axis];
    a->out = (int)r->out.dims[axis];
    for (int i = 0; i < a->out; i++) {
        int taps = taps_of(r, axis, i, NULL, NULL);

        a->taps = taps > a->taps ? taps : a->taps;
    }
    if (a->taps < 1 || a->taps > 64)
        return false;
    a->place = mem_new((size_t)a->out * (size_t)a->taps, sizeof(int));
    a->weight = mem_new((size_t)a->out * (size_t)a->taps, sizeof(float));
    for (int i = 0; i < a->out; i++)
        taps_of(r, axis, i, a->place + i * a->taps, a->weight + i * a->taps);
    return true;
}

bool cpu_resize_init(struct cpu_resize *c, const struct resize *r)
{
    int rank = r->in.rank;

    *c = (struct cpu_resize){0};
    if (r->mode == RESIZE_NEAREST || r->coordinates == RESIZE_CROP || rank < 3)
        return false;
    for (int i = 0; i < rank - 2; i++)
        if (!resize_keeps(r, i))
            return false;
    if (axis_init(&c->y, r, rank - 2) && axis_init(&c->x, r, rank - 1))
        return true;
    cpu_resize_finish(c);
    return false;
}

void cpu_resize_finish(struct cpu_resize *c)
{
    mem_free(c->y.place);
    mem_free(c->y.weight);
    mem_free(c->x.place);
    mem_free(c->x.weight);
    *c = (struct cpu_resize){0};
}

static size_t row_floats(const struct cpu_resize *c)
{
    return ((size_t)c->x.in * (size_t)c->inner + 15) / 16 * 16;
}

size_t cpu_resize_scratch(const struct cpu_resize *c)
{
    return row_floats(c) * (size_t)c->threads;
}

// to = sum weight[t] from[place[t]]; rows of n
CPU_CLONES
static void blend(const float *from, size_t stride, const int *place, const float *weight, int taps,
                  float *restrict to, size_t n)
{
    const float *a = from + (size_t)place[0] * stride,
                *b = taps > 1 ? from + (size_t)place[1] * stride : a;
    float wa = weight[0], wb = taps > 1 ? weight[1] : 0;

    for (size_t i = 0; i < n; i++)
        to[i] = wa * a[i] + wb * b[i];
    for (int t = 2; t < taps; t++) {
        const float *p = from + (size_t)place[t] * stride;
        float w = weight[t];

        for (size_t i = 0; i < n; i++)
            to[i] += w * p[i];
    }
}

// inner 1, two weights an element: the usual case of rows
CPU_CLONES
static void blend_row2(const float *row, const int *place, const float *weight, float *restrict to,
                       int n)
{
    for (int i = 0; i < n; i++)
        to[i] = weight[2 * i] * row[place[2 * i]] + weight[2 * i + 1] * row[place[2 * i + 1]];
}

struct job {
    const struct cpu_resize *c;
    const float *x;
    float *y, *scratch;
    int rows;
};

static void some_rows(void *user, int first, int end)
{
    const struct job *j = user;
    const struct cpu_resize *c = j->c;
    size_t inner = (size_t)c->inner, in_row = (size_t)c->x.in * inner,
           out_row = (size_t)c->x.out * inner;
    // parallel_rows gives thread t the rows from rows * t / threads on
    size_t thread = ((size_t)first * (size_t)c->threads + (size_t)j->rows - 1) / (size_t)j->rows;
    float *row = j->scratch + thread * row_floats(c);

    for (int i = first; i < end; i++) {
        int plane = i / c->y.out, at = i % c->y.out;
        const float *from = j->x + (size_t)plane * (size_t)c->y.in * in_row;
        float *to = j->y + (size_t)i * out_row;

        blend(from, in_row, c->y.place + at * c->y.taps, c->y.weight + at * c->y.taps, c->y.taps,
              row, in_row);
        if (inner == 1 && c->x.taps == 2) {
            blend_row2(row, c->x.place, c->x.weight, to, c->x.out);
            continue;
        }
        for (int k = 0; k < c->x.out; k++)
            blend(row, inner, c->x.place + k * c->x.taps, c->x.weight + k * c->x.taps, c->x.taps,
                  to + (size_t)k * inner, inner);
    }
}

void cpu_resize_run(const struct cpu_resize *c, const float *x, float *y, float *scratch)
{
    struct job j = {c, x, y, scratch, (int)c->outer * c->y.out};

    parallel_rows(j.rows, c->threads > j.rows ? j.rows : c->threads, some_rows, &j);
}
