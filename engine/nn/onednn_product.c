// MatMul and Gemm: constant matrices packed while planning, bias, residual sum and activation done
// by the primitive.
#include <string.h>

#include "engine/nn/onednn_state.h"

struct product {
    onednn_md a, b, b_plain, bias, y; // b may be "any"; the plain one describes the dense form
    int rank;
};

static bool is_ours(const struct onednn *o, const struct node *n)
{
    for (int i = 0; i < n->in_count; i++) {
        const struct value *v = node_in(o->graph, n, i);

        if (v && (v->type != NN_FLOAT32 || shape_count(&v->shape) < 1))
            return false;
    }
    return in_shape(o->graph, n, 0)->rank > 1 && in_shape(o->graph, n, 1)->rank > 1 &&
           node_float(n, "alpha", 1) == 1 &&
           (!node_in(o->graph, n, 2) || node_float(n, "beta", 1) == 1);
}

static onednn_md matrix(struct onednn *o, int64_t rows, int64_t columns, bool transposed,
                        dnnl_data_type_t type)
{
    int64_t dims[2] = {rows, columns},
            strides[2] = {transposed ? 1 : columns, transposed ? rows : 1};

    return onednn_md_strided(&o->arena, 2, dims, strides, type);
}

// One matrix for all: everything before the last dimension of A is rows.
static void describe_flat(struct onednn *o, const struct node *n, struct product *p)
{
    const struct nn_shape *a = in_shape(o->graph, n, 0), *b = in_shape(o->graph, n, 1);
    bool ta = node_int(n, "transA", 0), tb = node_int(n, "transB", 0);
    int64_t inner = ta ? a->dims[0] : a->dims[a->rank - 1], rows = shape_count(a) / inner;
    int64_t columns = b->dims[tb ? 0 : 1], dims[2] = {inner, columns};

    p->rank = 2;
    p->a = matrix(o, rows, inner, ta, o->type);
    p->b_plain = matrix(o, inner, columns, tb, dnnl_f32);
    p->b = in_constant(o->graph, n, 1) ? onednn_md_any(&o->arena, 2, dims, o->type)
                                       : matrix(o, inner, columns, tb, o->type);
    p->y = matrix(o, rows, columns, false, o->type);
}

static void describe_batch(struct onednn *o, const struct node *n, struct product *p)
{
    p->rank = o->graph->values[n->out[0]].shape.rank;
    p->a = onednn_ranked_md(o, n->in[0], p->rank, o->type);
    p->b_plain = onednn_ranked_md(o, n->in[1], p->rank, dnnl_f32);
    p->b = onednn_ranked_md(o, n->in[1], p->rank, o->type);
    p->y = onednn_rows_md(o, n->out[0]);
}

// One number a column. False: the third input is something else.
static bool describe_bias(struct onednn *o, const struct node *n, struct product *p)
{
    const struct value *bias = node_in(o->graph, n, 2);
    const struct nn_shape *y = &o->graph->values[n->out[0]].shape;
    int64_t dims[NN_MAX_RANK], columns = y->dims[y->rank - 1];

    if (!bias)
        return true;
    if (shape_count(&bias->shape) != columns || bias->shape.rank < 1 ||
        bias->shape.dims[bias->shape.rank - 1] != columns)
        return false;
    for (int i = 0; i < p->rank; i++)
        dims[i] = i == p->rank - 1 ? columns : 1;
    p->bias = onednn_md_dense(&o->arena, p->rank, dims, dnnl_f32);
    return true;
}

enum onednn_result onednn_compile_product(struct onednn *o, const struct node *n)
{
    struct product p = {0};
    dnnl_primitive_attr_t attr;
    dnnl_primitive_desc_t pd;
    struct argument args[4];
    int count = 0;

    if (!is_ours(o, n))
        return ONEDNN_NOT_OURS;
    if (in_shape(o->graph, n, 1)->rank == 2)
        describe_flat(o, n, &p);
    else
        describe_batch(o, n, &p);
    if (!describe_bias(o, n, &p) || !p.a || !p.b || !p.y)
        return ONEDNN_NOT_OURS;
    attr = onednn_fused_attr(n);
    pd = onednn_pd_matmul(&o->arena, p.a, p.b, p.bias, p.y, attr);
    dnnl_primitive_attr_destroy(attr);
    if (!pd)
        return ONEDNN_NOT_OURS;
    p.b = onednn_md_of(pd, dnnl_query_weights_md, 0);
    args[count++] =
        (struct argument){DNNL_ARG_SRC, p.a, onednn_want(o, n->in[0], onednn_rows_md(o, n->in[0]))};
    args[count++] =
        (struct argument){DNNL_ARG_WEIGHTS, p.b, onednn_want_view(o, n->in[1], p.b_plain, p.b)};
    if (p.bias)
        args[count++] = (struct argument){DNNL_ARG_BIAS, p.bias,
                                          onednn_want(o, n->in[2], onednn_plain_md(o, n->in[2]))};
    args[count++] = (struct argument){DNNL_ARG_DST, p.y,
                                      onednn_result_buffer(o, n, onednn_rows_md(o, n->out[0]))};
    for (int i = 0; i < count; i++)
        if (args[i].buffer == GRAPH_NONE)
            return ONEDNN_FAILED;
    return onednn_add_primitive(o, n->op->name, n, pd, args, count) ? ONEDNN_DONE : ONEDNN_FAILED;
}
