#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/activation.h"
#include "engine/nn/op.h"
#include "engine/nn/pass.h"

// The graph with who makes and how many read each value; good while no node or value is added.
struct view {
    struct graph *g;
    int *producer, *uses;
};

static void view_init(struct view *v, struct graph *g)
{
    *v = (struct view){g, graph_find_producers(g), graph_count_uses(g)};
}

static void view_finish(struct view *v)
{
    mem_free(v->producer);
    mem_free(v->uses);
}

// The node that makes the value for this one reader alone. NULL: none, or others read it too.
static struct node *sole_producer(const struct view *v, int value)
{
    if (value == GRAPH_NONE || v->uses[value] != 1 || v->producer[value] == GRAPH_NONE)
        return NULL;
    return &v->g->nodes[v->producer[value]];
}

// `first` makes what `second` made; second is gone.
static void take_over(struct view *v, struct node *first, struct node *second)
{
    int index = (int)(first - v->g->nodes);

    v->uses[first->out[0]] = 0;
    first->out[0] = second->out[0];
    v->producer[first->out[0]] = index;
    second->removed = true;
}

static bool is_conv(const struct node *n)
{
    return n && (node_is(n, "Conv") || node_is(n, "ConvTranspose"));
}

static void drop_copies(struct graph *g)
{
    int *map = mem_new((size_t)g->value_count, sizeof(*map));

    for (int i = 0; i < g->value_count; i++)
        map[i] = i;
    for (int i = 0; i < g->order_count; i++) { // in order, so that chains end at their first value
        struct node *n = &g->nodes[g->order[i]];

        if (node_is(n, "Identity") ||
            (node_is(n, "Dropout") && (n->out_count < 2 || n->out[1] == GRAPH_NONE))) {
            map[n->out[0]] = map[n->in[0]];
            n->removed = true;
        }
    }
    graph_replace(g, map);
    mem_free(map);
}

// Per output channel: y = factor y + offset. Channels of a transposed convolution's weights stand
// second.
static void scale_weights(const struct node *conv, const struct tensor *from, struct tensor *to,
                          const float *factor, int64_t outputs)
{
    const struct nn_shape *s = &from->shape;
    bool transpose = !strcmp(conv->op->name, "ConvTranspose");
    int64_t group = node_int(conv, "group", 1), i = 0, kernel = shape_span(s, 2, s->rank);

    for (int64_t a = 0; a < s->dims[0]; a++)
        for (int64_t b = 0; b < s->dims[1]; b++)
            for (int64_t k = 0; k < kernel; k++, i++) {
                int64_t channel = transpose ? a / (s->dims[0] / group) * s->dims[1] + b : a;

                ((float *)to->data)[i] =
                    ((const float *)from->data)[i] * factor[channel < outputs ? channel : 0];
            }
}

static bool constant_float(const struct graph *g, const struct node *n, int i)
{
    return in_constant(g, n, i) && in_constant(g, n, i)->type == NN_FLOAT32;
}

// Conv, then y = factor y + offset a channel. Takes neither array over. False: no memory.
static bool fold_affine(struct graph *g, struct node *conv, const float *factor,
                        const float *offset, int64_t outputs)
{
    const struct tensor *w = in_constant(g, conv, 1), *b = in_constant(g, conv, 2);
    struct nn_shape line = {.rank = 1, .dims = {outputs}};
    struct tensor *weights = tensor_create(NN_FLOAT32, &w->shape);
    struct tensor *bias = tensor_create(NN_FLOAT32, &line);
    int in[3] = {conv->in[0]};

    if (!weights || !bias) {
        tensor_destroy(&weights);
        tensor_destroy(&bias);
        return false;
    }
    scale_weights(conv, w, weights, factor, outputs);
    for (int64_t i = 0; i < outputs; i++)
        ((float *)bias->data)[i] = offset[i] + (b ? ((const float *)b->data)[i] * factor[i] : 0);
    in[1] = graph_add_constant(g, "folded weights", weights);
    in[2] = graph_add_constant(g, "folded bias", bias);
    mem_free(conv->in);
    conv->in = mem_new(3, sizeof(int));
    memcpy(conv->in, in, sizeof(in));
    conv->in_count = 3;
    return true;
}

// Factor and offset a channel of a BatchNormalization.
static void batch_norm_affine(const struct graph *g, const struct node *bn, int64_t count,
                              float *factor, float *offset)
{
    const float *scale = in_constant(g, bn, 1)->data, *bias = in_constant(g, bn, 2)->data;
    const float *mean = in_constant(g, bn, 3)->data, *var = in_constant(g, bn, 4)->data;
    double epsilon = (double)node_float(bn, "epsilon", 1e-5f);

    for (int64_t i = 0; i < count; i++) {
        double f = (double)scale[i] / sqrt((double)var[i] + epsilon);

        factor[i] = (float)f;
        offset[i] = (float)((double)bias[i] - (double)mean[i] * f);
    }
}

static bool fold_batch_norm(struct view *v, struct node *bn)
{
    struct graph *g = v->g;
    struct node *conv = sole_producer(v, bn->in[0]);
    float *factor, *offset;
    int64_t count;
    bool ok = true;

    if (!is_conv(conv) || !constant_float(g, conv, 1) ||
        (node_in(g, conv, 2) && !constant_float(g, conv, 2)))
        return false;
    for (int i = 1; i < 5; i++)
        ok = ok && constant_float(g, bn, i);
    if (!ok)
        return false;
    count = in_shape(g, bn, 1)->dims[0];
    factor = mem_new((size_t)count, sizeof(*factor));
    offset = mem_new((size_t)count, sizeof(*offset));
    batch_norm_affine(g, bn, count, factor, offset);
    ok = fold_affine(g, conv, factor, offset, count);
    if (ok)
        take_over(v, conv, bn);
    mem_free(factor);
    mem_free(offset);
    return ok;
}

static void fuse_residual(struct view *v, struct node *add, const int *position)
{
    struct graph *g = v->g;
    struct node *best = NULL;
    int other = GRAPH_NONE;

    for (int i = 0; i < 2; i++) {
        struct node *conv = sole_producer(v, add->in[i]);

        if (!is_conv(conv) || conv->residual != GRAPH_NONE || conv->activation ||
            g->values[add->in[!i]].constant || add->in[0] == add->in[1] ||
            !shape_equal(in_shape(g, add, 0), in_shape(g, add, 1)))
            continue;
        // of two, the later one: the other's result is there by then
        if (best && position[conv - g->nodes] < position[best - g->nodes])
            continue;
        best = conv;
        other = add->in[!i];
    }
    if (!best)
        return;
    best->residual = other;
    take_over(v, best, add);
}

static void fuse_activation(struct view *v, struct node *n)
{
    float a = 0, b = 0;
    enum activation activation = activation_of(v->g, n, &a, &b);
    struct node *conv = activation ? sole_producer(v, n->in[0]) : NULL;

    if (!is_conv(conv) || conv->activation)
        return;
    conv->activation = activation;
    conv->a = a;
    conv->b = b;
    take_over(v, conv, n);
}

bool pass_fuse(struct graph *g)
{
    struct view v;
    int *position;

    drop_copies(g);
    if (!graph_sort(g))
        return false;
    view_init(&v, g);
    for (int i = 0; i < g->order_count; i++)
        if (node_is(&g->nodes[g->order[i]], "BatchNormalization"))
            fold_batch_norm(&v, &g->nodes[g->order[i]]);
    view_finish(&v);
    if (!graph_sort(g))
        return false;
    view_init(&v, g);
    position = mem_new((size_t)g->node_count, sizeof(*position));
    for (int i = 0; i < g->order_count; i++)
        position[g->order[i]] = i;
    for (int i = 0; i < g->order_count; i++) {
        struct node *n = &g->nodes[g->order[i]];

        if (node_is(n, "Add"))
            fuse_residual(&v, n, position);
        else if (!n->removed)
            fuse_activation(&v, n);
    }
    mem_free(position);
    view_finish(&v);
    return graph_sort(g);
}
