// The oneDNN backend's own: values in the layouts that primitives like, and steps that execute
// primitives.
//
// Thread-safety: belongs to one plan.
#pragma once
#include "engine/nn/backend.h"
#include "engine/nn/onednn_api.h"
#include "engine/nn/resize.h"

// One form of a value: the same elements, laid out as md says.
struct form {
    onednn_md md;
    int buffer;
    struct form *next;
};

struct onednn {
    struct onednn_arena arena;
    dnnl_stream_t stream;
    int threads;
    dnnl_data_type_t type; // of pictures and weights between primitives: f32 or bf16
    char name[64];
    // while compiling
    struct graph *graph;
    struct program *program;
    struct form **forms; // of each value, newest first
    int value_count;
    int *last_reader; // of each value: its place in graph->order; INT_MAX: a graph output
    int position;     // of the node that is compiled now
};

// An argument of a primitive.
struct argument {
    int index; // DNNL_ARG_...
    onednn_md md;
    int buffer;
};

// Row major form's description; as `rank` dimensions, leading ones added. Single precision;
// onednn_rows_md() in the type that primitives work in.
onednn_md onednn_plain_md(struct onednn *o, int value);
onednn_md onednn_rows_md(struct onednn *o, int value);
onednn_md onednn_ranked_md(struct onednn *o, int value, int rank, dnnl_data_type_t type);
// A picture of shape `shape`, laid out as md lays out one of shape `like`: channels last or in
// blocks; rows where md is none such. out_outer, out_inner: as [outer][height][width][inner].
onednn_md onednn_like_md(struct onednn *o, onednn_md md, const struct nn_shape *like,
                         const struct nn_shape *shape, dnnl_data_type_t type, int64_t *out_outer,
                         int64_t *out_inner);
// A form that a primitive made, or the dense one. NULL only where the value has none yet.
const struct form *onednn_form(struct onednn *o, int value);
// The buffer of the value in that layout, after a reorder where need be: at once for constants, by
// a step for others. GRAPH_NONE: failed, logged.
int onednn_want(struct onednn *o, int value, onednn_md md);
// The same, where `view` describes the dense form otherwise (grouped or transposed weights).
int onednn_want_view(struct onednn *o, int value, onednn_md view, onednn_md md);
// A new buffer of the value's, in a layout.
int onednn_make(struct onednn *o, int value, onednn_md md);
// The value lies in that buffer as md says.
void onednn_put(struct onednn *o, int value, onednn_md md, int buffer);
// Nobody after the node that is compiled now reads the value, and its memory is the plan's to
// overwrite.
bool onednn_dies_here(const struct onednn *o, int value);
// The buffer holds nothing else that is read later, so that the node may write over it.
bool onednn_is_writable(const struct onednn *o, int value, int buffer);
// The value no longer lies in that buffer.
void onednn_forget(struct onednn *o, int value, int buffer);
// A step that copies. False: logged.
bool onednn_copy(struct onednn *o, onednn_md md, int from, int to);
// False: logged.
bool onednn_add_primitive(struct onednn *o, const char *kind, const struct node *node,
                          const_dnnl_primitive_desc_t pd, const struct argument *arguments,
                          int count);
// oneDNN uses the instructions: the processor has them, and nobody has forbidden them.
bool onednn_has_isa(dnnl_cpu_isa_t isa);
// Attributes with the scratchpad on our side. Destroy with dnnl_primitive_attr_destroy().
dnnl_primitive_attr_t onednn_attr(void);

enum onednn_result { ONEDNN_DONE, ONEDNN_NOT_OURS, ONEDNN_FAILED };
// Adds the node's steps; ONEDNN_NOT_OURS: oneDNN has no primitive for it, nothing was added.
enum onednn_result onednn_compile_node(struct onednn *o, const struct node *node);
enum onednn_result onednn_compile_conv(struct onednn *o, const struct node *node);
enum onednn_result onednn_compile_concat(struct onednn *o, const struct node *node);
enum onednn_result onednn_compile_winograd(struct onednn *o, const struct node *node);
enum onednn_result onednn_compile_product(struct onednn *o, const struct node *node);
enum onednn_result onednn_compile_attention(struct onednn *o, const struct node *node);
// r: of the node.
enum onednn_result onednn_compile_resize(struct onednn *o, const struct node *node,
                                         const struct resize *r);

// onednn_attr() with the node's residual sum and activation as the primitive's last acts.
dnnl_primitive_attr_t onednn_fused_attr(const struct node *node);
// Where a primitive with those writes: a new buffer, or the one that holds the residual. The
// result's form is put. GRAPH_NONE: failed, logged.
int onednn_result_buffer(struct onednn *o, const struct node *node, onednn_md dst);
// An activation as oneDNN's eltwise kinds, one after another. Returns how many.
struct onednn_eltwise {
    dnnl_alg_kind_t kind;
    float a, b;
};
int onednn_eltwise_of(enum activation activation, float a, float b, struct onednn_eltwise out[2]);
