#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/nn/op.h"
#include "engine/nn/pass.h"

struct match {
    struct graph *g;
    int *producer, *uses,
        *reader; // as of now; nodes and values that are added later are not in them
    int count;   // of values that they know
};

// The node of that name that makes the value, or NULL.
static struct node *made_by(const struct match *m, int value, const char *op)
{
    int index = value == GRAPH_NONE || value >= m->count ? GRAPH_NONE : m->producer[value];

    return index != GRAPH_NONE && node_is(&m->g->nodes[index], op) ? &m->g->nodes[index] : NULL;
}

// The node of that name that alone reads the value, or NULL.
static struct node *read_by(const struct match *m, int value, const char *op)
{
    int index = value == GRAPH_NONE || m->uses[value] != 1 ? GRAPH_NONE : m->reader[value];

    return index != GRAPH_NONE && node_is(&m->g->nodes[index], op) ? &m->g->nodes[index] : NULL;
}

// Input i is a constant number close to v.
static bool is_number(const struct graph *g, const struct node *n, int i, double v)
{
    const struct tensor *t = in_constant(g, n, i);

    return t && t->type == NN_FLOAT32 && tensor_count(t) == 1 &&
           fabs(tensor_number(t, 0) - v) <= 1e-5 * fabs(v);
}

// Of a two-input node: the value that stands beside the constant number v. GRAPH_NONE: there is no
// such.
static int beside_number(const struct graph *g, const struct node *n, double v)
{
    for (int i = 0; i < 2; i++)
        if (is_number(g, n, !i, v))
            return n->in[i];
    return GRAPH_NONE;
}

static int beside_value(const struct node *n, int value)
{
    return n->in[0] == value ? n->in[1] : n->in[1] == value ? n->in[0] : GRAPH_NONE;
}

// Numbers of more dimensions than x has give the result as many; the operators that stand for
// patterns keep x's shape.
static bool keeps_shape(const struct graph *g, int x, int out)
{
    return shape_equal(&g->values[x].shape, &g->values[out].shape);
}

// gelu(x) = x / 2 (1 + erf(x / sqrt 2)), written as x (1 + erf) 0.5 or (0.5 x)(1 + erf).
static void find_gelu(struct match *m, struct node *erf_node)
{
    struct node *inner = made_by(m, erf_node->in[0], "Div"), *add, *product, *half;
    int x = inner && is_number(m->g, inner, 1, M_SQRT2) ? inner->in[0] : GRAPH_NONE, out, other;

    if (!inner) {
        inner = made_by(m, erf_node->in[0], "Mul");
        x = inner ? beside_number(m->g, inner, M_SQRT1_2) : GRAPH_NONE;
    }
    add = x == GRAPH_NONE ? NULL : read_by(m, erf_node->out[0], "Add");
    product = add && beside_number(m->g, add, 1) == erf_node->out[0]
                  ? read_by(m, add->out[0], "Mul")
                  : NULL;
    if (!product)
        return;
    other = beside_value(product, add->out[0]);
    half = made_by(m, other, "Mul");
    if (other == x) {
        half = read_by(m, product->out[0], "Mul");
        if (!half || beside_number(m->g, half, 0.5) != product->out[0])
            return;
        out = half->out[0];
    } else if (half && beside_number(m->g, half, 0.5) == x) {
        out = product->out[0];
        half = NULL;
    } else {
        return;
    }
    if (!keeps_shape(m->g, x, out))
        return;
    if (half)
        half->removed = true;
    product->removed = true;
    graph_add_node(m->g, op_find("Gelu"), erf_node->name, &x, 1, &out, 1);
}

// The mean over the last dimension, kept.
static bool is_last_mean(const struct graph *g, const struct node *n)
{
    const struct tensor *axes = in_constant(g, n, 1);
    int count, rank = in_shape(g, n, 0)->rank;
    const int64_t *ints = node_ints(n, "axes", &count);
    int64_t axis;

    if (!node_int(n, "keepdims", 1) || (axes ? tensor_count(axes) : count) != 1)
        return false;
    axis = axes ? tensor_int(axes, 0) : ints[0];
    return axis == -1 || axis == rank - 1;
}

static bool is_square(const struct match *m, int value, int of)
{
    const struct node *pow_node = made_by(m, value, "Pow"), *mul = made_by(m, value, "Mul");

    return (pow_node && pow_node->in[0] == of && is_number(m->g, pow_node, 1, 2)) ||
           (mul && mul->in[0] == of && mul->in[1] == of);
}

// A constant line of `count` numbers, whatever its leading ones.
static bool is_line(const struct graph *g, int value, int64_t count)
{
    const struct tensor *t = value == GRAPH_NONE ? NULL : g->values[value].constant;

    return t && t->type == NN_FLOAT32 && t->shape.rank == 1 && tensor_count(t) == count;
}

// (x - mean) / sqrt(mean((x - mean)^2) + epsilon) scale + bias
static void find_layer_norm(struct match *m, struct node *div)
{
    struct graph *g = m->g;
    const struct node *sub = made_by(m, div->in[0], "Sub"), *root = made_by(m, div->in[1], "Sqrt");
    const struct node *mean = sub ? made_by(m, sub->in[1], "ReduceMean") : NULL;
    const struct node *add = root ? made_by(m, root->in[0], "Add") : NULL, *variance = NULL;
    struct node *mul = read_by(m, div->out[0], "Mul"), *last, *norm;
    const struct tensor *epsilon = NULL;
    int in[3], out;

    for (int i = 0; i < 2 && add; i++)
        if (in_constant(g, add, !i) && tensor_count(in_constant(g, add, !i)) == 1) {
            epsilon = in_constant(g, add, !i);
            variance = made_by(m, add->in[i], "ReduceMean");
        }
    if (!mean || !variance || !mul || mean->in[0] != sub->in[0] || !is_last_mean(g, mean) ||
        !is_last_mean(g, variance) || !is_square(m, variance->in[0], sub->out[0]))
        return;
    in[0] = sub->in[0];
    in[1] = beside_value(mul, div->out[0]);
    last = read_by(m, mul->out[0], "Add");
    in[2] = last ? beside_value(last, mul->out[0]) : GRAPH_NONE;
    if (!last || !is_line(g, in[1], g->values[in[0]].shape.dims[g->values[in[0]].shape.rank - 1]) ||
        !is_line(g, in[2], tensor_count(g->values[in[1]].constant)))
        return;
    out = last->out[0];
    if (!keeps_shape(g, in[0], out))
        return;
    last->removed = true;
    norm = graph_add_node(g, op_find("LayerNormalization"), div->name, in, 3, &out, 1);
    node_set_float(norm, "epsilon", (float)tensor_number(epsilon, 0));
}

// The value before a Mul or Div by one number, or the same one.
static int without_scale(const struct match *m, int value, double *scale)
{
    const struct graph *g = m->g;
    const struct node *mul = made_by(m, value, "Mul"), *div = made_by(m, value, "Div");
    const struct node *n = mul ? mul : div;

    for (int i = 0; n && i < 2; i++) {
        const struct tensor *number = in_constant(g, n, !i);

        if (!number || number->type != NN_FLOAT32 || tensor_count(number) != 1 || (div && i) ||
            !shape_equal(in_shape(g, n, i), &g->values[value].shape))
            continue;
        *scale *= div ? 1 / tensor_number(number, 0) : tensor_number(number, 0);
        return n->in[i];
    }
    return value;
}

// The product that makes the scores, under a scale and a mask.
static struct node *find_scores(const struct match *m, int value, double *scale, int *mask)
{
    const struct nn_shape *shape = &m->g->values[value].shape;
    struct node *add = m->uses[value] == 1 ? made_by(m, value, "Add") : NULL, *product;

    *mask = GRAPH_NONE;
    for (int i = 0; add && i < 2; i++) {
        int summand = add->in[i], before;

        if (m->uses[summand] != 1 || !shape_equal(&m->g->values[summand].shape, shape))
            continue;
        before = without_scale(m, summand, scale);
        product = made_by(m, before, "MatMul");
        if (product && m->uses[before] == 1) {
            *mask = add->in[!i];
            return product;
        }
        *scale = 1;
    }
    value = m->uses[value] == 1 ? without_scale(m, value, scale) : value;
    return m->uses[value] == 1 ? made_by(m, value, "MatMul") : NULL;
}

static bool is_single(const struct graph *g, int value)
{
    return g->values[value].type == NN_FLOAT32 && shape_count(&g->values[value].shape) > 0;
}

// Same leading dimensions, and two of their own.
static bool stacked_alike(const struct nn_shape *a, const struct nn_shape *b)
{
    return a->rank == b->rank && a->rank >= 2 &&
           !memcmp(a->dims, b->dims, (size_t)(a->rank - 2) * sizeof(*a->dims));
}

// softmax(scale Q K + mask) V, the scale on Q, on K, before or after it is transposed, or on their
// product.
static void find_attention(struct match *m, const struct node *softmax)
{
    struct graph *g = m->g;
    struct node *last = read_by(m, softmax->out[0], "MatMul"), *transpose;
    int64_t axis = node_int(softmax, "axis", g->opset < 13 ? 1 : -1), rank;
    struct node *scores;
    double scale = 1;
    int in[4], out;

    rank = in_shape(g, softmax, 0)->rank;
    if (!last || last->in[0] != softmax->out[0] || (axis != -1 && axis != rank - 1))
        return;
    scores = find_scores(m, softmax->in[0], &scale, &in[3]);
    if (!scores || !stacked_alike(in_shape(g, scores, 0), in_shape(g, scores, 1)) ||
        !stacked_alike(in_shape(g, scores, 0), in_shape(g, last, 1)))
        return;
    in[0] = without_scale(m, scores->in[0], &scale);
    in[1] = without_scale(m, scores->in[1], &scale);
    in[2] = last->in[1];
    transpose =
        in[1] == scores->in[1] && m->uses[in[1]] == 1 ? made_by(m, in[1], "Transpose") : NULL;
    for (int i = 0; i < (in[3] == GRAPH_NONE ? 3 : 4); i++)
        if (!is_single(g, in[i]))
            return;
    if (transpose)
        transpose->in[0] = without_scale(m, transpose->in[0], &scale);
    out = last->out[0];
    last->removed = true;
    node_set_float(graph_add_node(g, op_find("Attention"), softmax->name, in,
                                  in[3] == GRAPH_NONE ? 3 : 4, &out, 1),
                   "scale", (float)scale);
}

bool pass_recognise(struct graph *g, bool attention)
{
    struct match m = {g, graph_find_producers(g), graph_count_uses(g),
                      mem_new((size_t)g->value_count, sizeof(int)), g->value_count};
    int count = g->node_count;

    for (int i = 0; i < count; i++)
        for (int k = 0; k < g->nodes[i].in_count && !g->nodes[i].removed; k++)
            if (g->nodes[i].in[k] != GRAPH_NONE)
                m.reader[g->nodes[i].in[k]] = i;
    for (int i = 0; i < g->output_count; i++) // what the caller reads nobody reads alone
        m.uses[g->outputs[i]]++;
    for (int i = 0; i < count; i++) {
        if (node_is(&g->nodes[i], "Erf"))
            find_gelu(&m, &g->nodes[i]);
        else if (node_is(&g->nodes[i], "Div"))
            find_layer_norm(&m, &g->nodes[i]);
        else if (attention && node_is(&g->nodes[i], "Softmax"))
            find_attention(&m, &g->nodes[i]);
    }
    mem_free(m.producer);
    mem_free(m.uses);
    mem_free(m.reader);
    return graph_sort(g);
}
