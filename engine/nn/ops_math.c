// Products, sums and normalisations in plain C. Long sums run in double: this is the oracle.
#include <math.h>
#include <string.h>

#include "engine/nn/op.h"

// One row of a times matrix b. y: [columns]; b: [inner][columns]
static void row_times(const float *a, const float *b, float *y, int64_t inner, int64_t columns)
{
    for (int64_t j = 0; j < columns; j++) {
        double sum = 0;

        for (int64_t k = 0; k < inner; k++)
            sum += (double)a[k] * (double)b[k * columns + j];
        y[j] = (float)sum;
    }
}

static void int_matrix(const struct op_call *c, int64_t a, int64_t b, int64_t y,
                       const int64_t *size)
{
    for (int64_t i = 0; i < size[0]; i++)
        for (int64_t j = 0; j < size[2]; j++) {
            uint64_t sum = 0;

            for (int64_t k = 0; k < size[1]; k++)
                sum += (uint64_t)tensor_int(&c->in[0], a + i * size[1] + k) *
                       (uint64_t)tensor_int(&c->in[1], b + k * size[2] + j);
            if (c->out->type == NN_INT64)
                ((int64_t *)c->out->data)[y + i * size[2] + j] = (int64_t)sum;
            else
                ((int32_t *)c->out->data)[y + i * size[2] + j] = (int32_t)sum;
        }
}

// A third input, which pass_fuse() may add, is one number a column.
static void add_columns(const struct op_call *c)
{
    int64_t count = tensor_count(c->out), columns = c->out->shape.dims[c->out->shape.rank - 1];

    for (int64_t i = 0; i < count; i++)
        ((float *)c->out->data)[i] += ((const float *)c->in[2].data)[i % columns];
}

void run_matmul(const struct op_call *c)
{
    struct nn_shape a = c->in[0].shape, b = c->in[1].shape, batch;
    int64_t size[3] = {a.rank > 1 ? a.dims[a.rank - 2] : 1, a.dims[a.rank - 1],
                       b.rank > 1 ? b.dims[b.rank - 1] : 1}; // rows, inner, columns
    int64_t step_a[NN_MAX_RANK], step_b[NN_MAX_RANK], count;

    a.rank = a.rank > 1 ? a.rank - 2 : 0;
    b.rank = b.rank > 1 ? b.rank - 2 : 0;
    shape_broadcast(&a, &b, &batch);
    shape_steps(&a, &batch, step_a);
    shape_steps(&b, &batch, step_b);
    count = shape_span(&batch, 0, batch.rank);
    for (int64_t i = 0; i < count; i++) {
        int64_t from_a = 0, from_b = 0, rest = i;

        for (int k = batch.rank - 1; k >= 0; rest /= batch.dims[k--]) {
            from_a += rest % batch.dims[k] * step_a[k];
            from_b += rest % batch.dims[k] * step_b[k];
        }
        from_a *= size[0] * size[1];
        from_b *= size[1] * size[2];
        if (c->out->type != NN_FLOAT32) {
            int_matrix(c, from_a, from_b, i * size[0] * size[2], size);
            continue;
        }
        for (int64_t r = 0; r < size[0]; r++)
            row_times((const float *)c->in[0].data + from_a + r * size[1],
                      (const float *)c->in[1].data + from_b,
                      (float *)c->out->data + (i * size[0] + r) * size[2], size[1], size[2]);
    }
    if (c->in_count > 2 && c->in[2].data)
        add_columns(c);
}

void run_gemm(const struct op_call *c)
{
    bool ta = node_int(c->node, "transA", 0), tb = node_int(c->node, "transB", 0);
    float alpha = node_float(c->node, "alpha", 1), beta = node_float(c->node, "beta", 1);
    int64_t rows = c->out->shape.dims[0], columns = c->out->shape.dims[1];
    int64_t inner = c->in[0].shape.dims[!ta], step[2] = {0, 0};
    const float *a = c->in[0].data, *b = c->in[1].data,
                *bias = c->in_count > 2 ? c->in[2].data : NULL;

    if (bias)
        shape_steps(&c->in[2].shape, &c->out->shape, step);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++) {
            double sum = 0;

            for (int64_t k = 0; k < inner; k++)
                sum += (double)a[ta ? k * rows + i : i * inner + k] *
                       (double)b[tb ? j * inner + k : k * columns + j];
            sum *= (double)alpha;
            if (bias)
                sum += (double)beta * (double)bias[i * step[0] + j * step[1]];
            ((float *)c->out->data)[i * columns + j] = (float)sum;
        }
}

// One line of `count` elements, `step` apart.
static void softmax_line(const float *x, float *y, int64_t count, int64_t step, bool log_of)
{
    double most = -INFINITY, sum = 0;

    for (int64_t i = 0; i < count; i++)
        most = (double)x[i * step] > most ? (double)x[i * step] : most;
    for (int64_t i = 0; i < count; i++)
        sum += exp((double)x[i * step] - most);
    for (int64_t i = 0; i < count; i++) {
        double v = (double)x[i * step] - most;

        y[i * step] = (float)(log_of ? v - log(sum) : exp(v) / sum);
    }
}

void run_softmax(const struct op_call *c)
{
    const struct nn_shape *s = &c->in[0].shape;
    bool old = c->opset < 13; // everything from the axis on is one line
    bool log_of = !strcmp(c->node->op->name, "LogSoftmax");
    int64_t axis = node_int(c->node, "axis", old ? 1 : -1), outer, count, inner;

    axis += axis < 0 ? s->rank : 0;
    outer = s->rank ? shape_span(s, 0, (int)axis) : 1;
    count = s->rank ? (old ? shape_span(s, (int)axis, s->rank) : s->dims[axis]) : 1;
    inner = old || !s->rank ? 1 : shape_span(s, (int)axis + 1, s->rank);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            int64_t at = o * count * inner + i;

            softmax_line((const float *)c->in[0].data + at, (float *)c->out->data + at, count,
                         inner, log_of);
        }
}

// Bits of the axes to reduce.
static unsigned reduced(const struct op_call *c)
{
    const struct tensor *axes = c->in_count > 1 && c->in[1].data ? &c->in[1] : NULL;
    int count, rank = c->in[0].shape.rank;
    const int64_t *ints = node_ints(c->node, "axes", &count);
    int64_t named = axes ? tensor_count(axes) : count;
    unsigned bits = 0;

    for (int64_t i = 0; i < named; i++) {
        int64_t axis = axes ? tensor_int(axes, i) : ints[i];

        bits |= 1u << (axis < 0 ? axis + rank : axis);
    }
    return named || node_int(c->node, "noop_with_empty_axes", 0) ? bits : ~0u;
}

struct reduction {
    double sum, most, least;
    int64_t int_most, int_least;
    uint64_t int_sum;
};

// What reducing nothing gives: the smallest and largest of the type.
static struct reduction nothing(enum nn_type type)
{
    struct reduction r = {.most = -INFINITY, .least = INFINITY};

    switch (type) {
    case NN_INT64:
        r.int_most = INT64_MIN;
        r.int_least = INT64_MAX;
        break;
    case NN_INT32:
        r.int_most = INT32_MIN;
        r.int_least = INT32_MAX;
        break;
    case NN_INT8:
        r.int_most = INT8_MIN;
        r.int_least = INT8_MAX;
        break;
    case NN_BOOL:
        r.int_least = 1;
        break;
    default:
        r.int_least = UINT8_MAX;
        break;
    }
    return r;
}

static void take(struct reduction *r, const struct tensor *x, int64_t i, bool first)
{
    if (x->type == NN_FLOAT32) {
        double v = (double)((const float *)x->data)[i];

        r->sum += v;
        r->most = first || v > r->most || isnan(v) ? v : r->most;
        r->least = first || v < r->least || isnan(v) ? v : r->least;
    } else {
        int64_t v = tensor_int(x, i);

        r->int_sum += (uint64_t)v;
        r->int_most = first || v > r->int_most ? v : r->int_most;
        r->int_least = first || v < r->int_least ? v : r->int_least;
    }
}

static void put_reduction(const struct op_call *c, const struct reduction *r, int64_t i,
                          int64_t count)
{
    const char *kind = c->node->op->name + strlen("Reduce");
    bool mean = !strcmp(kind, "Mean");
    double v = !strcmp(kind, "Max") ? r->most : !strcmp(kind, "Min") ? r->least : r->sum;
    int64_t n = !strcmp(kind, "Max")   ? r->int_most
                : !strcmp(kind, "Min") ? r->int_least
                                       : (int64_t)r->int_sum;

    if (c->out->type == NN_FLOAT32)
        ((float *)c->out->data)[i] = (float)(mean ? v / (double)count : v);
    else if (c->out->type == NN_INT64)
        ((int64_t *)c->out->data)[i] = mean ? n / count : n;
    else if (c->out->type == NN_INT32)
        ((int32_t *)c->out->data)[i] = (int32_t)(mean ? n / count : n);
    else
        ((uint8_t *)c->out->data)[i] = (uint8_t)(mean ? n / count : n);
}

void run_reduce(const struct op_call *c)
{
    const struct nn_shape *s = &c->in[0].shape;
    struct nn_shape kept = {0}, gone = {0};
    int64_t step_kept[NN_MAX_RANK], step_gone[NN_MAX_RANK], each = 1;
    unsigned bits = reduced(c);

    for (int i = s->rank - 1; i >= 0; each *= s->dims[i--]) {
        struct nn_shape *to = bits >> i & 1 ? &gone : &kept;

        (bits >> i & 1 ? step_gone : step_kept)[to->rank] = each;
        to->dims[to->rank++] = s->dims[i];
    }
    for (int64_t i = 0, n = shape_span(&kept, 0, kept.rank); i < n; i++) {
        int64_t base = 0, rest = i, count = shape_span(&gone, 0, gone.rank), out = 0, place = 1;
        struct reduction r = nothing(c->out->type);

        // dimensions are stored innermost first
        for (int k = 0; k < kept.rank; rest /= kept.dims[k++]) {
            base += rest % kept.dims[k] * step_kept[k];
            out += rest % kept.dims[k] * place;
            place *= kept.dims[k];
        }
        for (int64_t j = 0; j < count; j++) {
            int64_t from = base, left = j;

            for (int k = 0; k < gone.rank; left /= gone.dims[k++])
                from += left % gone.dims[k] * step_gone[k];
            take(&r, &c->in[0], from, j == 0);
        }
        put_reduction(c, &r, out, count);
    }
}

void run_arg_max(const struct op_call *c)
{
    const struct nn_shape *s = &c->in[0].shape;
    bool last = node_int(c->node, "select_last_index", 0) != 0;
    int64_t axis = node_int(c->node, "axis", 0), outer, count, inner;

    axis += axis < 0 ? s->rank : 0;
    outer = shape_span(s, 0, (int)axis);
    count = s->dims[axis];
    inner = shape_span(s, (int)axis + 1, s->rank);
    for (int64_t o = 0; o < outer; o++)
        for (int64_t i = 0; i < inner; i++) {
            int64_t base = o * count * inner + i, best = 0;

            for (int64_t k = 1; k < count; k++) {
                double v = tensor_number(&c->in[0], base + k * inner);
                double most = tensor_number(&c->in[0], base + best * inner);

                if (v > most || (last && v == most))
                    best = k;
            }
            ((int64_t *)c->out->data)[o * inner + i] = best;
        }
}

void run_batch_norm(const struct op_call *c)
{
    const struct nn_shape *s = &c->in[0].shape;
    const float *x = c->in[0].data, *scale = c->in[1].data, *bias = c->in[2].data;
    const float *mean = c->in[3].data, *var = c->in[4].data;
    double epsilon = (double)node_float(c->node, "epsilon", 1e-5f);
    int64_t channels = s->dims[1], size = shape_span(s, 2, s->rank), i = 0;

    for (int64_t n = 0; n < s->dims[0]; n++)
        for (int64_t k = 0; k < channels; k++) {
            double factor = (double)scale[k] / sqrt((double)var[k] + epsilon);

            for (int64_t p = 0; p < size; p++, i++)
                ((float *)c->out->data)[i] =
                    (float)(((double)x[i] - (double)mean[k]) * factor + (double)bias[k]);
        }
}

// Mean and 1 / standard deviation of a line.
static void moments(const float *x, int64_t count, double epsilon, double *mean, double *inverse)
{
    double sum = 0, squares = 0;

    for (int64_t i = 0; i < count; i++)
        sum += (double)x[i];
    *mean = sum / (double)count;
    for (int64_t i = 0; i < count; i++)
        squares += ((double)x[i] - *mean) * ((double)x[i] - *mean);
    *inverse = 1 / sqrt(squares / (double)count + epsilon);
}

void run_instance_norm(const struct op_call *c)
{
    const struct nn_shape *s = &c->in[0].shape;
    const float *x = c->in[0].data, *scale = c->in[1].data, *bias = c->in[2].data;
    double epsilon = (double)node_float(c->node, "epsilon", 1e-5f), mean, inverse;
    int64_t channels = s->dims[1], size = shape_span(s, 2, s->rank), i = 0;

    for (int64_t k = 0; k < s->dims[0] * channels; k++) {
        double factor;

        moments(x + k * size, size, epsilon, &mean, &inverse);
        factor = inverse * (double)scale[k % channels];
        for (int64_t p = 0; p < size; p++, i++)
            ((float *)c->out->data)[i] =
                (float)(((double)x[i] - mean) * factor + (double)bias[k % channels]);
    }
}

void run_layer_norm(const struct op_call *c)
{
    const struct nn_shape *s = &c->in[0].shape;
    int64_t axis = node_int(c->node, "axis", -1), lines, size, step[2][NN_MAX_RANK];
    struct nn_shape part = {0};
    const float *x = c->in[0].data, *factor = c->in[1].data,
                *bias = c->in_count > 2 ? c->in[2].data : NULL;
    double epsilon = (double)node_float(c->node, "epsilon", 1e-5f), mean, inverse;

    axis += axis < 0 ? s->rank : 0;
    for (int i = (int)axis; i < s->rank; i++)
        part.dims[part.rank++] = s->dims[i];
    shape_steps(&c->in[1].shape, &part, step[0]);
    if (bias)
        shape_steps(&c->in[2].shape, &part, step[1]);
    lines = shape_span(s, 0, (int)axis);
    size = shape_span(s, (int)axis, s->rank);
    for (int64_t l = 0; l < lines; l++) {
        moments(x + l * size, size, epsilon, &mean, &inverse);
        for (int64_t i = 0; i < size; i++) {
            int64_t at[2] = {0, 0}, rest = i;
            double v = ((double)x[l * size + i] - mean) * inverse;

            for (int k = part.rank - 1; k >= 0; rest /= part.dims[k--]) {
                at[0] += rest % part.dims[k] * step[0][k];
                at[1] += bias ? rest % part.dims[k] * step[1][k] : 0;
            }
            v = v * (double)factor[at[0]] + (bias ? (double)bias[at[1]] : 0);
            ((float *)c->out->data)[l * size + i] = (float)v;
        }
        if (c->out_count > 1 && c->out[1].data)
            ((float *)c->out[1].data)[l] = (float)mean;
        if (c->out_count > 2 && c->out[2].data)
            ((float *)c->out[2].data)[l] = (float)inverse;
    }
}
