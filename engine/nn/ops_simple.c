// Element-wise operators in plain C.
#include <math.h>
#include <string.h>

#include "engine/nn/op.h"

void run_copy(const struct op_call *c)
{
    if (c->out->data != c->in[0].data)
        memcpy(c->out->data, c->in[0].data, tensor_bytes(c->out));
}

void run_dropout(const struct op_call *c)
{
    run_copy(c);
    if (c->out_count > 1 && c->out[1].data)
        memset(c->out[1].data, 1, tensor_bytes(&c->out[1]));
}

// What a unary operator is, with its numbers read once a call.
struct unary {
    double (*f)(double x, double a, double b);
    double a, b;
};

static double f_abs(double x, double a, double b)
{
    return fabs(x);
}

static double f_ceil(double x, double a, double b)
{
    return ceil(x);
}

static double f_floor(double x, double a, double b)
{
    return floor(x);
}

static double f_round(double x, double a, double b)
{
    return nearbyint(x); // halves to even, the default rounding
}

static double f_elu(double x, double a, double b)
{
    return x < 0 ? a * expm1(x) : x;
}

static double f_erf(double x, double a, double b)
{
    return erf(x);
}

static double f_exp(double x, double a, double b)
{
    return exp(x);
}

static double f_gelu(double x, double a, double b)
{
    return 0.5 * x * (1 + erf(x * M_SQRT1_2));
}

static double f_gelu_tanh(double x, double a, double b)
{
    return 0.5 * x * (1 + tanh(0.5 * M_2_SQRTPI * M_SQRT2 * (x + 0.044715 * x * x * x)));
}

static double f_hard_sigmoid(double x, double a, double b)
{
    double y = a * x + b;

    return y < 0 ? 0 : y > 1 ? 1 : y;
}

static double f_hard_swish(double x, double a, double b)
{
    return x * f_hard_sigmoid(x, 1.0 / 6, 0.5);
}

static double f_leaky(double x, double a, double b)
{
    return x < 0 ? a * x : x;
}

static double f_log(double x, double a, double b)
{
    return log(x);
}

static double f_neg(double x, double a, double b)
{
    return -x;
}

static double f_not(double x, double a, double b)
{
    return x == 0;
}

static double f_reciprocal(double x, double a, double b)
{
    return 1 / x;
}

static double f_relu(double x, double a, double b)
{
    return x < 0 ? 0 : x; // NaN stays
}

static double f_sigmoid(double x, double a, double b)
{
    return 1 / (1 + exp(-x));
}

static double f_softplus(double x, double a, double b)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double f_sqrt(double x, double a, double b)
{
    return sqrt(x);
}

static double f_tanh(double x, double a, double b)
{
    return tanh(x);
}

static struct unary unary_of(const struct node *n)
{
    static const struct {
        const char *name;
        double (*f)(double, double, double);
        float a, b; // defaults of alpha and beta
    } table[] = {
        {"Abs", f_abs, 0, 0},
        {"Ceil", f_ceil, 0, 0},
        {"Elu", f_elu, 1, 0},
        {"Erf", f_erf, 0, 0},
        {"Exp", f_exp, 0, 0},
        {"Floor", f_floor, 0, 0},
        {"Gelu", f_gelu, 0, 0},
        {"HardSigmoid", f_hard_sigmoid, 0.2f, 0.5f},
        {"HardSwish", f_hard_swish, 0, 0},
        {"LeakyRelu", f_leaky, 0.01f, 0},
        {"Log", f_log, 0, 0},
        {"Neg", f_neg, 0, 0},
        {"Not", f_not, 0, 0},
        {"Reciprocal", f_reciprocal, 0, 0},
        {"Relu", f_relu, 0, 0},
        {"Round", f_round, 0, 0},
        {"Sigmoid", f_sigmoid, 0, 0},
        {"Softplus", f_softplus, 0, 0},
        {"Sqrt", f_sqrt, 0, 0},
        {"Tanh", f_tanh, 0, 0},
    };
    struct unary u = {f_abs, 0, 0};

    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (!strcmp(table[i].name, n->op->name))
            u = (struct unary){table[i].f, (double)node_float(n, "alpha", table[i].a),
                               (double)node_float(n, "beta", table[i].b)};
    if (u.f == f_gelu && !strcmp(node_string(n, "approximate", "none"), "tanh"))
        u.f = f_gelu_tanh;
    return u;
}

static void put_number(struct tensor *t, int64_t i, double v)
{
    switch (t->type) {
    case NN_FLOAT32:
        ((float *)t->data)[i] = (float)v;
        break;
    case NN_FLOAT16:
        ((uint16_t *)t->data)[i] = half_from_float((float)v);
        break;
    case NN_INT32:
        ((int32_t *)t->data)[i] = (int32_t)v;
        break;
    case NN_INT64:
        ((int64_t *)t->data)[i] = (int64_t)v;
        break;
    case NN_BOOL:
        ((uint8_t *)t->data)[i] = v != 0;
        break;
    case NN_UINT8:
    case NN_INT8:
        ((uint8_t *)t->data)[i] = (uint8_t)(int)v;
        break;
    }
}

// INT64 that no double can hold, through the few operators that shape arithmetic knows.
static bool run_unary_int(const struct op_call *c, int64_t count)
{
    bool neg = !strcmp(c->node->op->name, "Neg"), abs = !strcmp(c->node->op->name, "Abs");
    const int64_t *x = c->in[0].data;
    int64_t *y = c->out->data;

    if (c->out->type != NN_INT64 || !(neg || abs))
        return false;
    for (int64_t i = 0; i < count; i++)
        y[i] = neg || x[i] < 0 ? (int64_t)(0 - (uint64_t)x[i]) : x[i];
    return true;
}

void run_unary(const struct op_call *c)
{
    struct unary u = unary_of(c->node);
    int64_t count = tensor_count(c->out);

    if (run_unary_int(c, count))
        return;
    for (int64_t i = 0; i < count; i++)
        put_number(c->out, i, u.f(tensor_number(&c->in[0], i), u.a, u.b));
}

// Walks over `shape` with one offset an operand; offset[k] counts elements of operand k.
struct walk {
    const struct nn_shape *shape;
    int64_t step[3][NN_MAX_RANK], at[NN_MAX_RANK], offset[3];
};

static void walk_init(struct walk *w, const struct nn_shape *shape, const struct tensor *in,
                      int count)
{
    *w = (struct walk){.shape = shape};
    for (int k = 0; k < count; k++)
        shape_steps(&in[k].shape, shape, w->step[k]);
}

static void walk_next(struct walk *w)
{
    for (int i = w->shape->rank - 1; i >= 0; i--) {
        for (int k = 0; k < 3; k++)
            w->offset[k] += w->step[k][i];
        if (++w->at[i] < w->shape->dims[i])
            return;
        for (int k = 0; k < 3; k++)
            w->offset[k] -= w->step[k][i] * w->shape->dims[i];
        w->at[i] = 0;
    }
}

static int64_t int_power(int64_t base, int64_t exponent)
{
    uint64_t result = 1, factor = (uint64_t)base;

    if (exponent < 0)
        return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
    for (; exponent; exponent >>= 1, factor *= factor)
        result *= exponent & 1 ? factor : 1;
    return (int64_t)result;
}

// Wraps round as two's complement does. Division by zero gives 0: the file is hostile, and C would
// stop.
static int64_t int_binary(char op, int64_t a, int64_t b)
{
    switch (op) {
    case 'A':
        return (int64_t)((uint64_t)a + (uint64_t)b);
    case 'S':
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case 'M':
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case 'D':
        return b == 0 ? 0 : b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
    case '<':
        return a < b ? a : b;
    case '>':
        return a > b ? a : b;
    default:
        return int_power(a, b);
    }
}

static float float_binary(char op, float a, float b)
{
    switch (op) {
    case 'A':
        return a + b;
    case 'S':
        return a - b;
    case 'M':
        return a * b;
    case 'D':
        return a / b;
    case '<':
        return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
    case '>':
        return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
    default:
        return powf(a, b);
    }
}

static void put_int(struct tensor *t, int64_t i, int64_t v)
{
    switch (t->type) {
    case NN_INT64:
        ((int64_t *)t->data)[i] = v;
        break;
    case NN_INT32:
        ((int32_t *)t->data)[i] = (int32_t)v;
        break;
    default:
        ((uint8_t *)t->data)[i] = (uint8_t)v;
        break;
    }
}

static char letter(const struct node *n)
{
    if (!strcmp(n->op->name, "Min"))
        return '<';
    if (!strcmp(n->op->name, "Max"))
        return '>';
    if (!strcmp(n->op->name, "Sum"))
        return 'A';
    return n->op->name[0]; // Add, Sub, Mul, Div, Pow
}

// y = op(a, b), the three over y's shape
static void combine(char op, const struct tensor *a, const struct tensor *b, struct tensor *y)
{
    struct tensor in[2] = {*a, *b};
    int64_t count = tensor_count(y);
    struct walk w;

    walk_init(&w, &y->shape, in, 2);
    for (int64_t i = 0; i < count; i++, walk_next(&w)) {
        if (a->type == NN_FLOAT32 && b->type == NN_FLOAT32)
            ((float *)y->data)[i] = float_binary(op, ((const float *)a->data)[w.offset[0]],
                                                 ((const float *)b->data)[w.offset[1]]);
        else if (a->type == NN_FLOAT32 || b->type == NN_FLOAT32) // Pow of mixed types
            put_number(y, i, pow(tensor_number(a, w.offset[0]), tensor_number(b, w.offset[1])));
        else
            put_int(y, i, int_binary(op, tensor_int(a, w.offset[0]), tensor_int(b, w.offset[1])));
    }
}

void run_binary(const struct op_call *c)
{
    combine(letter(c->node), &c->in[0], &c->in[1], c->out);
}

void run_variadic(const struct op_call *c)
{
    char op = letter(c->node);
    int64_t count = tensor_count(c->out);
    struct walk w;

    walk_init(&w, &c->out->shape, c->in, 1);
    for (int64_t i = 0; i < count; i++, walk_next(&w)) {
        if (c->out->type == NN_FLOAT32)
            ((float *)c->out->data)[i] = ((const float *)c->in[0].data)[w.offset[0]];
        else
            put_int(c->out, i, tensor_int(&c->in[0], w.offset[0]));
    }
    for (int k = 1; k < c->in_count; k++)
        combine(op, c->out, &c->in[k], c->out);
}

// -1, 0, 1; 2: not comparable
static int order(const struct tensor *a, int64_t i, const struct tensor *b, int64_t k)
{
    if (a->type == NN_FLOAT32) {
        float x = ((const float *)a->data)[i], y = ((const float *)b->data)[k];

        return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2;
    }
    return (tensor_int(a, i) > tensor_int(b, k)) - (tensor_int(a, i) < tensor_int(b, k));
}

void run_compare(const struct op_call *c)
{
    const char *name = c->node->op->name;
    bool equal = !strcmp(name, "Equal") || strstr(name, "OrEqual"),
         less = !strncmp(name, "Less", 4);
    bool greater = !strncmp(name, "Greater", 7);
    int64_t count = tensor_count(c->out);
    struct walk w;

    walk_init(&w, &c->out->shape, c->in, 2);
    for (int64_t i = 0; i < count; i++, walk_next(&w)) {
        int o = order(&c->in[0], w.offset[0], &c->in[1], w.offset[1]);

        ((uint8_t *)c->out->data)[i] =
            (o == 0 && equal) || (o == -1 && less) || (o == 1 && greater);
    }
}

void run_where(const struct op_call *c)
{
    size_t size = nn_type_size(c->out->type);
    int64_t count = tensor_count(c->out);
    struct walk w;

    walk_init(&w, &c->out->shape, c->in, 3);
    for (int64_t i = 0; i < count; i++, walk_next(&w)) {
        int from = ((const uint8_t *)c->in[0].data)[w.offset[0]] ? 1 : 2;

        memcpy((char *)c->out->data + (size_t)i * size,
               (const char *)c->in[from].data + (size_t)w.offset[from] * size, size);
    }
}

// Out of range or not a number: the nearest there is, 0 for not a number. C leaves it undefined.
static int64_t to_int(double v, double low, double high)
{
    if (isnan(v))
        return 0;
    if (v <= low)
        return (int64_t)low;
    return v >= high ? (high >= 0x1p63 ? INT64_MAX : (int64_t)high) : (int64_t)v;
}

static int64_t float_to_int(double v, enum nn_type type)
{
    switch (type) {
    case NN_INT32:
        return to_int(v, INT32_MIN, INT32_MAX);
    case NN_INT64:
        return to_int(v, -0x1p63, 0x1p63);
    default:
        return to_int(v, -0x1p31, 0x1p31); // 8 bits: what the low bits say, as most do
    }
}

void run_cast(const struct op_call *c)
{
    const struct tensor *x = &c->in[0];
    bool from_float = x->type == NN_FLOAT32 || x->type == NN_FLOAT16;
    bool to_float = c->out->type == NN_FLOAT32 || c->out->type == NN_FLOAT16;
    int64_t count = tensor_count(c->out);

    for (int64_t i = 0; i < count; i++) {
        if (to_float || c->out->type == NN_BOOL)
            put_number(c->out, i, tensor_number(x, i));
        else if (from_float)
            put_int(c->out, i, float_to_int(tensor_number(x, i), c->out->type));
        else
            put_int(c->out, i, tensor_int(x, i));
    }
}

void run_clip(const struct op_call *c)
{
    const struct tensor *low = c->in_count > 1 && c->in[1].data ? &c->in[1] : NULL;
    const struct tensor *high = c->in_count > 2 && c->in[2].data ? &c->in[2] : NULL;
    int64_t count = tensor_count(c->out);

    for (int64_t i = 0; i < count; i++) {
        if (c->out->type == NN_FLOAT32) {
            float v = ((const float *)c->in[0].data)[i];

            v = low && v < *(const float *)low->data ? *(const float *)low->data : v;
            v = high && v > *(const float *)high->data ? *(const float *)high->data : v;
            ((float *)c->out->data)[i] = v;
        } else {
            int64_t v = tensor_int(&c->in[0], i);

            v = low && v < tensor_int(low, 0) ? tensor_int(low, 0) : v;
            v = high && v > tensor_int(high, 0) ? tensor_int(high, 0) : v;
            put_int(c->out, i, v);
        }
    }
}

void run_prelu(const struct op_call *c)
{
    const float *x = c->in[0].data, *slope = c->in[1].data;
    int64_t count = tensor_count(c->out);
    struct walk w;

    walk_init(&w, &c->out->shape, c->in, 2);
    for (int64_t i = 0; i < count; i++, walk_next(&w)) {
        float v = x[w.offset[0]];

        ((float *)c->out->data)[i] = v < 0 ? v * slope[w.offset[1]] : v;
    }
}
