// A convolution of 1x1 and an enlarging Resize commute: each output place of the one is a weighted
// mean of places, of the other a weighted sum of channels. Done first, the convolution has fewer
// places to do. Means keep a bias only where their weights add up to 1, and keep an activation only
// where they take one place (nearest).
#include <string.h>

#include "base/mem.h"
#include "engine/nn/op.h"
#include "engine/nn/pass.h"
#include "engine/nn/resize.h"

static bool is_pointwise(const struct graph *g, const struct node *n)
{
    struct window win;
    const char *reason;

    if (!node_is(n, "Conv") || in_shape(g, n, 0)->rank != 4 ||
        !window_resolve(n, in_shape(g, n, 0), in_shape(g, n, 1)->dims + 2, false, &win, &reason))
        return false;
    for (int i = 0; i < 2; i++)
        if (win.kernel[i] != 1 || win.stride[i] != 1 || win.begin[i] || win.end[i])
            return false;
    return n->residual == GRAPH_NONE;
}

static bool commutes(const struct graph *g, const struct node *resize, const struct node *conv)
{
    struct resize r;
    const char *reason;

    if (!resize_resolve(resize, in_shape(g, resize, 0), in_constant(g, resize, 1),
                        in_constant(g, resize, 2), in_constant(g, resize, 3), &r, &reason) ||
        !resize_keeps(&r, 0) || !resize_keeps(&r, 1) || r.coordinates == RESIZE_CROP ||
        node_attribute(resize, "axes") || shape_count(&r.out) <= shape_count(&r.in))
        return false;
    return r.mode == RESIZE_NEAREST || conv->activation == ACTIVATION_NONE;
}

// The sizes of a Resize name its channels too. False: no memory.
static bool set_channels(struct graph *g, struct node *resize, int64_t channels)
{
    const struct tensor *sizes = in_constant(g, resize, 3);
    struct tensor *t = sizes ? tensor_create(NN_INT64, &sizes->shape) : NULL;

    if (!sizes || tensor_count(sizes) != 4)
        return true;
    if (!t)
        return false;
    for (int i = 0; i < 4; i++)
        ((int64_t *)t->data)[i] = i == 1 ? channels : tensor_int(sizes, i);
    resize->in[3] = graph_add_constant(g, "sizes", t);
    return true;
}

// x -> resize -> conv -> y becomes x -> conv -> resize -> y.
static void swap(struct graph *g, int resize_index, int conv_index)
{
    struct nn_shape shape = *in_shape(g, &g->nodes[resize_index], 0);
    int64_t channels = in_shape(g, &g->nodes[conv_index], 1)->dims[0];
    int between;
    struct node *resize, *conv;

    if (!set_channels(g, &g->nodes[resize_index], channels))
        return;
    between = graph_add_value(g, g->nodes[conv_index].name);
    resize = &g->nodes[resize_index];
    conv = &g->nodes[conv_index];
    shape.dims[1] = channels;
    g->values[between].type = NN_FLOAT32;
    g->values[between].shape = shape;
    g->values[between].typed = g->values[between].shaped = true;
    conv->in[0] = resize->in[0];
    resize->in[0] = between;
    resize->out[0] = conv->out[0];
    conv->out[0] = between;
}

bool pass_commute(struct graph *g)
{
    int *producer = graph_find_producers(g), *uses = graph_count_uses(g), count = g->node_count;

    for (int i = 0; i < count; i++) {
        struct node *conv = &g->nodes[i];
        int made, x = conv->in_count ? conv->in[0] : GRAPH_NONE;

        if (conv->removed || x == GRAPH_NONE || !is_pointwise(g, conv) || uses[x] != 1)
            continue;
        made = producer[x];
        if (made == GRAPH_NONE || !node_is(&g->nodes[made], "Resize") ||
            !commutes(g, &g->nodes[made], conv))
            continue;
        producer[conv->out[0]] = made;
        uses[x] = 0;
        swap(g, made, i);
    }
    mem_free(producer);
    mem_free(uses);
    return graph_sort(g);
}
