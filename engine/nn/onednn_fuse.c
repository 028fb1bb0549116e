// What pass_fuse() has put onto a node, as oneDNN's post-operations.
#include "engine/nn/onednn_state.h"

int onednn_eltwise_of(enum activation activation, float a, float b, struct onednn_eltwise out[2])
{
    static const struct onednn_eltwise fixed[] = {
        [ACTIVATION_RELU] = {dnnl_eltwise_relu, 0, 0},
        [ACTIVATION_SIGMOID] = {dnnl_eltwise_logistic, 0, 0},
        [ACTIVATION_TANH] = {dnnl_eltwise_tanh, 0, 0},
        [ACTIVATION_GELU] = {dnnl_eltwise_gelu_erf, 0, 0},
        [ACTIVATION_GELU_TANH] = {dnnl_eltwise_gelu_tanh, 0, 0},
        [ACTIVATION_SWISH] = {dnnl_eltwise_swish, 1, 0},
        [ACTIVATION_HARDSWISH] = {dnnl_eltwise_hardswish, 1.0f / 6, 0.5f},
    };

    switch (activation) {
    case ACTIVATION_NONE:
        return 0;
    case ACTIVATION_LEAKY:
        out[0] = (struct onednn_eltwise){dnnl_eltwise_relu, a, 0};
        return 1;
    case ACTIVATION_CLIP:
        out[0] = (struct onednn_eltwise){dnnl_eltwise_clip, a, b};
        return 1;
    case ACTIVATION_ELU:
        out[0] = (struct onednn_eltwise){dnnl_eltwise_elu, a, 0};
        return 1;
    case ACTIVATION_HARDSIGMOID:
        out[0] = (struct onednn_eltwise){dnnl_eltwise_linear, a, b};
        out[1] = (struct onednn_eltwise){dnnl_eltwise_clip, 0, 1};
        return 2;
    default:
        out[0] = fixed[activation];
        return 1;
    }
}

static void post_activation(dnnl_post_ops_t ops, const struct node *n)
{
    struct onednn_eltwise e[2];
    int count = onednn_eltwise_of(n->activation, n->a, n->b, e);

    for (int i = 0; i < count; i++)
        onednn_post_eltwise(ops, e[i].kind, e[i].a, e[i].b);
}

dnnl_primitive_attr_t onednn_fused_attr(const struct node *n)
{
    dnnl_primitive_attr_t attr = onednn_attr();
    dnnl_post_ops_t ops = NULL;

    if ((n->activation || n->residual != GRAPH_NONE) &&
        dnnl_post_ops_create(&ops) == dnnl_success) {
        if (n->residual != GRAPH_NONE)
            onednn_post_sum(ops);
        post_activation(ops, n);
        dnnl_primitive_attr_set_post_ops(attr, ops);
        dnnl_post_ops_destroy(ops);
    }
    return attr;
}

static bool reads(const struct node *n, int value)
{
    for (int i = 0; i < n->in_count; i++)
        if (n->in[i] == value)
            return true;
    return false;
}

// The buffer that the result is added to and replaces: the residual's own where nobody needs it any
// more, else a copy.
static int residual_buffer(struct onednn *o, const struct node *n, onednn_md dst)
{
    bool dies = onednn_dies_here(o, n->residual), was_there = false;
    int buffer, copy;

    for (const struct form *f = onednn_form(o, n->residual); f; f = f->next)
        was_there = was_there || onednn_md_equal(f->md, dst);
    buffer = onednn_want(o, n->residual, dst);
    if (buffer == GRAPH_NONE ||
        (dies && !reads(n, n->residual) && onednn_is_writable(o, n->residual, buffer)))
        return buffer;
    if (!was_there && !o->program->buffers[buffer].fixed) { // reordered for us: forget it as a form
        onednn_forget(o, n->residual, buffer);
        return buffer;
    }
    copy = program_add_buffer(o->program, onednn_md_bytes(dst));
    return onednn_copy(o, dst, buffer, copy) ? copy : GRAPH_NONE;
}

int onednn_result_buffer(struct onednn *o, const struct node *n, onednn_md dst)
{
    int buffer;

    if (n->residual == GRAPH_NONE)
        return onednn_make(o, n->out[0], dst);
    buffer = residual_buffer(o, n, dst);
    if (buffer != GRAPH_NONE)
        onednn_put(o, n->out[0], dst, buffer);
    return buffer;
}
