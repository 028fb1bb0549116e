// Element-wise operators as JOB_MAP.
#include <string.h>

#include "engine/nn/activation.h"
#include "engine/nn/cuda_draft.h"
#include "engine/nn/cuda_form.h"
#include "engine/nn/cuda_walk.h"

// The result lies as the first input of its rank that has channels last.
static bool wants_last(struct cuda *c, const int *in, int count, int out)
{
    int rank = c->graph->values[out].shape.rank;

    for (int i = 0; i < count; i++) {
        const struct value *v = in[i] == GRAPH_NONE ? NULL : &c->graph->values[in[i]];

        if (v && !v->constant && v->shape.rank == rank && c->forms[in[i]] && c->forms[in[i]]->last)
            return true;
    }
    return false;
}

bool cuda_map_values(struct cuda *c, const struct node *n, struct job_map map, const int *in,
                     int count, int out)
{
    const struct nn_shape *shape = &c->graph->values[out].shape;
    struct cuda_draft d = cuda_draft(n, JOB_MAP);
    struct cuda_form made = {.type = cuda_type(c, out), .last = wants_last(c, in, count, out)};

    d.job.u.map = map;
    made.buffer = cuda_make(c, out, made.type, made.last);
    cuda_bind_form(c, &d, 0, out, &made, shape);
    for (int i = 0; i < count; i++) {
        const struct cuda_form *form = in[i] == GRAPH_NONE ? NULL : cuda_form(c, in[i]);

        if (in[i] != GRAPH_NONE && !form)
            return false;
        if (form)
            cuda_bind_form(c, &d, 1 + i, in[i], form, shape);
    }
    cuda_tidy(&d.job, 0, d.job.rank, 0);
    cuda_count(&d.job, d.job.rank);
    return cuda_add(c, n, &d, false);
}

static enum nn_type in_kind(const struct cuda *c, const struct node *n, int i)
{
    return c->graph->values[n->in[i]].type;
}

// More than two operands, from the left: each after the second joins the result where it lies.
static bool compile_variadic(struct cuda *c, const struct node *n, struct job_map map)
{
    int out = n->out[0], pair[2] = {out, GRAPH_NONE};
    struct job_map copy = {.function = MAP_COPY, .integers = map.integers};
    const struct nn_shape *shape = &c->graph->values[out].shape;

    if (!cuda_map_values(c, n, n->in_count > 1 ? map : copy, n->in, n->in_count > 1 ? 2 : 1, out))
        return false;
    for (int i = 2; i < n->in_count; i++) {
        const struct cuda_form *made = c->forms[out], *form = cuda_form(c, n->in[i]);
        struct cuda_draft d = cuda_draft(n, JOB_MAP);

        if (!form)
            return false;
        pair[1] = n->in[i];
        d.job.u.map = map;
        cuda_bind_form(c, &d, 0, pair[0], made, shape);
        cuda_bind_form(c, &d, 1, pair[0], made, shape);
        cuda_bind_form(c, &d, 2, pair[1], form, shape);
        cuda_tidy(&d.job, 0, d.job.rank, 0);
        cuda_count(&d.job, d.job.rank);
        if (!cuda_add(c, n, &d, false))
            return false;
    }
    return true;
}

// Dropout's second result: nothing is dropped.
static bool compile_mask(struct cuda *c, const struct node *n)
{
    struct job_map ones = {.function = MAP_FILL_ONE, .integers = true};

    return n->out_count < 2 || n->out[1] == GRAPH_NONE ||
           cuda_map_values(c, n, ones, NULL, 0, n->out[1]);
}

// A vector of single precision, one number a channel: `function` of vectors.
static int vector(struct cuda *c, const struct node *n, struct job_map map, int count,
                  const int *buffers, int operands, bool now)
{
    struct cuda_draft d = cuda_draft(n, JOB_MAP);

    d.job.u.map = map;
    d.job.rank = 1;
    d.job.dims[0] = count;
    d.buffers[0] = cuda_buffer(c, (size_t)count * sizeof(float), now);
    for (int t = 0; t <= operands; t++) {
        if (t)
            d.buffers[t] = buffers[t - 1];
        d.job.t[t].type = NN_FLOAT32;
        d.job.t[t].step[0] = 1;
        if (d.buffers[t] == GRAPH_NONE)
            return GRAPH_NONE;
    }
    cuda_count(&d.job, 1);
    return cuda_add(c, n, &d, now) ? d.buffers[0] : GRAPH_NONE;
}

// y = x factor + offset, both made of the four vectors first.
static bool compile_batch_norm(struct cuda *c, const struct node *n)
{
    int scale[5], count = (int)c->graph->values[n->in[1]].shape.dims[0], inverse, factor, minus;
    const struct nn_shape *shape = &c->graph->values[n->out[0]].shape;
    const struct cuda_form *x = cuda_form(c, n->in[0]);
    struct cuda_form made = {.type = cuda_type(c, n->out[0])};
    struct cuda_draft d = cuda_draft(n, JOB_MAP);
    bool now = true;

    for (int i = 1; i < 5; i++) {
        scale[i] = cuda_want(c, n->in[i], NN_FLOAT32, false);
        now = now && c->graph->values[n->in[i]].constant;
        if (scale[i] == GRAPH_NONE)
            return false;
    }
    inverse = vector(
        c, n,
        (struct job_map){.function = MAP_INVERSE_DEVIATION, .a = node_float(n, "epsilon", 1e-5f)},
        count, &scale[4], 1, now);
    factor = vector(c, n, (struct job_map){.function = MAP_MUL}, count, (int[]){scale[1], inverse},
                    2, now);
    minus = vector(c, n, (struct job_map){.function = MAP_NEG}, count, &scale[3], 1, now);
    d.buffers[2] = factor;
    d.buffers[3] = vector(c, n, (struct job_map){.function = MAP_MULTIPLY_ADD}, count,
                          (int[]){minus, factor, scale[2]}, 3, now);
    if (!x || d.buffers[3] == GRAPH_NONE)
        return false;
    made.last = x->last;
    made.buffer = cuda_make(c, n->out[0], made.type, made.last);
    d.job.u.map.function = MAP_MULTIPLY_ADD;
    cuda_bind_form(c, &d, 0, n->out[0], &made, shape);
    cuda_bind_form(c, &d, 1, n->in[0], x, shape);
    for (int t = 2; t < 4; t++) {
        d.job.t[t].type = NN_FLOAT32;
        d.job.t[t].step[1] = 1;
    }
    cuda_tidy(&d.job, 0, d.job.rank, 0);
    cuda_count(&d.job, d.job.rank);
    return cuda_add(c, n, &d, false);
}

// Which function a node is; false: none.
static bool function_of(const struct cuda *c, const struct node *n, struct job_map *out)
{
    static const struct {
        const char *name;
        enum job_function function;
    } table[] = {
        {"Abs", MAP_ABS},
        {"Add", MAP_ADD},
        {"Cast", MAP_COPY},
        {"Ceil", MAP_CEIL},
        {"Clip", MAP_CLAMP},
        {"Div", MAP_DIV},
        {"Dropout", MAP_COPY},
        {"Equal", MAP_EQUAL},
        {"Erf", MAP_ERF},
        {"Exp", MAP_EXP},
        {"Expand", MAP_COPY},
        {"Floor", MAP_FLOOR},
        {"Greater", MAP_GREATER},
        {"GreaterOrEqual", MAP_GREATER_EQUAL},
        {"Less", MAP_LESS},
        {"LessOrEqual", MAP_LESS_EQUAL},
        {"Log", MAP_LOG},
        {"Max", MAP_MAX},
        {"Min", MAP_MIN},
        {"Mul", MAP_MUL},
        {"Neg", MAP_NEG},
        {"Not", MAP_NOT},
        {"PRelu", MAP_PRELU},
        {"Pow", MAP_POW},
        {"Reciprocal", MAP_RECIPROCAL},
        {"Round", MAP_ROUND},
        {"Softplus", MAP_SOFTPLUS},
        {"Sqrt", MAP_SQRT},
        {"Sub", MAP_SUB},
        {"Sum", MAP_ADD},
        {"Where", MAP_WHERE},
    };
    struct job_map m = {0};

    m.activation = activation_of(c->graph, n, &m.a, &m.b);
    if (node_is(n, "Relu")) // of integers, too
        m.activation = ACTIVATION_RELU;
    m.function = MAP_ACTIVATION;
    *out = m;
    if (m.activation && !node_is(n, "Clip"))
        return true;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (node_is(n, table[i].name)) {
            out->function = table[i].function;
            return true;
        }
    return false;
}

enum cuda_result cuda_compile_simple(struct cuda *c, const struct node *n)
{
    struct job_map map;
    bool ok;

    if (node_is(n, "BatchNormalization"))
        return compile_batch_norm(c, n) ? CUDA_DONE : CUDA_FAILED;
    if (n->in_count < 1 || n->in[0] == GRAPH_NONE || !function_of(c, n, &map))
        return CUDA_NOT_OURS;
    map.integers = !cuda_is_float(in_kind(c, n, n->in_count > 1 && map.function == MAP_WHERE));
    if (map.function == MAP_POW)
        map.integers = map.integers && !cuda_is_float(in_kind(c, n, 1));
    if (map.function == MAP_COPY) // integers stay exact; from and to floats goes through floats
        map.integers = map.integers && !cuda_is_float(c->graph->values[n->out[0]].type);
    if (node_is(n, "Max") || node_is(n, "Min") || node_is(n, "Sum"))
        ok = compile_variadic(c, n, map);
    else
        ok = cuda_map_values(c, n, map, n->in, map.function == MAP_COPY ? 1 : n->in_count,
                             n->out[0]);
    if (node_is(n, "Dropout"))
        ok = ok && compile_mask(c, n);
    return ok ? CUDA_DONE : CUDA_FAILED;
}
