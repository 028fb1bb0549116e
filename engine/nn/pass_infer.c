#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/nn/op.h"
#include "engine/nn/pass.h"
#include "engine/nn/resize.h"

// Constants larger than this in total are left to be computed when run: a small file could ask for
// very large ones.
#define FOLD_MAX_BYTES ((size_t)64 << 20)
// And so much work is never done while planning. In multiplications, roughly.
#ifdef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define FOLD_MAX_WORK 1e6
#else
#define FOLD_MAX_WORK 2e8
#endif
// An element that plain C finds by its place, and a tap that it weighs, in multiplications.
#define FOLD_FIND 8
#define FOLD_TAP 2

// What folding has used up.
struct fold {
    size_t bytes;
    double work;
};

static bool shape_values_known(struct graph *g, const struct node *n)
{
    for (int i = 0; i < n->in_count && i < 32; i++)
        if (n->op->shape_inputs >> i & 1 && node_in(g, n, i) && !in_constant(g, n, i))
            return node_fail(g, n,
                             "input %d decides a shape and is only known when the network runs; "
                             "such networks are not supported",
                             i);
    return true;
}

static bool inputs_constant(const struct graph *g, const struct node *n)
{
    if (!strcmp(n->op->name, "Shape"))
        return true;
    for (int i = 0; i < n->in_count; i++)
        if (node_in(g, n, i) && !in_constant(g, n, i))
            return false;
    return true;
}

static double resize_work(const struct graph *g, const struct node *n)
{
    bool upsample = node_is(n, "Upsample");
    struct resize r;
    const char *reason;
    double work = FOLD_TAP;

    if (!resize_resolve(n, in_shape(g, n, 0), upsample ? NULL : in_constant(g, n, 1),
                        in_constant(g, n, upsample ? 1 : 2), upsample ? NULL : in_constant(g, n, 3),
                        &r, &reason) ||
        r.mode == RESIZE_NEAREST)
        return FOLD_FIND;
    for (int i = 0; i < r.in.rank; i++)
        work *= resize_keeps(&r, i) ? 1 : 2 * ceil(resize_reach(&r, i)) + 1;
    return work;
}

// Roughly the multiplications for one element of the result.
static double work(const struct graph *g, const struct node *n)
{
    const struct nn_shape *x = n->in_count ? in_shape(g, n, 0) : NULL;
    const struct nn_shape *w = node_in(g, n, 1) ? in_shape(g, n, 1) : NULL;
    struct window window;
    const char *reason;

    if (!strcmp(n->op->name, "MatMul") || !strcmp(n->op->name, "Gemm"))
        return (double)(x->dims[0] > x->dims[x->rank - 1] ? x->dims[0] : x->dims[x->rank - 1]);
    if (!strncmp(n->op->name, "Conv", 4) && w)
        return (double)shape_count(w);
    if (!strncmp(n->op->name, "Global", 6))
        return (double)shape_count(x);
    if (strstr(n->op->name, "Pool") && window_resolve(n, x, NULL, false, &window, &reason)) {
        double taps = 1;

        for (int i = 0; i < window.spatial; i++)
            taps *= (double)window.kernel[i];
        return taps;
    }
    if (!strncmp(n->op->name, "Reduce", 6) || node_is(n, "ArgMax")) {
        int64_t results = shape_count(&g->values[n->out[0]].shape);

        return FOLD_FIND * (double)shape_count(x) / (double)(results > 0 ? results : 1);
    }
    if (node_is(n, "Resize") || node_is(n, "Upsample"))
        return resize_work(g, n);
    return n->op->in_max == OP_ANY ? n->in_count : 1;
}

// Takes it from the budget where it fits.
static bool affordable(const struct graph *g, const struct node *n, struct fold *fold)
{
    size_t bytes = fold->bytes;
    double out = 0, cost;

    for (int i = 0; i < n->out_count; i++) {
        const struct value *v = n->out[i] == GRAPH_NONE ? NULL : &g->values[n->out[i]];

        if (v) {
            out += (double)shape_count(&v->shape);
            bytes += (size_t)shape_count(&v->shape) * nn_type_size(v->type);
        }
    }
    cost = fold->work + out * work(g, n);
    if (bytes > FOLD_MAX_BYTES || cost > FOLD_MAX_WORK)
        return false;
    *fold = (struct fold){bytes, cost};
    return true;
}

// Computes the node now. False: no memory; nothing has changed and the node stays.
static bool evaluate(struct graph *g, struct node *n)
{
    struct tensor *in = mem_new((size_t)n->in_count, sizeof(*in));
    struct tensor *out = mem_new((size_t)n->out_count, sizeof(*out));
    struct tensor **made = mem_new((size_t)n->out_count, sizeof(struct tensor *));
    struct op_call call = {n, g->opset, n->in_count, n->out_count, in, out};
    bool ok = true;

    for (int i = 0; i < n->in_count; i++)
        if (node_in(g, n, i)) {
            in[i].type = in_type(g, n, i);
            in[i].shape = *in_shape(g, n, i);
            in[i].data = in_constant(g, n, i) ? in_constant(g, n, i)->data : NULL;
        }
    for (int i = 0; i < n->out_count; i++)
        if (n->out[i] != GRAPH_NONE) {
            const struct value *v = &g->values[n->out[i]];

            made[i] = tensor_create(v->type, &v->shape);
            ok = ok && made[i];
            if (made[i])
                out[i] = *made[i];
        }
    if (ok && n->op->run)
        n->op->run(&call);
    for (int i = 0; i < n->out_count; i++) {
        if (ok && made[i])
            graph_set_constant(g, n->out[i], made[i]);
        else
            tensor_destroy(&made[i]);
    }
    mem_free(in);
    mem_free(out);
    mem_free(made);
    return ok;
}

bool pass_infer(struct graph *g)
{
    struct fold fold = {0};

    if (!graph_sort(g))
        return false;
    for (int i = 0; i < g->order_count; i++) {
        struct node *n = &g->nodes[g->order[i]];

        if (!shape_values_known(g, n) || !n->op->infer(g, n))
            return false;
        if (inputs_constant(g, n) && affordable(g, n, &fold) && evaluate(g, n))
            n->removed = true;
    }
    return graph_sort(g);
}

static int *same_values(const struct graph *g, int room)
{
    int *map = mem_new((size_t)(g->value_count + room), sizeof(*map));

    for (int i = 0; i < g->value_count + room; i++)
        map[i] = i;
    return map;
}

// value -> Cast -> new value. Returns the new one.
static int add_cast(struct graph *g, int value, enum nn_type type)
{
    int out = graph_add_value(g, g->values[value].name);
    struct node *n = graph_add_node(g, op_find("Cast"), g->values[value].name, &value, 1, &out, 1);

    node_set_int(n, "to", type == NN_FLOAT16 ? 10 : 1);
    return out;
}

static void widen_constant(struct graph *g, int value)
{
    const struct tensor *half = g->values[value].constant;
    struct tensor *t = tensor_create(NN_FLOAT32, &half->shape);

    for (int64_t i = 0, n = t ? tensor_count(t) : 0; i < n; i++)
        ((float *)t->data)[i] = half_to_float(((const uint16_t *)half->data)[i]);
    if (t)
        graph_set_constant(g, value, t);
}

void pass_widen(struct graph *g)
{
    int values = g->value_count, nodes = g->node_count;
    int *halves = mem_new((size_t)(g->input_count + nodes), sizeof(*halves)), count = 0, *map,
        *reads;

    for (int i = 0; i < values; i++)
        if (g->values[i].constant && g->values[i].type == NN_FLOAT16)
            widen_constant(g, i);
    for (int i = 0; i < g->input_count; i++)
        if (g->values[g->inputs[i]].type == NN_FLOAT16)
            halves[count++] = g->inputs[i];
    for (int i = 0; i < nodes; i++)
        if (node_is(&g->nodes[i], "Cast") && node_int(&g->nodes[i], "to", 0) == 10 &&
            g->nodes[i].out[0] != GRAPH_NONE)
            halves[count++] = g->nodes[i].out[0];
    map = same_values(g, count);
    reads = mem_new((size_t)count, sizeof(*reads));
    for (int i = 0; i < count; i++) {
        reads[i] = g->node_count;
        map[halves[i]] = add_cast(g, halves[i], NN_FLOAT32);
    }
    graph_replace(g, map);
    for (int i = 0; i < count; i++) // the casts themselves read the half
        g->nodes[reads[i]].in[0] = halves[i];
    mem_free(reads);
    mem_free(map);
    mem_free(halves);
}

bool pass_narrow(struct graph *g, const enum nn_type *types)
{
    bool changed = false;

    for (int i = 0; i < g->output_count; i++) {
        struct value *v = &g->values[g->outputs[i]];

        if (types[i] != NN_FLOAT16 || v->type != NN_FLOAT32)
            continue;
        g->outputs[i] = add_cast(g, g->outputs[i], NN_FLOAT16);
        changed = true;
    }
    return !changed || pass_infer(g);
}
