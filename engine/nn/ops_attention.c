// Attention in plain C. Sums run in double: this is the oracle.
#include <math.h>
#include <string.h>

#include "engine/nn/op.h"

// Columns of the result that are summed at once.
#define STRIP 128

struct attention {
    const float *q, *k, *v, *mask; // of one matrix; mask NULL: none
    int64_t width, columns, depth, mask_step;
    double scale;
};

// scale q[row] k[column] + mask. q, mask: of the row
static double score(const struct attention *a, int64_t column)
{
    double sum = 0;

    for (int64_t i = 0; i < a->width; i++)
        sum += (double)a->q[i] * (double)a->k[i * a->columns + column];
    return a->scale * sum + (a->mask ? (double)a->mask[column * a->mask_step] : 0);
}

// Some columns of one row of the result.
static void run_strip(const struct attention *a, double largest, int64_t first, int64_t count,
                      float *y)
{
    double sums[STRIP] = {0}, all = 0;

    for (int64_t j = 0; j < a->columns; j++) {
        double weight = exp(score(a, j) - largest);

        all += weight;
        for (int64_t i = 0; i < count; i++)
            sums[i] += weight * (double)a->v[j * a->depth + first + i];
    }
    for (int64_t i = 0; i < count; i++)
        y[first + i] = (float)(sums[i] / all);
}

static void run_row(const struct attention *a, float *y)
{
    double largest = -INFINITY;

    for (int64_t j = 0; j < a->columns; j++)
        largest = fmax(largest, score(a, j));
    for (int64_t i = 0; i < a->depth; i += STRIP)
        run_strip(a, largest, i, a->depth - i < STRIP ? a->depth - i : STRIP, y);
}

void run_attention(const struct op_call *c)
{
    const struct nn_shape *q = &c->in[0].shape, *v = &c->in[2].shape;
    int64_t rows = q->dims[q->rank - 2], total = shape_span(q, 0, q->rank - 1);
    struct attention a = {.width = q->dims[q->rank - 1],
                          .columns = v->dims[v->rank - 2],
                          .depth = v->dims[v->rank - 1],
                          .scale = (double)node_float(c->node, "scale", 1)};
    const struct tensor *mask = c->in_count > 3 && c->in[3].data ? &c->in[3] : NULL;
    struct nn_shape scores = *q;
    int64_t step[NN_MAX_RANK];

    scores.dims[q->rank - 1] = a.columns;
    if (mask) {
        shape_steps(&mask->shape, &scores, step);
        a.mask_step = step[q->rank - 1];
    }
    for (int64_t i = 0; i < total; i++) {
        int64_t at = 0, rest = i;

        for (int k = q->rank - 2; mask && k >= 0; rest /= q->dims[k--])
            at += rest % q->dims[k] * step[k];
        a.q = (const float *)c->in[0].data + i * a.width;
        a.k = (const float *)c->in[1].data + i / rows * a.width * a.columns;
        a.v = (const float *)c->in[2].data + i / rows * a.columns * a.depth;
        a.mask = mask ? (const float *)mask->data + at : NULL;
        run_row(&a, (float *)c->out->data + i * a.depth);
    }
}
