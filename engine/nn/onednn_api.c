#include "engine/nn/onednn_api.h"

#include <string.h>

#include "base/mem.h"

// Takes over a handle made by oneDNN; status says whether it was made.
static void *own(struct onednn_arena *a, void *pointer, int kind, dnnl_status_t status)
{
    if (status != dnnl_success)
        return NULL;
    if (a->count == a->room) {
        struct onednn_item *more;

        a->room = a->room ? a->room * 2 : 64;
        more = mem_new((size_t)a->room, sizeof(*more));
        if (a->count)
            memcpy(more, a->items, (size_t)a->count * sizeof(*more));
        mem_free(a->items);
        a->items = more;
    }
    a->items[a->count].pointer = pointer;
    a->items[a->count++].kind = kind;
    return pointer;
}

#if DNNL_VERSION_MAJOR >= 3

static void free_md(void *pointer)
{
    dnnl_memory_desc_destroy(pointer);
}

static dnnl_status_t init_by_tag(dnnl_memory_desc_t *md, int rank, const int64_t *dims,
                                 dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(md, rank, dims, type, tag);
}

static dnnl_status_t init_by_strides(dnnl_memory_desc_t *md, int rank, const int64_t *dims,
                                     dnnl_data_type_t type, const int64_t *strides)
{
    return dnnl_memory_desc_create_with_strides(md, rank, dims, type, strides);
}

static onednn_md finish_md(struct onednn_arena *arena, dnnl_memory_desc_t *md, dnnl_status_t status)
{
    return own(arena, *md, ONEDNN_MD, status);
}

dnnl_data_type_t onednn_md_type(onednn_md md)
{
    dnnl_data_type_t type = dnnl_data_type_undef;

    dnnl_memory_desc_query(md, dnnl_query_data_type, &type);
    return type;
}

#else

static void free_md(void *pointer)
{
    mem_free(pointer);
}

static dnnl_status_t init_by_tag(dnnl_memory_desc_t *md, int rank, const int64_t *dims,
                                 dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(md, rank, dims, type, tag);
}

static dnnl_status_t init_by_strides(dnnl_memory_desc_t *md, int rank, const int64_t *dims,
                                     dnnl_data_type_t type, const int64_t *strides)
{
    return dnnl_memory_desc_init_by_strides(md, rank, dims, type, strides);
}

static onednn_md finish_md(struct onednn_arena *arena, dnnl_memory_desc_t *md, dnnl_status_t status)
{
    dnnl_memory_desc_t *kept;

    if (status != dnnl_success)
        return NULL;
    kept = mem_new(1, sizeof(*kept));
    *kept = *md;
    return own(arena, kept, ONEDNN_MD, status);
}

dnnl_data_type_t onednn_md_type(onednn_md md)
{
    return md->data_type;
}

#endif

void onednn_arena_finish(struct onednn_arena *a)
{
    for (int i = a->count - 1; i >= 0; i--) {
        if (a->items[i].kind == ONEDNN_MD)
            free_md(a->items[i].pointer);
        else
            dnnl_primitive_desc_destroy(a->items[i].pointer);
    }
    mem_free(a->items);
    *a = (struct onednn_arena){0};
}

onednn_md onednn_md_tag(struct onednn_arena *a, int rank, const int64_t *dims,
                        dnnl_data_type_t type, dnnl_format_tag_t tag)
{
    dnnl_memory_desc_t md;

    return finish_md(a, &md, init_by_tag(&md, rank, dims, type, tag));
}

onednn_md onednn_md_any(struct onednn_arena *a, int rank, const int64_t *dims,
                        dnnl_data_type_t type)
{
    return onednn_md_tag(a, rank, dims, type, dnnl_format_tag_any);
}

onednn_md onednn_md_strided(struct onednn_arena *a, int rank, const int64_t *dims,
                            const int64_t *strides, dnnl_data_type_t type)
{
    dnnl_memory_desc_t md;

    return finish_md(a, &md, init_by_strides(&md, rank, dims, type, strides));
}

onednn_md onednn_md_dense(struct onednn_arena *a, int rank, const int64_t *dims,
                          dnnl_data_type_t type)
{
    int64_t strides[DNNL_MAX_NDIMS], one = 1;

    if (rank == 0) // a scalar is a line of one
        return onednn_md_strided(a, 1, &one, &one, type);
    for (int64_t i = rank - 1, each = 1; i >= 0; each *= dims[i--])
        strides[i] = each;
    return onednn_md_strided(a, rank, dims, strides, type);
}

bool onednn_md_equal(onednn_md a, onednn_md b)
{
    return dnnl_memory_desc_equal(a, b) != 0;
}

size_t onednn_md_bytes(onednn_md md)
{
    return dnnl_memory_desc_get_size(md);
}

onednn_md onednn_md_of(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index)
{
    return dnnl_primitive_desc_query_md(pd, what, index);
}

#if DNNL_VERSION_MAJOR >= 3

#define INFERENCE dnnl_forward_inference

dnnl_primitive_desc_t onednn_pd_conv(struct onednn_arena *a, const struct onednn_conv *c,
                                     const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s;

    if (c->transpose)
        s = dnnl_deconvolution_forward_primitive_desc_create(
            &pd, a->engine, INFERENCE, dnnl_deconvolution_direct, c->src, c->weights, c->bias,
            c->dst, c->stride, c->dilation, c->begin, c->end, attr);
    else
        s = dnnl_convolution_forward_primitive_desc_create(
            &pd, a->engine, INFERENCE, dnnl_convolution_direct, c->src, c->weights, c->bias, c->dst,
            c->stride, c->dilation, c->begin, c->end, attr);
    return own(a, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_pool(struct onednn_arena *a, const struct onednn_pool *p,
                                     const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_pooling_forward_primitive_desc_create(
        &pd, a->engine, INFERENCE, p->kind, p->src, p->dst, p->stride, p->kernel, p->dilation,
        p->begin, p->end, attr);

    return own(a, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_eltwise(struct onednn_arena *arena, dnnl_alg_kind_t kind,
                                        onednn_md md, float a, float b,
                                        const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_eltwise_forward_primitive_desc_create(&pd, arena->engine, INFERENCE,
                                                                 kind, md, md, a, b, attr);

    return own(arena, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_binary(struct onednn_arena *arena, dnnl_alg_kind_t kind,
                                       onednn_md a, onednn_md b, onednn_md dst,
                                       const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_binary_primitive_desc_create(&pd, arena->engine, kind, a, b, dst, attr);

    return own(arena, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_softmax(struct onednn_arena *a, onednn_md md, int axis,
                                        const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_softmax_forward_primitive_desc_create(
        &pd, a->engine, INFERENCE, dnnl_softmax_accurate, md, md, axis, attr);

    return own(a, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_resampling(struct onednn_arena *a, dnnl_alg_kind_t kind,
                                           onednn_md src, onednn_md dst,
                                           const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_resampling_forward_primitive_desc_create(&pd, a->engine, INFERENCE, kind,
                                                                    NULL, src, dst, attr);

    return own(a, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_concat(struct onednn_arena *a, int count, const onednn_md *src,
                                       int axis, onednn_md dst, const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s =
        dnnl_concat_primitive_desc_create(&pd, a->engine, dst, count, axis, src, attr);

    return own(a, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_matmul(struct onednn_arena *a, onednn_md src, onednn_md weights,
                                       onednn_md bias, onednn_md dst,
                                       const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s =
        dnnl_matmul_primitive_desc_create(&pd, a->engine, src, weights, bias, dst, attr);

    return own(a, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_layer_norm(struct onednn_arena *a, onednn_md md, float epsilon,
                                           const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_layer_normalization_forward_primitive_desc_create(
        &pd, a->engine, INFERENCE, md, md, NULL, epsilon, dnnl_use_scale | dnnl_use_shift, attr);

    return own(a, pd, ONEDNN_PD, s);
}

void onednn_post_sum(dnnl_post_ops_t ops)
{
    dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
}

void onednn_post_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float a, float b)
{
    dnnl_post_ops_append_eltwise(ops, kind, a, b);
}

#else

#define INFERENCE dnnl_forward_inference

// An operation's description to a primitive descriptor.
static dnnl_primitive_desc_t create(struct onednn_arena *a, const void *op, dnnl_status_t status,
                                    const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;

    if (status == dnnl_success)
        status = dnnl_primitive_desc_create(&pd, op, attr, a->engine, NULL);
    return own(a, pd, ONEDNN_PD, status);
}

dnnl_primitive_desc_t onednn_pd_conv(struct onednn_arena *a, const struct onednn_conv *c,
                                     const_dnnl_primitive_attr_t attr)
{
    dnnl_convolution_desc_t op; // a deconvolution's is the same type
    dnnl_status_t s;

    if (c->transpose)
        s = dnnl_dilated_deconvolution_forward_desc_init(&op, INFERENCE, dnnl_deconvolution_direct,
                                                         c->src, c->weights, c->bias, c->dst,
                                                         c->stride, c->dilation, c->begin, c->end);
    else
        s = dnnl_dilated_convolution_forward_desc_init(&op, INFERENCE, dnnl_convolution_direct,
                                                       c->src, c->weights, c->bias, c->dst,
                                                       c->stride, c->dilation, c->begin, c->end);
    return create(a, &op, s, attr);
}

dnnl_primitive_desc_t onednn_pd_pool(struct onednn_arena *a, const struct onednn_pool *p,
                                     const_dnnl_primitive_attr_t attr)
{
    dnnl_pooling_v2_desc_t op;
    dnnl_status_t s =
        dnnl_pooling_v2_forward_desc_init(&op, INFERENCE, p->kind, p->src, p->dst, p->stride,
                                          p->kernel, p->dilation, p->begin, p->end);

    return create(a, &op, s, attr);
}

dnnl_primitive_desc_t onednn_pd_eltwise(struct onednn_arena *arena, dnnl_alg_kind_t kind,
                                        onednn_md md, float a, float b,
                                        const_dnnl_primitive_attr_t attr)
{
    dnnl_eltwise_desc_t op;

    return create(arena, &op, dnnl_eltwise_forward_desc_init(&op, INFERENCE, kind, md, a, b), attr);
}

dnnl_primitive_desc_t onednn_pd_binary(struct onednn_arena *arena, dnnl_alg_kind_t kind,
                                       onednn_md a, onednn_md b, onednn_md dst,
                                       const_dnnl_primitive_attr_t attr)
{
    dnnl_binary_desc_t op;

    return create(arena, &op, dnnl_binary_desc_init(&op, kind, a, b, dst), attr);
}

dnnl_primitive_desc_t onednn_pd_softmax(struct onednn_arena *a, onednn_md md, int axis,
                                        const_dnnl_primitive_attr_t attr)
{
    dnnl_softmax_desc_t op;

    return create(a, &op, dnnl_softmax_forward_desc_init(&op, INFERENCE, md, axis), attr);
}

dnnl_primitive_desc_t onednn_pd_resampling(struct onednn_arena *a, dnnl_alg_kind_t kind,
                                           onednn_md src, onednn_md dst,
                                           const_dnnl_primitive_attr_t attr)
{
    dnnl_resampling_desc_t op;

    return create(a, &op, dnnl_resampling_forward_desc_init(&op, INFERENCE, kind, NULL, src, dst),
                  attr);
}

dnnl_primitive_desc_t onednn_pd_concat(struct onednn_arena *a, int count, const onednn_md *src,
                                       int axis, onednn_md dst, const_dnnl_primitive_attr_t attr)
{
    dnnl_memory_desc_t *all = mem_new((size_t)count, sizeof(*all));
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s;

    for (int i = 0; i < count; i++)
        all[i] = *src[i];
    s = dnnl_concat_primitive_desc_create(&pd, dst, count, axis, all, attr, a->engine);
    mem_free(all);
    return own(a, pd, ONEDNN_PD, s);
}

dnnl_primitive_desc_t onednn_pd_matmul(struct onednn_arena *a, onednn_md src, onednn_md weights,
                                       onednn_md bias, onednn_md dst,
                                       const_dnnl_primitive_attr_t attr)
{
    dnnl_matmul_desc_t op;

    return create(a, &op, dnnl_matmul_desc_init(&op, src, weights, bias, dst), attr);
}

dnnl_primitive_desc_t onednn_pd_layer_norm(struct onednn_arena *a, onednn_md md, float epsilon,
                                           const_dnnl_primitive_attr_t attr)
{
    dnnl_layer_normalization_desc_t op;
    dnnl_status_t s = dnnl_layer_normalization_forward_desc_init(&op, INFERENCE, md, NULL, epsilon,
                                                                 dnnl_use_scale | dnnl_use_shift);

    return create(a, &op, s, attr);
}

void onednn_post_sum(dnnl_post_ops_t ops)
{
    dnnl_post_ops_append_sum(ops, 1);
}

void onednn_post_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float a, float b)
{
    dnnl_post_ops_append_eltwise(ops, 1, kind, a, b);
}

#endif

dnnl_primitive_desc_t onednn_pd_reorder(struct onednn_arena *a, onednn_md src, onednn_md dst,
                                        const_dnnl_primitive_attr_t attr)
{
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t s = dnnl_reorder_primitive_desc_create(&pd, src, a->engine, dst, a->engine, attr);

    return own(a, pd, ONEDNN_PD, s);
}

const char *onednn_implementation(const_dnnl_primitive_desc_t pd)
{
    const char *name = NULL;

    if (dnnl_primitive_desc_query(pd, dnnl_query_impl_info_str, 0, (void *)&name) != dnnl_success)
        return "";
    return name ? name : "";
}
