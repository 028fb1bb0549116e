// Concat without copying: where each input lies in one piece of the result, it is made there.
#include "base/mem.h"
#include "engine/nn/onednn_state.h"

static const struct nn_shape *shape_of(const struct onednn *o, int value)
{
    return &o->graph->values[value].shape;
}

// Every input lies as rows (block 0), or in blocks of so many channels, and is a piece of the
// result: nothing but ones before the axis, no half-filled block and no odd address before another
// piece.
static bool in_pieces(struct onednn *o, const struct node *n, int axis, dnnl_format_tag_t tag,
                      int block)
{
    const struct nn_shape *y = shape_of(o, n->out[0]);

    if (shape_span(y, 0, axis) != 1 || (block && (y->rank != 4 || axis != 1)))
        return false;
    for (int i = 0; i < n->in_count; i++) {
        const struct nn_shape *s = shape_of(o, n->in[i]);
        onednn_md md = onednn_form(o, n->in[i])->md;
        onednn_md piece = block ? onednn_md_tag(&o->arena, 4, s->dims, o->type, tag)
                                : onednn_rows_md(o, n->in[i]);

        if (!piece || !onednn_md_equal(md, piece) ||
            (i + 1 < n->in_count &&
             ((block && s->dims[1] % block) || onednn_md_bytes(md) % MEM_ALIGN)))
            return false;
    }
    return true;
}

// The caller writes the plan's inputs while answers stay.
static bool is_input(const struct onednn *o, int buffer)
{
    for (int i = 0; i < o->graph->input_count; i++)
        if (o->program->plain[o->graph->inputs[i]] == buffer)
            return true;
    return false;
}

// Inputs become parts of the result's buffer; what cannot move there, because it is a constant, the
// plan's input or a part of another, is copied.
static enum onednn_result join(struct onednn *o, const struct node *n, onednn_md dst)
{
    int whole = program_add_buffer(o->program, onednn_md_bytes(dst));
    size_t at = 0;

    for (int i = 0; i < n->in_count; i++) {
        const struct form *f = onednn_form(o, n->in[i]);
        const struct buffer *b = &o->program->buffers[f->buffer];
        int part = f->buffer;

        if (b->fixed || b->whole != GRAPH_NONE || is_input(o, part)) {
            part = program_add_buffer(o->program, onednn_md_bytes(f->md));
            if (!onednn_copy(o, f->md, f->buffer, part))
                return ONEDNN_FAILED;
        }
        program_join(o->program, part, whole, at);
        at += onednn_md_bytes(f->md);
    }
    onednn_put(o, n->out[0], dst, whole);
    return ONEDNN_DONE;
}

static enum onednn_result copy_all(struct onednn *o, const struct node *n, int axis)
{
    onednn_md *src = mem_new((size_t)n->in_count, sizeof(*src)), dst;
    struct argument *args = mem_new((size_t)n->in_count + 1, sizeof(*args));
    dnnl_primitive_attr_t attr = onednn_attr();
    dnnl_primitive_desc_t pd = NULL;
    enum onednn_result result = ONEDNN_NOT_OURS;

    for (int i = 0; i < n->in_count; i++)
        src[i] = onednn_form(o, n->in[i])->md;
    pd = onednn_pd_concat(&o->arena, n->in_count, src, axis, NULL, attr);
    if (pd) {
        for (int i = 0; i < n->in_count; i++)
            args[i] = (struct argument){DNNL_ARG_MULTIPLE_SRC + i, src[i],
                                        onednn_want(o, n->in[i], src[i])};
        dst = onednn_md_of(pd, dnnl_query_dst_md, 0);
        args[n->in_count] = (struct argument){DNNL_ARG_DST, dst, onednn_make(o, n->out[0], dst)};
        result = onednn_add_primitive(o, n->op->name, n, pd, args, n->in_count + 1) ? ONEDNN_DONE
                                                                                    : ONEDNN_FAILED;
    }
    dnnl_primitive_attr_destroy(attr);
    mem_free(src);
    mem_free(args);
    return result;
}

enum onednn_result onednn_compile_concat(struct onednn *o, const struct node *n)
{
    static const struct {
        dnnl_format_tag_t tag;
        int block;
    } layouts[] = {{dnnl_nchw, 0}, {dnnl_nChw8c, 8}, {dnnl_nChw16c, 16}};
    const struct nn_shape *y = shape_of(o, n->out[0]);
    int axis = (int)node_int(n, "axis", 0);

    axis = axis < 0 ? axis + y->rank : axis;
    if (y->rank < 2)
        return ONEDNN_NOT_OURS;
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] == GRAPH_NONE || o->graph->values[n->in[i]].type != NN_FLOAT32 ||
            shape_count(shape_of(o, n->in[i])) == 0)
            return ONEDNN_NOT_OURS;
    for (size_t i = 0; i < sizeof(layouts) / sizeof(*layouts); i++)
        if (in_pieces(o, n, axis, layouts[i].tag, layouts[i].block))
            return join(o, n,
                        layouts[i].block
                            ? onednn_md_tag(&o->arena, 4, y->dims, o->type, layouts[i].tag)
                            : onednn_rows_md(o, n->out[0]));
    return copy_all(o, n, axis);
}
