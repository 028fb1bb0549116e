// Convolutions: weights arranged while planning, residual sum and activation done by the primitive
// itself.
#include <string.h>

#include "base/log.h"
#include "engine/nn/onednn_state.h"

// Weights of ONNX are [O][I/g][k...], transposed [I][O/g][k...]; oneDNN's always
// [g][O/g][I/g][k...].
static onednn_md weights_view(struct onednn *o, const struct node *n, bool any)
{
    const struct nn_shape *s = in_shape(o->graph, n, 1);
    bool transpose = node_is(n, "ConvTranspose");
    int64_t group = node_int(n, "group", 1), dims[NN_MAX_RANK + 1], strides[NN_MAX_RANK + 1];
    int64_t a = s->dims[0] / group, b = s->dims[1], kernel = shape_span(s, 2, s->rank);
    int at = 0;

    if (group > 1) {
        dims[at] = group;
        strides[at++] = a * b * kernel;
    }
    dims[at] = transpose ? b : a;
    strides[at++] = transpose ? kernel : b * kernel;
    dims[at] = transpose ? a : b;
    strides[at++] = transpose ? b * kernel : kernel;
    for (int i = 2; i < s->rank; i++) {
        dims[at] = s->dims[i];
        strides[at++] = shape_span(s, i + 1, s->rank);
    }
    return any ? onednn_md_any(&o->arena, at, dims, o->type)
               : onednn_md_strided(&o->arena, at, dims, strides, dnnl_f32);
}

static bool describe(struct onednn *o, const struct node *n, struct onednn_conv *c)
{
    const struct nn_shape *x = in_shape(o->graph, n, 0), *w = in_shape(o->graph, n, 1);
    const struct nn_shape *y = &o->graph->values[n->out[0]].shape;
    struct window win;
    const char *reason;

    c->transpose = node_is(n, "ConvTranspose");
    if (!window_resolve(n, x, w->dims + 2, c->transpose, &win, &reason))
        return false;
    c->spatial = win.spatial;
    for (int i = 0; i < win.spatial; i++) {
        int64_t full = (win.kernel[i] - 1) * win.dilation[i] + 1;

        c->stride[i] = win.stride[i];
        c->dilation[i] = win.dilation[i] - 1;
        c->begin[i] = win.begin[i];
        // what makes oneDNN's own formula give our size
        c->end[i] = c->transpose
                        ? win.stride[i] * (win.in[i] - 1) + full - win.begin[i] - win.out[i]
                        : (win.out[i] - 1) * win.stride[i] + full - win.in[i] - win.begin[i];
    }
    c->src = onednn_md_any(&o->arena, x->rank, x->dims, o->type);
    c->weights = weights_view(o, n, true);
    c->bias = node_in(o->graph, n, 2)
                  ? onednn_md_dense(&o->arena, 1, in_shape(o->graph, n, 2)->dims, dnnl_f32)
                  : NULL;
    c->dst = onednn_md_any(&o->arena, y->rank, y->dims, o->type);
    return c->src && c->weights && c->dst;
}

static bool is_slow(const_dnnl_primitive_desc_t pd)
{
    const char *name = onednn_implementation(pd);

    return !strncmp(name, "ref", 3) || !strncmp(name, "gemm", 4) || strstr(name, ":ref");
}

// Reads the input as it lies where that is fast, else as oneDNN likes it best.
static dnnl_primitive_desc_t choose(struct onednn *o, const struct node *n, struct onednn_conv *c)
{
    const struct form *form = onednn_form(o, n->in[0]);
    dnnl_primitive_attr_t attr = onednn_fused_attr(n);
    onednn_md any = c->src;
    dnnl_primitive_desc_t pd = NULL;

    if (form && onednn_md_type(form->md) == o->type &&
        !onednn_md_equal(form->md, onednn_rows_md(o, n->in[0]))) {
        c->src = form->md;
        pd = onednn_pd_conv(&o->arena, c, attr);
        if (pd && is_slow(pd))
            pd = NULL;
    }
    if (!pd) {
        c->src = any;
        pd = onednn_pd_conv(&o->arena, c, attr);
    }
    dnnl_primitive_attr_destroy(attr);
    return pd;
}

enum onednn_result onednn_compile_conv(struct onednn *o, const struct node *n)
{
    struct onednn_conv c = {0};
    enum onednn_result result = onednn_compile_winograd(o, n);
    dnnl_primitive_desc_t pd;
    struct argument args[4];
    onednn_md dst;
    int count = 0;

    if (result != ONEDNN_NOT_OURS)
        return result;
    pd = describe(o, n, &c) ? choose(o, n, &c) : NULL;
    if (!pd)
        return ONEDNN_NOT_OURS;
    dst = onednn_md_of(pd, dnnl_query_dst_md, 0);
    args[count++] =
        (struct argument){DNNL_ARG_SRC, onednn_md_of(pd, dnnl_query_src_md, 0), GRAPH_NONE};
    args[0].buffer = onednn_want(o, n->in[0], args[0].md);
    args[count++] =
        (struct argument){DNNL_ARG_WEIGHTS, onednn_md_of(pd, dnnl_query_weights_md, 0), GRAPH_NONE};
    args[1].buffer = onednn_want_view(o, n->in[1], weights_view(o, n, false), args[1].md);
    if (c.bias) {
        args[count] = (struct argument){DNNL_ARG_BIAS, c.bias, GRAPH_NONE};
        args[count++].buffer = onednn_want(o, n->in[2], c.bias);
    }
    args[count] = (struct argument){DNNL_ARG_DST, dst, GRAPH_NONE};
    args[count].buffer = onednn_result_buffer(o, n, dst);
    count++;
    for (int i = 0; i < count; i++)
        if (args[i].buffer == GRAPH_NONE)
            return ONEDNN_FAILED;
    return onednn_add_primitive(o, n->op->name, n, pd, args, count) ? ONEDNN_DONE : ONEDNN_FAILED;
}
