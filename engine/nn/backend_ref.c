// The reference backend: every operator by its plain C kernel, in the file's own order. Slow; the
// others are compared with it.
#include "base/mem.h"
#include "engine/nn/activation.h"
#include "engine/nn/backend.h"

struct call_step {
    struct op_call call;
    op_run *run;
    int *buffers; // inputs, then outputs; GRAPH_NONE: left out
    struct tensor *tensors;
};

static void call_destroy(void *data)
{
    struct call_step *s = data;

    mem_free(s->buffers);
    mem_free(s->tensors);
    mem_free(s);
}

static bool call_bind(struct step *step, const struct program *p)
{
    struct call_step *s = step->data;

    for (int i = 0; i < s->call.in_count + s->call.out_count; i++)
        if (s->buffers[i] != GRAPH_NONE)
            s->tensors[i].data = p->buffers[s->buffers[i]].data;
    return true;
}

static bool call_run(struct step *step)
{
    struct call_step *s = step->data;

    s->run(&s->call);
    return true;
}

int backend_plain(struct program *p, int value)
{
    const struct tensor *t = p->graph->values[value].constant;

    if (p->plain[value] == GRAPH_NONE && t)
        p->plain[value] = program_add_fixed(p, t->data, tensor_bytes(t));
    return p->plain[value];
}

static struct tensor tensor_of(const struct graph *g, int value)
{
    const struct value *v = &g->values[value];

    return (struct tensor){.type = v->type, .shape = v->shape};
}

// The reference kernel, then what passes have put onto the node. The residual is the last input.
static void run_fused(const struct op_call *c)
{
    struct op_call plain = *c;
    bool residual = c->node->residual != GRAPH_NONE;
    const float *more = residual ? c->in[c->in_count - 1].data : NULL;
    float *y = c->out->data;

    plain.in_count -= residual;
    c->node->op->run(&plain);
    for (int64_t i = 0, n = tensor_count(c->out); i < n; i++)
        y[i] = activation_apply(c->node, more ? y[i] + more[i] : y[i]);
}

// Outputs after the first that somebody reads.
static bool has_more_outputs(const struct node *n)
{
    for (int i = 1; i < n->out_count; i++)
        if (n->out[i] != GRAPH_NONE)
            return true;
    return false;
}

void backend_add_call(struct program *p, const struct node *n, op_run *run)
{
    const struct graph *g = p->graph;
    int inputs = n->in_count + (n->residual != GRAPH_NONE), count = inputs + n->out_count;
    struct call_step *s;
    struct step *step;

    if (!run && (n->op->run == run_copy || (n->op->run == run_dropout && !has_more_outputs(n)))) {
        p->plain[n->out[0]] = backend_plain(p, n->in[0]);
        return;
    }
    s = mem_new(1, sizeof(*s));
    s->run = run ? run : n->op->run;
    if (!run && (n->activation || n->residual != GRAPH_NONE))
        s->run = run_fused;
    s->buffers = mem_new((size_t)count, sizeof(int));
    s->tensors = mem_new((size_t)count, sizeof(struct tensor));
    s->call = (struct op_call){n, g->opset, inputs, n->out_count, s->tensors, s->tensors + inputs};
    step = program_add_step(p, n->op->name, n);
    step->data = s;
    step->bind = call_bind;
    step->run = call_run;
    step->destroy = call_destroy;
    for (int i = 0; i < count; i++) {
        bool out = i >= inputs;
        int value = out ? n->out[i - inputs] : i < n->in_count ? n->in[i] : n->residual;

        s->buffers[i] = GRAPH_NONE;
        if (value == GRAPH_NONE)
            continue;
        s->tensors[i] = tensor_of(g, value);
        if (out)
            p->plain[value] = program_add_buffer(p, tensor_bytes(&s->tensors[i]));
        s->buffers[i] = backend_plain(p, value);
        program_use(p, s->buffers[i]);
    }
}

static void *create(const struct nn_plan_params *params)
{
    return mem_new(1, 1);
}

static bool compile(void *state, struct graph *g, struct program *p)
{
    for (int i = 0; i < g->order_count; i++)
        backend_add_call(p, &g->nodes[g->order[i]], NULL);
    return true;
}

static const char *describe(const void *state)
{
    return "reference";
}

const struct backend backend_reference = {
    .id = NN_BACKEND_REFERENCE,
    .create = create,
    .destroy = mem_free,
    .compile = compile,
    .describe = describe,
};
