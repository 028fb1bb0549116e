// Shapes of Conv, ConvTranspose and the pools.
#include <string.h>

#include "engine/nn/op.h"

// Nor does a window have more places.
#define KERNEL_MAX (INT64_C(1) << 24)
// Larger attributes are no network; smaller ones keep every product below 2^63.
#define ATTRIBUTE_MAX (1 << 20)

// `count` integers of attribute `name`, or the fallback where it is absent.
static bool list(const struct node *n, const char *name, int count, int64_t fallback, int64_t min,
                 int64_t *out)
{
    int have;
    const int64_t *ints = node_ints(n, name, &have);

    if (ints && have != count)
        return false;
    for (int i = 0; i < count; i++) {
        out[i] = ints ? ints[i] : fallback;
        if (out[i] < min || out[i] > ATTRIBUTE_MAX)
            return false;
    }
    return true;
}

// Size of the window's footprint.
static int64_t reach(const struct window *w, int i)
{
    return (w->kernel[i] - 1) * w->dilation[i] + 1;
}

static bool forward_size(struct window *w, int i, const char *auto_pad, bool ceil_mode)
{
    int64_t padded, total;

    if (!strncmp(auto_pad, "SAME", 4)) {
        w->out[i] = (w->in[i] + w->stride[i] - 1) / w->stride[i];
        total = (w->out[i] - 1) * w->stride[i] + reach(w, i) - w->in[i];
        total = total > 0 ? total : 0;
        w->begin[i] = !strcmp(auto_pad, "SAME_LOWER") ? total - total / 2 : total / 2;
        w->end[i] = total - w->begin[i];
        return true;
    }
    if (!strcmp(auto_pad, "VALID"))
        w->begin[i] = w->end[i] = 0;
    padded = w->in[i] + w->begin[i] + w->end[i] - reach(w, i);
    if (padded < 0)
        return false;
    w->out[i] = padded / w->stride[i] + 1;
    if (ceil_mode && padded % w->stride[i]) {
        // a window that would start in the end padding is none
        if (w->out[i] * w->stride[i] < w->in[i] + w->begin[i])
            w->out[i]++;
    }
    return true;
}

static bool transpose_size(struct window *w, int i, const char *auto_pad, int64_t output_padding,
                           int64_t asked)
{
    int64_t full = w->stride[i] * (w->in[i] - 1) + output_padding + reach(w, i), total;

    if (!strncmp(auto_pad, "SAME", 4) && asked < 0)
        asked = w->in[i] * w->stride[i];
    if (!strcmp(auto_pad, "VALID"))
        w->begin[i] = w->end[i] = 0;
    if (asked < 0) {
        w->out[i] = full - w->begin[i] - w->end[i];
        return w->out[i] > 0;
    }
    total = full > asked ? full - asked : 0;
    w->out[i] = asked;
    w->begin[i] = !strcmp(auto_pad, "SAME_UPPER") ? total / 2 : total - total / 2;
    w->end[i] = total - w->begin[i];
    return asked > 0;
}

bool window_resolve(const struct node *n, const struct nn_shape *x, const int64_t *kernel,
                    bool transpose, struct window *out, const char **out_reason)
{
    const char *auto_pad = node_string(n, "auto_pad", "NOTSET");
    struct window w = {.spatial = x->rank - 2};
    int64_t places = 1;
    int64_t pads[2 * WINDOW_MAX], output_padding[WINDOW_MAX], asked[WINDOW_MAX];
    int s = w.spatial;

    *out_reason = "its input is not a picture of 1 to 3 spatial dimensions";
    if (s < 1 || s > WINDOW_MAX)
        return false;
    *out_reason = "strides, dilations, pads or kernel_shape do not fit its input";
    w.group = node_int(n, "group", 1);
    if (!list(n, "kernel_shape", s, kernel ? 1 : 0, 1, w.kernel) ||
        !list(n, "strides", s, 1, 1, w.stride) || !list(n, "dilations", s, 1, 1, w.dilation) ||
        !list(n, "pads", 2 * s, 0, 0, pads) ||
        !list(n, "output_padding", s, 0, 0, output_padding) ||
        !list(n, "output_shape", s, -1, -1, asked) || w.group < 1)
        return false;
    for (int i = 0; i < s; i++) {
        places *= kernel ? kernel[i] : w.kernel[i];
        if (places > KERNEL_MAX)
            return false;
        if (kernel && (kernel[i] < 1 || kernel[i] > ATTRIBUTE_MAX ||
                       (node_attribute(n, "kernel_shape") && w.kernel[i] != kernel[i])))
            return false;
        w.in[i] = x->dims[2 + i];
        w.kernel[i] = kernel ? kernel[i] : w.kernel[i];
        w.begin[i] = pads[i];
        w.end[i] = pads[s + i];
        if (w.in[i] < 1)
            return false;
        if (transpose ? !transpose_size(&w, i, auto_pad, output_padding[i], asked[i])
                      : !forward_size(&w, i, auto_pad, node_int(n, "ceil_mode", 0) != 0))
            return false;
    }
    *out = w;
    return true;
}

static bool infer_windowed(struct graph *g, struct node *n, bool transpose)
{
    const struct nn_shape *x = in_shape(g, n, 0), *w = in_shape(g, n, 1);
    struct nn_shape shape = *x;
    struct window win;
    const char *reason;
    int64_t outputs;

    if (!expect_type(g, n, 0, TYPES_FLOAT) || !expect_type(g, n, 1, TYPES_FLOAT))
        return false;
    if (x->rank != w->rank)
        return node_fail(g, n, "input and weights have %d and %d dimensions", x->rank, w->rank);
    if (!window_resolve(n, x, w->dims + 2, transpose, &win, &reason))
        return node_fail(g, n, "%s", reason);
    if (transpose ? w->dims[0] != x->dims[1] || x->dims[1] % win.group
                  : w->dims[1] > x->dims[1] / win.group || w->dims[1] * win.group != x->dims[1] ||
                        w->dims[0] % win.group)
        return node_fail(g, n, "the weights' channels do not fit the input's");
    if (transpose && w->dims[1] > TENSOR_MAX_ELEMENTS / win.group)
        return node_fail(g, n, "it has too many channels");
    outputs = transpose ? w->dims[1] * win.group : w->dims[0];
    if (node_in(g, n, 2) && (in_shape(g, n, 2)->rank != 1 || in_shape(g, n, 2)->dims[0] != outputs))
        return node_fail(g, n, "the bias has not one value a channel");
    shape.dims[1] = outputs;
    for (int i = 0; i < win.spatial; i++)
        shape.dims[2 + i] = win.out[i];
    return set_out(g, n, 0, NN_FLOAT32, &shape);
}

bool infer_conv(struct graph *g, struct node *n)
{
    return infer_windowed(g, n, false);
}

bool infer_conv_transpose(struct graph *g, struct node *n)
{
    return infer_windowed(g, n, true);
}

bool infer_pool(struct graph *g, struct node *n)
{
    struct nn_shape shape = *in_shape(g, n, 0);
    struct window win;
    const char *reason;
    unsigned types = TYPES_FLOAT;

    if (!strcmp(n->op->name, "MaxPool"))
        types |= 1u << NN_UINT8 | 1u << NN_INT8;
    if (!expect_type(g, n, 0, types))
        return false;
    if (!window_resolve(n, &shape, NULL, false, &win, &reason))
        return node_fail(g, n, "%s", reason);
    for (int i = 0; i < win.spatial; i++)
        shape.dims[2 + i] = win.out[i];
    return set_out(g, n, 0, in_type(g, n, 0), &shape) && set_out(g, n, 1, NN_INT64, &shape);
}

bool infer_global_pool(struct graph *g, struct node *n)
{
    struct nn_shape shape = *in_shape(g, n, 0);

    if (!expect_type(g, n, 0, TYPES_FLOAT))
        return false;
    if (shape.rank < 2 || shape_span(&shape, 2, shape.rank) < 1)
        return node_fail(g, n, "its input is not a picture");
    for (int i = 2; i < shape.rank; i++)
        shape.dims[i] = 1;
    return set_out(g, n, 0, NN_FLOAT32, &shape);
}
