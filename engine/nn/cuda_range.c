#include "engine/nn/cuda_range.h"

#include <math.h>
#include <stddef.h>

#include "base/mem.h"
#include "engine/nn/op.h"

static bool is_one_of(const struct node *n, const char *const *names)
{
    while (*names && !node_is(n, *names))
        names++;
    return *names != NULL;
}

// A power that makes large numbers small.
static bool is_root(const struct graph *g, const struct node *n)
{
    const struct tensor *exponent = node_is(n, "Pow") ? in_constant(g, n, 1) : NULL;

    return exponent && exponent->type == NN_FLOAT32 && tensor_count(exponent) == 1 &&
           fabs(tensor_number(exponent, 0)) < 1;
}

static bool grows(const struct graph *g, const struct node *n)
{
    static const char *const names[] = {"Exp", "Pow", "ReduceSum", NULL};

    return (is_one_of(n, names) && !is_root(g, n)) || (node_is(n, "Mul") && n->in[0] == n->in[1]);
}

// Whatever it reads, its result is of ordinary size, or a library's.
static bool settles(const struct graph *g, const struct node *n, const bool *wide)
{
    static const char *const names[] = {"Conv",
                                        "ConvTranspose",
                                        "Erf",
                                        "Gemm",
                                        "HardSigmoid",
                                        "InstanceNormalization",
                                        "LayerNormalization",
                                        "Log",
                                        "LogSoftmax",
                                        "MatMul",
                                        "Sigmoid",
                                        "Softmax",
                                        "Sqrt",
                                        "Tanh",
                                        NULL};

    return is_one_of(n, names) || is_root(g, n) || (node_is(n, "Div") && wide[n->in[1]]);
}

bool *cuda_range_wide(const struct graph *g)
{
    bool *wide = mem_new((size_t)g->value_count, sizeof(*wide));

    for (int i = 0; i < g->order_count; i++) {
        const struct node *n = &g->nodes[g->order[i]];
        bool now = grows(g, n);

        for (int k = 0; k < n->in_count; k++)
            now = now || (n->in[k] != GRAPH_NONE && wide[n->in[k]]);
        now = now && !settles(g, n, wide);
        for (int k = 0; k < n->out_count; k++)
            if (n->out[k] != GRAPH_NONE)
                wide[n->out[k]] = now;
    }
    for (int i = 0; i < g->output_count; i++)
        wide[g->outputs[i]] = true;
    return wide;
}
