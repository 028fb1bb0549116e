#include "engine/nn/activation.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "engine/nn/op.h"

static bool clip_limit(const struct graph *g, const struct node *n, int i, float fallback,
                       float *out)
{
    const struct tensor *t = in_constant(g, n, i);

    *out = t ? (float)tensor_number(t, 0) : fallback;
    return t || !node_in(g, n, i);
}

enum activation activation_of(const struct graph *g, const struct node *n, float *a, float *b)
{
    static const struct {
        const char *name;
        enum activation activation;
        float alpha, beta; // defaults
    } table[] = {
        {"Relu", ACTIVATION_RELU, 0, 0},
        {"LeakyRelu", ACTIVATION_LEAKY, 0.01f, 0},
        {"Sigmoid", ACTIVATION_SIGMOID, 0, 0},
        {"Tanh", ACTIVATION_TANH, 0, 0},
        {"Elu", ACTIVATION_ELU, 1, 0},
        {"HardSwish", ACTIVATION_HARDSWISH, 0, 0},
        {"HardSigmoid", ACTIVATION_HARDSIGMOID, 0.2f, 0.5f},
        {"Gelu", ACTIVATION_GELU, 0, 0},
    };

    if (in_type(g, n, 0) != NN_FLOAT32)
        return ACTIVATION_NONE;
    if (!strcmp(n->op->name, "Clip"))
        return clip_limit(g, n, 1, -FLT_MAX, a) && clip_limit(g, n, 2, FLT_MAX, b)
                   ? ACTIVATION_CLIP
                   : ACTIVATION_NONE;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        if (strcmp(table[i].name, n->op->name) != 0)
            continue;
        *a = node_float(n, "alpha", table[i].alpha);
        *b = node_float(n, "beta", table[i].beta);
        if (table[i].activation == ACTIVATION_GELU &&
            !strcmp(node_string(n, "approximate", "none"), "tanh"))
            return ACTIVATION_GELU_TANH;
        return table[i].activation;
    }
    return ACTIVATION_NONE;
}

float activation_apply(const struct node *n, float x)
{
    float y;

    switch (n->activation) {
    case ACTIVATION_NONE:
        return x;
    case ACTIVATION_RELU:
        return x < 0 ? 0 : x;
    case ACTIVATION_LEAKY:
        return x < 0 ? n->a * x : x;
    case ACTIVATION_CLIP:
        x = x < n->a ? n->a : x;
        return x > n->b ? n->b : x;
    case ACTIVATION_SIGMOID:
        return 1 / (1 + expf(-x));
    case ACTIVATION_TANH:
        return tanhf(x);
    case ACTIVATION_ELU:
        return x < 0 ? n->a * expm1f(x) : x;
    case ACTIVATION_GELU:
        return 0.5f * x * (1 + erff(x * (float)M_SQRT1_2));
    case ACTIVATION_GELU_TANH:
        return 0.5f * x * (1 + tanhf(0.797884560802865f * (x + 0.044715f * x * x * x)));
    case ACTIVATION_SWISH:
        return x / (1 + expf(-x));
    case ACTIVATION_HARDSWISH:
        y = x / 6 + 0.5f;
        return x * (y < 0 ? 0 : y > 1 ? 1 : y);
    case ACTIVATION_HARDSIGMOID:
        y = n->a * x + n->b;
        return y < 0 ? 0 : y > 1 ? 1 : y;
    }
    return x;
}
