// Resize where oneDNN's own resampling is another one: our kernel, in the layout that the input
// has.
#include "base/mem.h"
#include "engine/nn/cpu_resize.h"
#include "engine/nn/onednn_state.h"

struct resize_step {
    struct cpu_resize resize;
    int from, to, scratch;
    const float *x;
    float *y, *room;
};

static void resize_destroy(void *data)
{
    struct resize_step *s = data;

    cpu_resize_finish(&s->resize);
    mem_free(s);
}

static bool resize_bind(struct step *step, const struct program *p)
{
    struct resize_step *s = step->data;

    s->x = p->buffers[s->from].data;
    s->y = p->buffers[s->to].data;
    s->room = p->buffers[s->scratch].data;
    return true;
}

static bool resize_run(struct step *step)
{
    struct resize_step *s = step->data;

    cpu_resize_run(&s->resize, s->x, s->y, s->room);
    return true;
}

onednn_md onednn_like_md(struct onednn *o, onednn_md md, const struct nn_shape *like,
                         const struct nn_shape *shape, dnnl_data_type_t type, int64_t *outer,
                         int64_t *inner)
{
    static const struct {
        dnnl_format_tag_t tag;
        int block; // 0: all channels
    } tags[] = {{dnnl_nhwc, 0}, {dnnl_nChw16c, 16}, {dnnl_nChw8c, 8}};

    for (size_t i = 0; i < sizeof(tags) / sizeof(*tags) && shape->rank == 4; i++) {
        onednn_md same = onednn_md_tag(&o->arena, 4, like->dims, onednn_md_type(md), tags[i].tag);
        int64_t block = tags[i].block ? tags[i].block : shape->dims[1];

        if (!same || !onednn_md_equal(md, same))
            continue;
        *inner = block;
        *outer = shape->dims[0] * ((shape->dims[1] + block - 1) / block);
        return onednn_md_tag(&o->arena, 4, shape->dims, type, tags[i].tag);
    }
    *inner = 1;
    *outer = shape_span(shape, 0, shape->rank - 2);
    return onednn_md_dense(&o->arena, shape->rank, shape->dims, type);
}

enum onednn_result onednn_compile_resize(struct onednn *o, const struct node *n,
                                         const struct resize *r)
{
    const struct nn_shape *x = &o->graph->values[n->in[0]].shape;
    const struct nn_shape *y = &o->graph->values[n->out[0]].shape;
    struct cpu_resize resize;
    struct resize_step *s;
    struct step *step;
    onednn_md md, from, to;
    int buffers[3];

    if (!cpu_resize_init(&resize, r))
        return ONEDNN_NOT_OURS;
    md = onednn_form(o, n->in[0])->md;
    to = onednn_like_md(o, md, x, y, dnnl_f32, &resize.outer, &resize.inner);
    from = onednn_like_md(o, md, x, x, dnnl_f32, &resize.outer, &resize.inner);
    resize.threads = o->threads;
    buffers[0] = to && from && resize.outer * y->dims[y->rank - 2] < INT32_MAX
                     ? onednn_want(o, n->in[0], from)
                     : GRAPH_NONE;
    if (buffers[0] == GRAPH_NONE) {
        cpu_resize_finish(&resize);
        return ONEDNN_NOT_OURS;
    }
    buffers[1] = onednn_make(o, n->out[0], to);
    buffers[2] = program_add_buffer(o->program, cpu_resize_scratch(&resize) * sizeof(float));
    s = mem_new(1, sizeof(*s));
    *s = (struct resize_step){
        .resize = resize, .from = buffers[0], .to = buffers[1], .scratch = buffers[2]};
    step = program_add_step(o->program, n->op->name, n);
    step->data = s;
    step->bind = resize_bind;
    step->run = resize_run;
    step->destroy = resize_destroy;
    for (int i = 0; i < 3; i++)
        program_use(o->program, buffers[i]);
    return ONEDNN_DONE;
}
