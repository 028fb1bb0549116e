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
    int *reader; // a node that reads the value: the only one where uses is 1 and no graph output is
                 // meant
};

static void view_init(struct view *v, struct graph *g)
{
    *v = (struct view){g, graph_find_producers(g), graph_count_uses(g),
                       mem_new((size_t)g->value_count, sizeof(int))};
    for (int i = 0; i < g->value_count; i++)
        v->reader[i] = GRAPH_NONE;
    for (int i = 0; i < g->node_count; i++)
        for (int k = 0; k < g->nodes[i].in_count && !g->nodes[i].removed; k++)
            if (g->nodes[i].in[k] != GRAPH_NONE)
                v->reader[g->nodes[i].in[k]] = i;
}

static void view_finish(struct view *v)
{
    mem_free(v->producer);
    mem_free(v->uses);
    mem_free(v->reader);
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

static bool is_product(const struct node *n)
{
    return n && (node_is(n, "MatMul") || node_is(n, "Gemm"));
}

// Nothing has been put onto it yet.
static bool is_bare(const struct node *n)
{
    return !n->activation && n->residual == GRAPH_NONE;
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

// Output channels of a convolution; columns of a matrix.
static int64_t channels_of(const struct graph *g, const struct node *n)
{
    const struct nn_shape *w = in_shape(g, n, 1);

    if (node_is(n, "Conv"))
        return w->dims[0];
    if (node_is(n, "ConvTranspose"))
        return w->dims[1] * node_int(n, "group", 1);
    return w->dims[node_int(n, "transB", 0) ? 0 : w->rank - 1];
}

// The channel that weight i belongs to.
static int64_t channel_of(const struct node *n, const struct nn_shape *w, int64_t i)
{
    int64_t kernel = shape_span(w, 2, w->rank), inputs;

    if (node_is(n, "Conv"))
        return i / (w->dims[1] * kernel);
    if (node_is(n, "ConvTranspose")) {
        inputs = w->dims[0] / node_int(n, "group", 1);
        return i / (w->dims[1] * kernel) / inputs * w->dims[1] + i / kernel % w->dims[1];
    }
    return node_int(n, "transB", 0) ? i / w->dims[1] : i % w->dims[w->rank - 1];
}

static bool constant_float(const struct graph *g, const struct node *n, int i)
{
    return in_constant(g, n, i) && in_constant(g, n, i)->type == NN_FLOAT32;
}

// A bias of one constant a channel, or none. A Gemm's may be one a row, as many as it has columns.
static bool has_plain_bias(const struct graph *g, const struct node *n)
{
    int64_t channels = channels_of(g, n);
    const struct nn_shape *bias;

    if (node_float(n, "beta", 1) != 1)
        return false;
    if (!node_in(g, n, 2))
        return true;
    bias = in_shape(g, n, 2);
    return constant_float(g, n, 2) && shape_count(bias) == channels && bias->rank > 0 &&
           bias->dims[bias->rank - 1] == channels;
}

// True where y = factor y + offset a channel can go into the weights.
static bool takes_affine(const struct graph *g, const struct node *n)
{
    return (is_conv(n) || is_product(n)) && is_bare(n) && constant_float(g, n, 1) &&
           (is_conv(n) || in_shape(g, n, 1)->rank == 2) && has_plain_bias(g, n);
}

// Conv or product, then y = factor y + offset a channel. factor NULL: 1. False: no memory; nothing
// has changed.
static bool fold_affine(struct graph *g, struct node *n, const float *factor, const float *offset)
{
    const struct tensor *w = in_constant(g, n, 1), *b = in_constant(g, n, 2);
    int64_t outputs = channels_of(g, n), count = tensor_count(w);
    struct nn_shape line = {.rank = 1, .dims = {outputs}};
    struct tensor *weights = factor ? tensor_create(NN_FLOAT32, &w->shape) : NULL;
    struct tensor *bias = tensor_create(NN_FLOAT32, &line);
    int in[3] = {n->in[0], n->in[1]};

    if ((factor && !weights) || !bias) {
        tensor_destroy(&weights);
        tensor_destroy(&bias);
        return false;
    }
    for (int64_t i = 0; i < outputs; i++)
        ((float *)bias->data)[i] = (offset ? offset[i] : 0) +
                                   (b ? ((const float *)b->data)[i] * (factor ? factor[i] : 1) : 0);
    for (int64_t i = 0; i < count && factor; i++)
        ((float *)weights->data)[i] =
            ((const float *)w->data)[i] * factor[channel_of(n, &w->shape, i)];
    if (factor)
        in[1] = graph_add_constant(g, "folded weights", weights);
    in[2] = graph_add_constant(g, "folded bias", bias);
    mem_free(n->in);
    n->in = mem_new(3, sizeof(int));
    memcpy(n->in, in, sizeof(in));
    n->in_count = 3;
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

static void fold_batch_norm(struct view *v, struct node *bn)
{
    struct graph *g = v->g;
    struct node *conv = sole_producer(v, bn->in[0]);
    int64_t count = in_shape(g, bn, 1)->dims[0];
    float *factor, *offset;

    if (!is_conv(conv) || !takes_affine(g, conv))
        return;
    for (int i = 1; i < 5; i++)
        if (!constant_float(g, bn, i))
            return;
    factor = mem_new((size_t)count, sizeof(*factor));
    offset = mem_new((size_t)count, sizeof(*offset));
    batch_norm_affine(g, bn, count, factor, offset);
    if (fold_affine(g, conv, factor, offset))
        take_over(v, conv, bn);
    mem_free(factor);
    mem_free(offset);
}

// A constant that is one number a channel of n's result, or one for all: as an array. NULL: it is
// not. mem_free() it.
static float *a_channel(const struct graph *g, const struct node *n, const struct tensor *t)
{
    int64_t channels = channels_of(g, n), count = t && t->type == NN_FLOAT32 ? tensor_count(t) : 0;
    const struct nn_shape *y = &g->values[n->out[0]].shape;
    int place = is_conv(n) ? y->rank - 2 : 0; // of the channel, from the last dimension
    float *out;

    if (count != 1 && (count != channels || t->shape.rank <= place ||
                       t->shape.dims[t->shape.rank - 1 - place] != channels))
        return NULL;
    if (t->shape.rank > y->rank)
        return NULL;
    out = mem_new((size_t)channels, sizeof(*out));
    for (int64_t i = 0; i < channels; i++)
        out[i] = ((const float *)t->data)[count == 1 ? 0 : i];
    return out;
}

// Add or Mul of constants onto a convolution or product goes into its weights.
static void fold_constant(struct view *v, struct node *n)
{
    bool add = node_is(n, "Add");

    for (int i = 0; i < 2; i++) {
        struct node *first = sole_producer(v, n->in[i]);
        float *numbers;
        bool done;

        if (!first || !takes_affine(v->g, first) || !in_constant(v->g, n, !i))
            continue;
        numbers = a_channel(v->g, first, in_constant(v->g, n, !i));
        if (!numbers)
            continue;
        done = fold_affine(v->g, first, add ? NULL : numbers, add ? numbers : NULL);
        mem_free(numbers);
        if (done)
            take_over(v, first, n);
        return;
    }
}

static void fuse_residual(struct view *v, struct node *add, const int *position)
{
    struct graph *g = v->g;
    struct node *best = NULL;
    int other = GRAPH_NONE;

    if (g->values[add->out[0]].type != NN_FLOAT32)
        return;
    for (int i = 0; i < 2; i++) {
        struct node *conv = sole_producer(v, add->in[i]);

        if (!(is_conv(conv) || is_product(conv)) || !is_bare(conv) ||
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

    if (!(is_conv(conv) || is_product(conv)) || conv->activation)
        return;
    conv->activation = activation;
    conv->a = a;
    conv->b = b;
    take_over(v, conv, n);
}

static void each(struct graph *g, void (*act)(struct view *, struct node *),
                 const char *const *names)
{
    struct view v;

    view_init(&v, g);
    for (int i = 0; i < g->order_count; i++)
        for (int k = 0; names[k]; k++)
            if (node_is(&g->nodes[g->order[i]], names[k])) {
                act(&v, &g->nodes[g->order[i]]);
                break;
            }
    view_finish(&v);
}

static void fuse_last(struct graph *g)
{
    int *position = mem_new((size_t)g->node_count, sizeof(*position));
    struct view v;

    view_init(&v, g);
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
}

bool pass_fuse(struct graph *g, bool attention)
{
    static const char *const batch_norm[] = {"BatchNormalization", NULL};
    static const char *const affine[] = {"Add", "Mul", NULL};

    drop_copies(g);
    if (!graph_sort(g) || !pass_recognise(g, attention))
        return false;
    each(g, fold_batch_norm, batch_norm);
    if (!graph_sort(g))
        return false;
    each(g, fold_constant, affine);
    if (!graph_sort(g))
        return false;
    fuse_last(g);
    return graph_sort(g) && pass_commute(g);
}
