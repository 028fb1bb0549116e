// Convolutions that our own kernel does in a quarter of the multiplications (cpu_winograd.h). Only
// where AVX2 is the best that there is: against oneDNN's kernels for AVX-512 it was not measured.
#include <math.h>

#include "base/mem.h"
#include "engine/nn/cpu_winograd.h"
#include "engine/nn/onednn_state.h"

struct winograd_step {
    struct cpu_winograd winograd;
    int from, to, bias, scratch; // bias GRAPH_NONE: none
    const float *x;
    float *y, *room;
};

static bool winograd_bind(struct step *step, const struct program *p)
{
    struct winograd_step *s = step->data;

    s->x = p->buffers[s->from].data;
    s->y = p->buffers[s->to].data;
    s->room = p->buffers[s->scratch].data;
    s->winograd.bias = s->bias == GRAPH_NONE ? NULL : p->buffers[s->bias].data;
    return true;
}

static bool winograd_run(struct step *step)
{
    struct winograd_step *s = step->data;

    cpu_winograd_run(&s->winograd, s->x, s->y, s->room);
    return true;
}

// True for 3x3 at stride 1 of constant weights, where it pays.
static bool describe(const struct onednn *o, const struct node *n, struct cpu_winograd *w)
{
    const struct nn_shape *x = in_shape(o->graph, n, 0), *k = in_shape(o->graph, n, 1);
    const struct nn_shape *y = &o->graph->values[n->out[0]].shape;
    struct window win;
    const char *reason;

    if (!onednn_has_isa(dnnl_cpu_isa_avx2) || onednn_has_isa(dnnl_cpu_isa_avx512_core) ||
        node_is(n, "ConvTranspose") || x->rank != 4 || node_int(n, "group", 1) != 1 ||
        !in_constant(o->graph, n, 1) || x->dims[1] > CPU_WINOGRAD_CHANNELS ||
        y->dims[1] > CPU_WINOGRAD_CHANNELS || shape_count(x) > INT32_MAX ||
        shape_count(y) > INT32_MAX || !window_resolve(n, x, k->dims + 2, false, &win, &reason))
        return false;
    for (int i = 0; i < 2; i++)
        if (win.kernel[i] != 3 || win.stride[i] != 1 || win.dilation[i] != 1)
            return false;
    *w = (struct cpu_winograd){.images = (int)x->dims[0],
                               .in_channels = (int)x->dims[1],
                               .out_channels = (int)y->dims[1],
                               .in_height = (int)x->dims[2],
                               .in_width = (int)x->dims[3],
                               .out_height = (int)y->dims[2],
                               .out_width = (int)y->dims[3],
                               .begin_y = (int)win.begin[0],
                               .begin_x = (int)win.begin[1],
                               .threads = o->threads,
                               .adds = n->residual != GRAPH_NONE,
                               .low = -INFINITY,
                               .high = INFINITY};
    return cpu_winograd_pays(w);
}

// Where the node's activation is no more than limits that keep zero (a block's filling) as it is,
// the kernel does it.
static bool take_limits(const struct node *n, struct cpu_winograd *w)
{
    bool relu = n->activation == ACTIVATION_RELU;

    if (!relu && (n->activation != ACTIVATION_CLIP || n->a > 0 || n->b < 0))
        return n->activation == ACTIVATION_NONE;
    w->low = relu ? 0 : n->a;
    w->high = relu ? INFINITY : n->b;
    return true;
}

// Other functions follow as primitives, in place. False: logged.
static bool add_activation(struct onednn *o, const struct node *n, onednn_md md, int buffer)
{
    struct onednn_eltwise e[2];
    struct argument args[2] = {{DNNL_ARG_SRC, md, buffer}, {DNNL_ARG_DST, md, buffer}};
    int count = onednn_eltwise_of(n->activation, n->a, n->b, e);
    bool ok = true;

    for (int i = 0; i < count && ok; i++) {
        dnnl_primitive_attr_t attr = onednn_attr();
        dnnl_primitive_desc_t pd =
            onednn_pd_eltwise(&o->arena, e[i].kind, md, e[i].a, e[i].b, attr);

        dnnl_primitive_attr_destroy(attr);
        ok = pd && onednn_add_primitive(o, "activation", n, pd, args, 2);
    }
    return ok;
}

static bool arrange(struct onednn *o, const struct node *n, struct cpu_winograd *w)
{
    int buffer;
    float *to = program_add_constant(o->program, cpu_winograd_weights(w) * sizeof(float), &buffer);

    if (to)
        cpu_winograd_arrange(w, in_constant(o->graph, n, 1)->data, to);
    w->weights = to;
    return to;
}

enum onednn_result onednn_compile_winograd(struct onednn *o, const struct node *n)
{
    struct winograd_step s = {.bias = GRAPH_NONE}, *data;
    onednn_md from, to;
    struct step *step;
    bool limits;

    if (!describe(o, n, &s.winograd))
        return ONEDNN_NOT_OURS;
    limits = take_limits(n, &s.winograd);
    from = onednn_md_tag(&o->arena, 4, in_shape(o->graph, n, 0)->dims, dnnl_f32, dnnl_nChw8c);
    to = onednn_md_tag(&o->arena, 4, o->graph->values[n->out[0]].shape.dims, dnnl_f32, dnnl_nChw8c);
    if (!from || !to || !arrange(o, n, &s.winograd))
        return ONEDNN_FAILED;
    s.from = onednn_want(o, n->in[0], from);
    if (node_in(o->graph, n, 2)) {
        s.bias = onednn_want(o, n->in[2], onednn_plain_md(o, n->in[2]));
        if (s.bias == GRAPH_NONE)
            return ONEDNN_FAILED;
    }
    s.to = onednn_result_buffer(o, n, to);
    if (s.from == GRAPH_NONE || s.to == GRAPH_NONE)
        return ONEDNN_FAILED;
    s.scratch = program_add_buffer(o->program, cpu_winograd_scratch(&s.winograd) * sizeof(float));
    data = mem_new(1, sizeof(*data));
    *data = s;
    step = program_add_step(o->program, n->op->name, n);
    step->data = data;
    step->bind = winograd_bind;
    step->run = winograd_run;
    step->destroy = mem_free;
    step->detail = "winograd:avx2";
    program_use(o->program, s.from);
    program_use(o->program, s.to);
    program_use(o->program, s.scratch);
    if (s.bias != GRAPH_NONE)
        program_use(o->program, s.bias);
    return limits || add_activation(o, n, to, s.to) ? ONEDNN_DONE : ONEDNN_FAILED;
}
