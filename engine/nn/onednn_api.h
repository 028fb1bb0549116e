// oneDNN 2.x and 3.x behind one face: what differs between them is in onednn_api.c alone.
//
// Thread-safety: an arena belongs to one thread.
#pragma once
#include <oneapi/dnnl/dnnl.h>

#include "engine/nn/graph.h"

// A memory description: shape, type and how the elements lie. 2.x has a struct, 3.x an opaque
// pointer; both are handed around by pointer, and so is this.
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t onednn_md;
#else
typedef const dnnl_memory_desc_t *onednn_md;
#endif

// Owns descriptions and primitive descriptors until the end.
struct onednn_arena {
    dnnl_engine_t engine;
    int count, room;
    struct onednn_item {
        void *pointer;
        enum { ONEDNN_MD, ONEDNN_PD } kind;
    } * items;
};

void onednn_arena_finish(struct onednn_arena *arena);

// Descriptions never fail for shapes that shape_count() accepts and that hold elements; NULL where
// oneDNN refuses.
onednn_md onednn_md_any(struct onednn_arena *arena, int rank, const int64_t *dims,
                        dnnl_data_type_t type);
onednn_md onednn_md_dense(struct onednn_arena *arena, int rank, const int64_t *dims,
                          dnnl_data_type_t type);
onednn_md onednn_md_strided(struct onednn_arena *arena, int rank, const int64_t *dims,
                            const int64_t *strides, dnnl_data_type_t type);
onednn_md onednn_md_tag(struct onednn_arena *arena, int rank, const int64_t *dims,
                        dnnl_data_type_t type, dnnl_format_tag_t tag);
dnnl_data_type_t onednn_md_type(onednn_md md);
bool onednn_md_equal(onednn_md a, onednn_md b);
size_t onednn_md_bytes(onednn_md md);
// Owned by pd.
onednn_md onednn_md_of(const_dnnl_primitive_desc_t pd, dnnl_query_t what, int index);

// Primitive descriptors, owned by the arena. NULL: oneDNN has none such. attr NULL: default.
// Scratchpads are the user's.
struct onednn_conv {
    onednn_md src, weights, bias, dst; // bias NULL: none
    int spatial;
    dnnl_dims_t stride, dilation, begin, end; // dilation as oneDNN counts: 0 is dense
    bool transpose;
};
dnnl_primitive_desc_t onednn_pd_conv(struct onednn_arena *arena, const struct onednn_conv *conv,
                                     const_dnnl_primitive_attr_t attr);
struct onednn_pool {
    onednn_md src, dst;
    dnnl_alg_kind_t kind;
    dnnl_dims_t kernel, stride, dilation, begin, end;
};
dnnl_primitive_desc_t onednn_pd_pool(struct onednn_arena *arena, const struct onednn_pool *pool,
                                     const_dnnl_primitive_attr_t attr);
dnnl_primitive_desc_t onednn_pd_eltwise(struct onednn_arena *arena, dnnl_alg_kind_t kind,
                                        onednn_md md, float a, float b,
                                        const_dnnl_primitive_attr_t attr);
dnnl_primitive_desc_t onednn_pd_binary(struct onednn_arena *arena, dnnl_alg_kind_t kind,
                                       onednn_md a, onednn_md b, onednn_md dst,
                                       const_dnnl_primitive_attr_t attr);
dnnl_primitive_desc_t onednn_pd_softmax(struct onednn_arena *arena, onednn_md md, int axis,
                                        const_dnnl_primitive_attr_t attr);
dnnl_primitive_desc_t onednn_pd_resampling(struct onednn_arena *arena, dnnl_alg_kind_t kind,
                                           onednn_md src, onednn_md dst,
                                           const_dnnl_primitive_attr_t attr);
dnnl_primitive_desc_t onednn_pd_concat(struct onednn_arena *arena, int count, const onednn_md *src,
                                       int axis, onednn_md dst, const_dnnl_primitive_attr_t attr);
dnnl_primitive_desc_t onednn_pd_matmul(struct onednn_arena *arena, onednn_md src, onednn_md weights,
                                       onednn_md bias, onednn_md dst,
                                       const_dnnl_primitive_attr_t attr);
// md: [rows][width], normalised along width, with a scale and a shift.
dnnl_primitive_desc_t onednn_pd_layer_norm(struct onednn_arena *arena, onednn_md md, float epsilon,
                                           const_dnnl_primitive_attr_t attr);
dnnl_primitive_desc_t onednn_pd_reorder(struct onednn_arena *arena, onednn_md src, onednn_md dst,
                                        const_dnnl_primitive_attr_t attr);

// oneDNN's own name of what would run: "brgconv:avx512_core", "ref:any", ...
const char *onednn_implementation(const_dnnl_primitive_desc_t pd);

// Post-operations, in the order of the calls.
void onednn_post_sum(dnnl_post_ops_t ops);
void onednn_post_eltwise(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float a, float b);
