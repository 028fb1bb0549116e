#include "engine/nn/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/op.h"

static void *copy(const void *items, int count, size_t size)
{
    void *same = mem_new((size_t)count, size);

    if (count)
        memcpy(same, items, (size_t)count * size);
    return same;
}

struct graph *graph_create(const char *path, int opset)
{
    struct graph *g = mem_new(1, sizeof(*g));

    g->path = mem_strdup(path);
    g->opset = opset;
    return g;
}

void attribute_finish(struct attribute *a)
{
    mem_free(a->name);
    mem_free(a->s);
    mem_free(a->ints);
    mem_free(a->floats);
    tensor_destroy(&a->t);
}

static void node_finish(struct node *n)
{
    for (int i = 0; i < n->attribute_count; i++)
        attribute_finish(&n->attributes[i]);
    mem_free(n->attributes);
    mem_free(n->name);
    mem_free(n->in);
    mem_free(n->out);
}

static void drop_constant(struct value *v)
{
    if (!v->borrowed)
        tensor_destroy(&v->constant);
    v->constant = NULL;
    v->borrowed = false;
}

void graph_destroy(struct graph **graph)
{
    struct graph *g = *graph;

    if (!g)
        return;
    for (int i = 0; i < g->node_count; i++)
        node_finish(&g->nodes[i]);
    for (int i = 0; i < g->value_count; i++) {
        drop_constant(&g->values[i]);
        mem_free(g->values[i].name);
    }
    mem_free(g->nodes);
    mem_free(g->values);
    mem_free(g->inputs);
    mem_free(g->outputs);
    mem_free(g->order);
    mem_free(g->path);
    mem_free(g);
    *graph = NULL;
}

static struct tensor *tensor_copy(const struct tensor *from)
{
    struct tensor *t = from ? tensor_create(from->type, &from->shape) : NULL;

    if (t)
        memcpy(t->data, from->data, tensor_bytes(from));
    return t;
}

static struct attribute *attributes_copy(const struct attribute *from, int count)
{
    struct attribute *to = mem_new((size_t)count, sizeof(*to));

    for (int i = 0; i < count; i++) {
        to[i] = from[i];
        to[i].name = mem_strdup(from[i].name);
        to[i].s = mem_strdup(from[i].s);
        to[i].t = tensor_copy(from[i].t);
        to[i].ints = from[i].ints ? copy(from[i].ints, from[i].count, sizeof(int64_t)) : NULL;
        to[i].floats = from[i].floats ? copy(from[i].floats, from[i].count, sizeof(float)) : NULL;
    }
    return to;
}

struct graph *graph_clone(const struct graph *graph)
{
    struct graph *g = graph_create(graph->path, graph->opset);

    for (int i = 0; i < graph->value_count; i++) {
        const struct value *from = &graph->values[i];
        int index = graph_add_value(g, from->name);
        struct value *to = &g->values[index];

        to->type = from->type;
        to->typed = from->typed;
        to->shaped = from->shaped;
        to->shape = from->shape;
        to->constant = from->constant;
        to->borrowed = from->constant != NULL;
    }
    for (int i = 0; i < graph->node_count; i++) {
        const struct node *from = &graph->nodes[i];
        struct node *to = graph_add_node(g, from->op, from->name, from->in, from->in_count,
                                         from->out, from->out_count);

        to->attribute_count = from->attribute_count;
        to->attributes = attributes_copy(from->attributes, from->attribute_count);
        to->removed = from->removed;
    }
    g->input_count = graph->input_count;
    g->output_count = graph->output_count;
    g->inputs = copy(graph->inputs, graph->input_count, sizeof(int));
    g->outputs = copy(graph->outputs, graph->output_count, sizeof(int));
    return g;
}

int graph_add_value(struct graph *g, const char *name)
{
    g->values = mem_grow(g->values, g->value_count, &g->value_room, sizeof(*g->values));
    g->values[g->value_count].name = mem_strdup(name ? name : "");
    return g->value_count++;
}

void graph_set_constant(struct graph *g, int value, struct tensor *tensor)
{
    struct value *v = &g->values[value];

    drop_constant(v);
    v->constant = tensor;
    v->type = tensor->type;
    v->shape = tensor->shape;
    v->typed = v->shaped = true;
}

int graph_add_constant(struct graph *g, const char *name, struct tensor *tensor)
{
    int value = graph_add_value(g, name);

    graph_set_constant(g, value, tensor);
    return value;
}

struct node *graph_add_node(struct graph *g, const struct op *op, const char *name, const int *in,
                            int in_count, const int *out, int out_count)
{
    struct node *n;

    g->nodes = mem_grow(g->nodes, g->node_count, &g->node_room, sizeof(*g->nodes));
    n = &g->nodes[g->node_count++];
    n->op = op;
    n->name = mem_strdup(name ? name : "");
    n->in_count = in_count;
    n->out_count = out_count;
    n->in = copy(in, in_count, sizeof(int));
    n->out = copy(out, out_count, sizeof(int));
    n->residual = GRAPH_NONE;
    return n;
}

void graph_replace(struct graph *g, const int *to)
{
    for (int i = 0; i < g->node_count; i++) {
        struct node *n = &g->nodes[i];

        for (int k = 0; k < n->in_count; k++)
            if (n->in[k] != GRAPH_NONE)
                n->in[k] = to[n->in[k]];
        if (n->residual != GRAPH_NONE)
            n->residual = to[n->residual];
    }
    for (int i = 0; i < g->output_count; i++)
        g->outputs[i] = to[g->outputs[i]];
}

int *graph_find_producers(const struct graph *g)
{
    int *producer = mem_new((size_t)g->value_count, sizeof(*producer));

    for (int i = 0; i < g->value_count; i++)
        producer[i] = GRAPH_NONE;
    for (int i = 0; i < g->node_count; i++)
        for (int k = 0; k < g->nodes[i].out_count && !g->nodes[i].removed; k++)
            if (g->nodes[i].out[k] != GRAPH_NONE)
                producer[g->nodes[i].out[k]] = i;
    return producer;
}

int *graph_count_uses(const struct graph *g)
{
    int *uses = mem_new((size_t)g->value_count, sizeof(*uses));

    for (int i = 0; i < g->node_count; i++) {
        const struct node *n = &g->nodes[i];

        for (int k = 0; k < n->in_count && !n->removed; k++)
            if (n->in[k] != GRAPH_NONE)
                uses[n->in[k]]++;
        if (!n->removed && n->residual != GRAPH_NONE)
            uses[n->residual]++;
    }
    for (int i = 0; i < g->output_count; i++)
        uses[g->outputs[i]]++;
    return uses;
}

// Marks what the outputs need, without recursion: a file may hold a very long chain.
static void mark_needed(const struct graph *g, const int *producer, char *needed)
{
    int *stack = mem_new((size_t)g->node_count + 1, sizeof(*stack));
    int depth = 0;

#define PUSH(value)                                                                                \
    do {                                                                                           \
        int v_ = (value),                                                                          \
            p_ = v_ == GRAPH_NONE || g->values[v_].constant ? GRAPH_NONE : producer[v_];           \
        if (p_ != GRAPH_NONE && !needed[p_]) {                                                     \
            needed[p_] = 1;                                                                        \
            stack[depth++] = p_;                                                                   \
        }                                                                                          \
    } while (0)
    for (int i = 0; i < g->output_count; i++)
        PUSH(g->outputs[i]);
    while (depth) {
        const struct node *n = &g->nodes[stack[--depth]];

        for (int k = 0; k < n->in_count; k++)
            PUSH(n->in[k]);
        PUSH(n->residual);
    }
#undef PUSH
    mem_free(stack);
}

static bool ready(const struct graph *g, const int *producer, const char *done, int value)
{
    return value == GRAPH_NONE || g->values[value].constant || producer[value] == GRAPH_NONE ||
           done[producer[value]];
}

// First input whose node is not done yet, or GRAPH_NONE.
static int first_missing(const struct graph *g, const int *producer, const char *done,
                         const struct node *n)
{
    for (int k = 0; k < n->in_count; k++)
        if (!ready(g, producer, done, n->in[k]))
            return producer[n->in[k]];
    return ready(g, producer, done, n->residual) ? GRAPH_NONE : producer[n->residual];
}

// Depth first from each node in file order; open: on the path, so meeting it again is a cycle.
static bool order_nodes(struct graph *g, const int *producer, const char *needed, char *done,
                        char *open, int *stack)
{
    for (int i = 0; i < g->node_count; i++) {
        int depth = 0;

        if (!needed[i] || done[i])
            continue;
        stack[depth++] = i;
        open[i] = 1;
        while (depth) {
            int at = stack[depth - 1];
            int missing = first_missing(g, producer, done, &g->nodes[at]);

            if (missing == GRAPH_NONE) {
                done[at] = 1;
                g->order[g->order_count++] = at;
                depth--;
            } else if (open[missing]) {
                return node_fail(g, &g->nodes[missing], "it needs its own result (a cycle)");
            } else {
                open[missing] = 1;
                stack[depth++] = missing;
            }
        }
    }
    return true;
}

bool graph_sort(struct graph *g)
{
    size_t count = (size_t)g->node_count + 1;
    int *producer = graph_find_producers(g);
    char *needed = mem_new(count, 1), *done = mem_new(count, 1), *open = mem_new(count, 1);
    int *stack = mem_new(count, sizeof(*stack));
    bool ok;

    mem_free(g->order);
    g->order = mem_new(count, sizeof(*g->order));
    g->order_count = 0;
    mark_needed(g, producer, needed);
    for (int i = 0; i < g->node_count; i++)
        if (!needed[i])
            g->nodes[i].removed = true;
    ok = order_nodes(g, producer, needed, done, open, stack);
    mem_free(producer);
    mem_free(needed);
    mem_free(done);
    mem_free(open);
    mem_free(stack);
    return ok;
}

const struct attribute *node_attribute(const struct node *n, const char *name)
{
    for (int i = 0; i < n->attribute_count; i++)
        if (!strcmp(n->attributes[i].name, name))
            return &n->attributes[i];
    return NULL;
}

static const struct attribute *of_kind(const struct node *n, const char *name,
                                       enum attribute_kind kind)
{
    const struct attribute *a = node_attribute(n, name);

    return a && a->kind == kind ? a : NULL;
}

int64_t node_int(const struct node *n, const char *name, int64_t fallback)
{
    const struct attribute *a = of_kind(n, name, ATTRIBUTE_INT);

    return a ? a->i : fallback;
}

float node_float(const struct node *n, const char *name, float fallback)
{
    const struct attribute *a = of_kind(n, name, ATTRIBUTE_FLOAT);

    return a ? a->f : fallback;
}

const char *node_string(const struct node *n, const char *name, const char *fallback)
{
    const struct attribute *a = of_kind(n, name, ATTRIBUTE_STRING);

    return a ? a->s : fallback;
}

const int64_t *node_ints(const struct node *n, const char *name, int *out_count)
{
    const struct attribute *a = of_kind(n, name, ATTRIBUTE_INTS);

    *out_count = a ? a->count : 0;
    return a ? a->ints : NULL;
}

static struct attribute *overwrite(struct node *n, const char *name, enum attribute_kind kind)
{
    struct attribute *a = (struct attribute *)node_attribute(n, name);

    if (a) {
        attribute_finish(a);
    } else {
        struct attribute *more = mem_new((size_t)n->attribute_count + 1, sizeof(*more));

        if (n->attribute_count)
            memcpy(more, n->attributes, (size_t)n->attribute_count * sizeof(*more));
        mem_free(n->attributes);
        n->attributes = more;
        a = &more[n->attribute_count++];
    }
    *a = (struct attribute){.name = mem_strdup(name), .kind = kind};
    return a;
}

void node_set_int(struct node *n, const char *name, int64_t value)
{
    overwrite(n, name, ATTRIBUTE_INT)->i = value;
}

void node_set_float(struct node *n, const char *name, float value)
{
    overwrite(n, name, ATTRIBUTE_FLOAT)->f = value;
}

struct value *node_in(const struct graph *g, const struct node *n, int i)
{
    return i < n->in_count && n->in[i] != GRAPH_NONE ? &g->values[n->in[i]] : NULL;
}

bool node_is(const struct node *n, const char *op_name)
{
    return !n->removed && !strcmp(n->op->name, op_name);
}

bool node_fail(const struct graph *g, const struct node *n, const char *format, ...)
{
    char reason[512];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof(reason), format, args);
    va_end(args);
    log_error("%s: %s '%.100s': %s", g->path, n->op->name, n->name, reason);
    return false;
}
