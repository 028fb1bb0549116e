// Which primitive does which operator.
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "engine/nn/activation.h"
#include "engine/nn/onednn_state.h"
#include "engine/nn/resize.h"

static bool is_float(const struct onednn *o, int value)
{
    return value != GRAPH_NONE && o->graph->values[value].type == NN_FLOAT32 &&
           shape_count(&o->graph->values[value].shape) > 0;
}

static const struct nn_shape *shape_of(const struct onednn *o, int value)
{
    return &o->graph->values[value].shape;
}

static enum onednn_result add(struct onednn *o, const struct node *n, dnnl_primitive_desc_t pd,
                              const struct argument *args, int count)
{
    for (int i = 0; i < count; i++)
        if (args[i].buffer == GRAPH_NONE)
            return ONEDNN_FAILED;
    return onednn_add_primitive(o, n->op->name, n, pd, args, count) ? ONEDNN_DONE : ONEDNN_FAILED;
}

// A primitive that reads one value as it lies: args are the layouts that pd chose.
static enum onednn_result add_one_to_one(struct onednn *o, const struct node *n,
                                         dnnl_primitive_desc_t pd)
{
    struct argument args[2] = {{DNNL_ARG_SRC, onednn_md_of(pd, dnnl_query_src_md, 0), 0},
                               {DNNL_ARG_DST, onednn_md_of(pd, dnnl_query_dst_md, 0), 0}};

    args[0].buffer = onednn_want(o, n->in[0], args[0].md);
    args[1].buffer = onednn_make(o, n->out[0], args[1].md);
    return add(o, n, pd, args, 2);
}

static const struct form *input_form(struct onednn *o, const struct node *n)
{
    return is_float(o, n->in[0]) ? onednn_form(o, n->in[0]) : NULL;
}

static enum onednn_result compile_activation(struct onednn *o, const struct node *n)
{
    const struct form *form = input_form(o, n);
    float a = 0, b = 0;
    enum activation activation;
    struct onednn_eltwise e[2];
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;

    if (!form)
        return ONEDNN_NOT_OURS;
    activation = activation_of(o->graph, n, &a, &b);
    if (onednn_eltwise_of(activation, a, b, e) != 1)
        return ONEDNN_NOT_OURS;
    attr = onednn_attr();
    pd = onednn_pd_eltwise(&o->arena, e[0].kind, form->md, e[0].a, e[0].b, attr);
    dnnl_primitive_attr_destroy(attr);
    return pd ? add_one_to_one(o, n, pd) : ONEDNN_NOT_OURS;
}

static enum onednn_result compile_pool(struct onednn *o, const struct node *n)
{
    const struct form *form = input_form(o, n);
    const struct nn_shape *y = shape_of(o, n->out[0]);
    struct onednn_pool p = {.kind = dnnl_pooling_max};
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    struct window w;
    const char *reason;

    if (!form || (n->out_count > 1 && n->out[1] != GRAPH_NONE) ||
        !window_resolve(n, shape_of(o, n->in[0]), NULL, false, &w, &reason))
        return ONEDNN_NOT_OURS;
    if (node_is(n, "AveragePool"))
        p.kind = node_int(n, "count_include_pad", 0) ? dnnl_pooling_avg_include_padding
                                                     : dnnl_pooling_avg_exclude_padding;
    for (int i = 0; i < w.spatial; i++) {
        p.kernel[i] = w.kernel[i];
        p.stride[i] = w.stride[i];
        p.dilation[i] = w.dilation[i] - 1;
        p.begin[i] = w.begin[i];
        p.end[i] = (w.out[i] - 1) * w.stride[i] + (w.kernel[i] - 1) * w.dilation[i] + 1 - w.in[i] -
                   w.begin[i];
        // rounding up counts padding that the file does not state, which oneDNN would average in;
        // and windows that see padding alone have no maximum
        if (p.end[i] > w.end[i] && p.kind == dnnl_pooling_avg_include_padding)
            return ONEDNN_NOT_OURS;
        if (p.begin[i] >= w.kernel[i] || p.end[i] >= w.kernel[i])
            return ONEDNN_NOT_OURS;
    }
    p.src = form->md;
    p.dst = onednn_md_any(&o->arena, y->rank, y->dims, onednn_md_type(form->md));
    attr = onednn_attr();
    pd = onednn_pd_pool(&o->arena, &p, attr);
    dnnl_primitive_attr_destroy(attr);
    return pd ? add_one_to_one(o, n, pd) : ONEDNN_NOT_OURS;
}

static enum onednn_result compile_softmax(struct onednn *o, const struct node *n)
{
    const struct form *form = input_form(o, n);
    int rank = form ? shape_of(o, n->in[0])->rank : 0;
    int64_t axis = node_int(n, "axis", -1), outer, inner;
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    onednn_md md;

    if (!form || rank < 1)
        return ONEDNN_NOT_OURS;
    if (o->graph->opset <
        13) { // all from the axis on is one line: only the last axis alone is the same
        axis = node_int(n, "axis", 1);
        if (axis != rank - 1 && axis != -1)
            return ONEDNN_NOT_OURS;
    }
    attr = onednn_attr();
    md = form->md;
    if (onednn_md_type(md) != dnnl_f32) // probabilities are wanted exactly
        md = rank == 4 ? onednn_like_md(o, md, shape_of(o, n->in[0]), shape_of(o, n->in[0]),
                                        dnnl_f32, &outer, &inner)
                       : onednn_plain_md(o, n->in[0]);
    pd = onednn_pd_softmax(&o->arena, md, (int)(axis < 0 ? axis + rank : axis), attr);
    dnnl_primitive_attr_destroy(attr);
    return pd ? add_one_to_one(o, n, pd) : ONEDNN_NOT_OURS;
}

// A value to broadcast: dense, with leading ones.
static enum onednn_result compile_binary(struct onednn *o, const struct node *n,
                                         dnnl_alg_kind_t kind)
{
    const struct form *a;
    onednn_md b;
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd = NULL;
    struct argument args[3];
    int first = 0, rank;

    if (n->in_count != 2 || !is_float(o, n->in[0]) || !is_float(o, n->in[1]))
        return ONEDNN_NOT_OURS;
    // the one of the result's shape is read as it lies; the other follows
    if (!shape_equal(shape_of(o, n->in[0]), shape_of(o, n->out[0])))
        first = 1;
    if ((first && (kind == dnnl_binary_sub || kind == dnnl_binary_div)) ||
        !shape_equal(shape_of(o, n->in[first]), shape_of(o, n->out[0])) ||
        o->graph->values[n->in[first]].constant)
        return ONEDNN_NOT_OURS;
    rank = shape_of(o, n->out[0])->rank;
    if (rank < 1)
        return ONEDNN_NOT_OURS;
    a = onednn_form(o, n->in[first]);
    b = shape_equal(shape_of(o, n->in[0]), shape_of(o, n->in[1]))
            ? a->md
            : onednn_ranked_md(o, n->in[!first], rank, dnnl_f32);
    attr = onednn_attr();
    pd = b ? onednn_pd_binary(&o->arena, kind, a->md, b, a->md, attr) : NULL;
    dnnl_primitive_attr_destroy(attr);
    if (!pd)
        return ONEDNN_NOT_OURS;
    args[0] = (struct argument){DNNL_ARG_SRC_0, a->md, a->buffer};
    args[1] = (struct argument){DNNL_ARG_SRC_1, b, GRAPH_NONE};
    args[1].buffer = b == a->md ? onednn_want(o, n->in[!first], b)
                                : onednn_want(o, n->in[!first], onednn_plain_md(o, n->in[!first]));
    args[2] = (struct argument){DNNL_ARG_DST, args[0].md, onednn_make(o, n->out[0], args[0].md)};
    return add(o, n, pd, args, 3);
}

// oneDNN samples at half pixels: true where the node does the same.
static bool resamples_alike(const struct resize *r)
{
    for (int i = 0; i < r->in.rank; i++) {
        double ratio = (double)r->in.dims[i] / (double)r->out.dims[i];

        if (i < 2 && !resize_keeps(r, i))
            return false;
        for (int64_t at = 0; at < r->out.dims[i] && !resize_keeps(r, i); at++) {
            double place = resize_place(r, i, at), half = ((double)at + 0.5) * ratio - 0.5;

            if (r->mode == RESIZE_LINEAR
                    ? fabs(place - half) > 1e-9
                    : (double)resize_nearest(r, i, place) != fmax(round(half), 0) ||
                          fabs(half - floor(half) - 0.5) < 1e-4)
                return false;
        }
    }
    return r->mode == RESIZE_NEAREST || (r->mode == RESIZE_LINEAR && !r->antialias &&
                                         !r->exclude_outside && r->coordinates != RESIZE_CROP);
}

static enum onednn_result compile_resize(struct onednn *o, const struct node *n)
{
    const struct form *form = input_form(o, n);
    bool upsample = node_is(n, "Upsample");
    const struct nn_shape *y = shape_of(o, n->out[0]);
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    struct resize r;
    const char *reason;

    if (!form || y->rank < 3 || y->rank > 5 || !is_float(o, n->out[0]) ||
        !resize_resolve(n, shape_of(o, n->in[0]), upsample ? NULL : in_constant(o->graph, n, 1),
                        in_constant(o->graph, n, upsample ? 1 : 2),
                        upsample ? NULL : in_constant(o->graph, n, 3), &r, &reason))
        return ONEDNN_NOT_OURS;
    if (!resamples_alike(&r))
        return onednn_compile_resize(o, n, &r);
    attr = onednn_attr();
    pd = onednn_pd_resampling(
        &o->arena, r.mode == RESIZE_NEAREST ? dnnl_resampling_nearest : dnnl_resampling_linear,
        form->md, onednn_md_any(&o->arena, y->rank, y->dims, onednn_md_type(form->md)), attr);
    dnnl_primitive_attr_destroy(attr);
    return pd ? add_one_to_one(o, n, pd) : ONEDNN_NOT_OURS;
}

// Over the last dimension, with one scale and bias an element.
static enum onednn_result compile_layer_norm(struct onednn *o, const struct node *n)
{
    const struct nn_shape *x = shape_of(o, n->in[0]);
    int64_t axis = node_int(n, "axis", -1), width = x->rank ? x->dims[x->rank - 1] : 0;
    int64_t rows[2] = {0, width};
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    onednn_md md, line;
    struct argument args[4];

    if (!is_float(o, n->in[0]) || (axis != -1 && axis != x->rank - 1) || !node_in(o->graph, n, 2))
        return ONEDNN_NOT_OURS;
    for (int i = 1; i < n->out_count; i++)
        if (n->out[i] != GRAPH_NONE)
            return ONEDNN_NOT_OURS;
    for (int i = 1; i < 3; i++)
        if (shape_of(o, n->in[i])->rank != 1 || shape_of(o, n->in[i])->dims[0] != width)
            return ONEDNN_NOT_OURS;
    rows[0] = shape_count(x) / width;
    md = onednn_md_dense(&o->arena, 2, rows, o->type);
    line = onednn_md_dense(&o->arena, 1, &width, dnnl_f32);
    attr = onednn_attr();
    pd = onednn_pd_layer_norm(&o->arena, md, node_float(n, "epsilon", 1e-5f), attr);
    dnnl_primitive_attr_destroy(attr);
    if (!pd)
        return ONEDNN_NOT_OURS;
    args[0] =
        (struct argument){DNNL_ARG_SRC, md, onednn_want(o, n->in[0], onednn_rows_md(o, n->in[0]))};
    args[1] = (struct argument){DNNL_ARG_SCALE, line, onednn_want(o, n->in[1], line)};
    args[2] = (struct argument){DNNL_ARG_SHIFT, line, onednn_want(o, n->in[2], line)};
    args[3] = (struct argument){DNNL_ARG_DST, md,
                                onednn_make(o, n->out[0], onednn_rows_md(o, n->out[0]))};
    return add(o, n, pd, args, 4);
}

// A reorder from the input seen through permuted strides.
static enum onednn_result compile_transpose(struct onednn *o, const struct node *n)
{
    const struct nn_shape *x = shape_of(o, n->in[0]), *y = shape_of(o, n->out[0]);
    int64_t strides[NN_MAX_RANK];
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    onednn_md from, to = onednn_rows_md(o, n->out[0]);
    struct argument args[2];
    int count;
    const int64_t *perm = node_ints(n, "perm", &count);

    if (!is_float(o, n->in[0]) || x->rank < 2)
        return ONEDNN_NOT_OURS;
    for (int i = 0; i < x->rank; i++) {
        int64_t source = perm ? perm[i] : x->rank - 1 - i;

        strides[i] = shape_span(x, (int)source + 1, x->rank);
    }
    from = onednn_md_strided(&o->arena, x->rank, y->dims, strides, o->type);
    attr = onednn_attr();
    pd = from ? onednn_pd_reorder(&o->arena, from, to, attr) : NULL;
    dnnl_primitive_attr_destroy(attr);
    if (!pd)
        return ONEDNN_NOT_OURS;
    args[0] = (struct argument){DNNL_ARG_FROM, from,
                                onednn_want(o, n->in[0], onednn_rows_md(o, n->in[0]))};
    args[1] = (struct argument){DNNL_ARG_TO, to, onednn_make(o, n->out[0], to)};
    return add(o, n, pd, args, 2);
}

enum onednn_result onednn_compile_node(struct onednn *o, const struct node *n)
{
    static const struct {
        const char *name;
        dnnl_alg_kind_t kind;
    } binaries[] = {
        {"Add", dnnl_binary_add}, {"Sub", dnnl_binary_sub}, {"Mul", dnnl_binary_mul},
        {"Div", dnnl_binary_div}, {"Min", dnnl_binary_min}, {"Max", dnnl_binary_max},
    };

    for (int i = 0; i < n->out_count; i++)
        if (n->out[i] != GRAPH_NONE && !is_float(o, n->out[i]))
            return ONEDNN_NOT_OURS;
    if (node_is(n, "Conv") || node_is(n, "ConvTranspose"))
        return is_float(o, n->in[0]) && is_float(o, n->in[1]) ? onednn_compile_conv(o, n)
                                                              : ONEDNN_NOT_OURS;
    if (node_is(n, "MatMul") || node_is(n, "Gemm"))
        return onednn_compile_product(o, n);
    if (node_is(n, "Attention"))
        return onednn_compile_attention(o, n);
    if (node_is(n, "LayerNormalization"))
        return compile_layer_norm(o, n);
    if (node_is(n, "Transpose"))
        return compile_transpose(o, n);
    if (node_is(n, "MaxPool") || node_is(n, "AveragePool"))
        return compile_pool(o, n);
    if (node_is(n, "Softmax"))
        return compile_softmax(o, n);
    if (node_is(n, "Resize") || node_is(n, "Upsample"))
        return compile_resize(o, n);
    if (node_is(n, "Concat"))
        return onednn_compile_concat(o, n);
    for (size_t i = 0; i < sizeof(binaries) / sizeof(*binaries); i++)
        if (node_is(n, binaries[i].name))
            return compile_binary(o, n, binaries[i].kind);
    return compile_activation(o, n);
}
