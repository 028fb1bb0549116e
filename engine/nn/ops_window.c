// Convolutions and pools in plain C: the oracle. Pictures have one to three spatial dimensions;
// missing ones are of size 1, so that one loop nest serves all.
#include <math.h>
#include <string.h>

#include "engine/nn/op.h"

// A window with exactly three spatial dimensions.
static struct window window_of(const struct op_call *c, bool weighted, bool transpose)
{
    struct window w, full = {.spatial = 3};
    const char *reason;

    window_resolve(c->node, &c->in[0].shape, weighted ? c->in[1].shape.dims + 2 : NULL, transpose,
                   &w, &reason);
    full.group = w.group;
    for (int i = 0; i < 3; i++) {
        int from = i - (3 - w.spatial);

        full.in[i] = from < 0 ? 1 : w.in[from];
        full.out[i] = from < 0 ? 1 : w.out[from];
        full.kernel[i] = from < 0 ? 1 : w.kernel[from];
        full.stride[i] = from < 0 ? 1 : w.stride[from];
        full.dilation[i] = from < 0 ? 1 : w.dilation[from];
        full.begin[i] = from < 0 ? 0 : w.begin[from];
        full.end[i] = from < 0 ? 0 : w.end[from];
    }
    return full;
}

// Adds kernel * x for one input and one output channel. x: [in], y: [out], kernel: [kernel].
static void add_channel(const struct window *w, const float *x, const float *kernel, float *y)
{
    const int64_t *in = w->in, *out = w->out;

    for (int64_t kd = 0; kd < w->kernel[0]; kd++)
        for (int64_t kh = 0; kh < w->kernel[1]; kh++)
            for (int64_t kw = 0; kw < w->kernel[2]; kw++, kernel++)
                for (int64_t od = 0; od < out[0]; od++) {
                    int64_t id = od * w->stride[0] + kd * w->dilation[0] - w->begin[0];

                    if (id < 0 || id >= in[0])
                        continue;
                    for (int64_t oh = 0; oh < out[1]; oh++) {
                        int64_t ih = oh * w->stride[1] + kh * w->dilation[1] - w->begin[1];
                        float *row = y + (od * out[1] + oh) * out[2];
                        int64_t iw = kw * w->dilation[2] - w->begin[2];

                        if (ih < 0 || ih >= in[1])
                            continue;
                        for (int64_t ow = 0; ow < out[2]; ow++, iw += w->stride[2])
                            if (iw >= 0 && iw < in[2])
                                row[ow] += *kernel * x[(id * in[1] + ih) * in[2] + iw];
                    }
                }
}

static void fill_bias(const struct op_call *c, int64_t channel, float *y, int64_t count)
{
    const float *bias = c->in_count > 2 ? c->in[2].data : NULL;

    for (int64_t i = 0; i < count; i++)
        y[i] = bias ? bias[channel] : 0;
}

void run_conv(const struct op_call *c)
{
    struct window w = window_of(c, true, false);
    const struct nn_shape *ws = &c->in[1].shape;
    int64_t inputs = ws->dims[1], outputs = ws->dims[0],
            kernel = w.kernel[0] * w.kernel[1] * w.kernel[2];
    int64_t in = w.in[0] * w.in[1] * w.in[2], out = w.out[0] * w.out[1] * w.out[2];
    const float *x = c->in[0].data, *weights = c->in[1].data;
    float *y = c->out->data;

    for (int64_t n = 0; n < c->in[0].shape.dims[0]; n++)
        for (int64_t o = 0; o < outputs; o++) {
            int64_t group = o / (outputs / w.group);
            float *to = y + (n * outputs + o) * out;

            fill_bias(c, o, to, out);
            for (int64_t i = 0; i < inputs; i++)
                add_channel(&w, x + ((n * w.group + group) * inputs + i) * in,
                            weights + (o * inputs + i) * kernel, to);
        }
}

// The transpose of add_channel: x is spread over y.
static void spread_channel(const struct window *w, const float *x, const float *kernel, float *y)
{
    const int64_t *in = w->in, *out = w->out;

    for (int64_t kd = 0; kd < w->kernel[0]; kd++)
        for (int64_t kh = 0; kh < w->kernel[1]; kh++)
            for (int64_t kw = 0; kw < w->kernel[2]; kw++, kernel++)
                for (int64_t id = 0; id < in[0]; id++) {
                    int64_t od = id * w->stride[0] + kd * w->dilation[0] - w->begin[0];

                    if (od < 0 || od >= out[0])
                        continue;
                    for (int64_t ih = 0; ih < in[1]; ih++) {
                        int64_t oh = ih * w->stride[1] + kh * w->dilation[1] - w->begin[1];
                        const float *row = x + (id * in[1] + ih) * in[2];
                        int64_t ow = kw * w->dilation[2] - w->begin[2];

                        if (oh < 0 || oh >= out[1])
                            continue;
                        for (int64_t iw = 0; iw < in[2]; iw++, ow += w->stride[2])
                            if (ow >= 0 && ow < out[2])
                                y[(od * out[1] + oh) * out[2] + ow] += *kernel * row[iw];
                    }
                }
}

void run_conv_transpose(const struct op_call *c)
{
    struct window w = window_of(c, true, true);
    const struct nn_shape *ws = &c->in[1].shape;
    int64_t inputs = ws->dims[0] / w.group, outputs = ws->dims[1];
    int64_t kernel = w.kernel[0] * w.kernel[1] * w.kernel[2];
    int64_t in = w.in[0] * w.in[1] * w.in[2], out = w.out[0] * w.out[1] * w.out[2];
    const float *x = c->in[0].data, *weights = c->in[1].data;
    float *y = c->out->data;

    for (int64_t n = 0; n < c->in[0].shape.dims[0]; n++)
        for (int64_t g = 0; g < w.group; g++)
            for (int64_t o = 0; o < outputs; o++) {
                int64_t channel = g * outputs + o;
                float *to = y + (n * w.group * outputs + channel) * out;

                fill_bias(c, channel, to, out);
                for (int64_t i = 0; i < inputs; i++) {
                    int64_t from = g * inputs + i;

                    spread_channel(&w, x + (n * w.group * inputs + from) * in,
                                   weights + (from * outputs + o) * kernel, to);
                }
            }
}

// What a window sees of one channel.
struct seen {
    double max, sum;
    int64_t argmax;         // in the channel
    int64_t inside, padded; // elements of the picture; of the picture and its stated padding
};

// read: element i of the channel
static struct seen look(const struct window *w, const struct tensor *x, int64_t channel,
                        const int64_t *o)
{
    struct seen s = {.max = -INFINITY, .argmax = -1};
    int64_t size = w->in[0] * w->in[1] * w->in[2], p[3];

    for (int64_t k = 0; k < w->kernel[0] * w->kernel[1] * w->kernel[2]; k++) {
        int64_t tap[3] = {k / (w->kernel[1] * w->kernel[2]), k / w->kernel[2] % w->kernel[1],
                          k % w->kernel[2]};
        bool inside = true, padded = true;
        double v;

        for (int i = 0; i < 3; i++) {
            p[i] = o[i] * w->stride[i] + tap[i] * w->dilation[i] - w->begin[i];
            inside = inside && p[i] >= 0 && p[i] < w->in[i];
            padded = padded && p[i] < w->in[i] + w->end[i];
        }
        s.padded += padded;
        if (!inside)
            continue;
        v = tensor_number(x, channel * size + (p[0] * w->in[1] + p[1]) * w->in[2] + p[2]);
        if (s.inside++ == 0 || v > s.max) {
            s.max = v;
            s.argmax = (p[0] * w->in[1] + p[1]) * w->in[2] + p[2];
        }
        s.sum += v;
    }
    return s;
}

static void put_max(const struct op_call *c, const struct window *w, int64_t channel, int64_t i,
                    const int64_t *o)
{
    struct seen s = look(w, &c->in[0], channel, o);
    int64_t size = w->in[0] * w->in[1] * w->in[2];

    if (c->out[0].type == NN_FLOAT32)
        ((float *)c->out[0].data)[i] = (float)s.max;
    else // an 8-bit window always sees something of the picture, or keeps the smallest
        ((uint8_t *)c->out[0].data)[i] = (uint8_t)(s.inside                    ? (int)s.max
                                                   : c->out[0].type == NN_INT8 ? -128
                                                                               : 0);
    if (c->out_count < 2 || !c->out[1].data)
        return;
    if (node_int(c->node, "storage_order", 0) && s.argmax >= 0) {
        int64_t d = s.argmax / (w->in[1] * w->in[2]), h = s.argmax / w->in[2] % w->in[1];

        s.argmax = d + w->in[0] * (h + w->in[1] * (s.argmax % w->in[2]));
    }
    ((int64_t *)c->out[1].data)[i] = channel * size + s.argmax;
}

typedef void put(const struct op_call *c, const struct window *w, int64_t channel, int64_t i,
                 const int64_t *o);

static void each_window(const struct op_call *c, put *put_one)
{
    struct window w = window_of(c, false, false);
    int64_t channels = c->in[0].shape.dims[0] * c->in[0].shape.dims[1], i = 0, o[3];

    for (int64_t channel = 0; channel < channels; channel++)
        for (o[0] = 0; o[0] < w.out[0]; o[0]++)
            for (o[1] = 0; o[1] < w.out[1]; o[1]++)
                for (o[2] = 0; o[2] < w.out[2]; o[2]++, i++)
                    put_one(c, &w, channel, i, o);
}

void run_max_pool(const struct op_call *c)
{
    each_window(c, put_max);
}

static void put_average(const struct op_call *c, const struct window *w, int64_t channel, int64_t i,
                        const int64_t *o)
{
    struct seen s = look(w, &c->in[0], channel, o);
    int64_t count = node_int(c->node, "count_include_pad", 0) ? s.padded : s.inside;

    ((float *)c->out->data)[i] = count ? (float)(s.sum / (double)count) : 0;
}

void run_average_pool(const struct op_call *c)
{
    each_window(c, put_average);
}

void run_global_pool(const struct op_call *c)
{
    const struct nn_shape *s = &c->in[0].shape;
    int64_t channels = s->dims[0] * s->dims[1], size = shape_span(s, 2, s->rank);
    bool max = !strcmp(c->node->op->name, "GlobalMaxPool");
    const float *x = c->in[0].data;

    for (int64_t i = 0; i < channels; i++, x += size) {
        double sum = 0, most = -INFINITY;

        for (int64_t k = 0; k < size; k++) {
            sum += (double)x[k];
            most = (double)x[k] > most ? (double)x[k] : most;
        }
        ((float *)c->out->data)[i] = (float)(max ? most : sum / (double)size);
    }
}
