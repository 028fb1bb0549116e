#include "engine/original/original.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "engine/nn/onnx.h"
#include "engine/nn/onnx_write.h"
#include "engine/original/mean.h"
#include "engine/original/params.h"
#include "kernels/select.h"

#define CH SELECT_CHANNELS
// Where a network's answer of fully connected layers becomes a picture again.
#define TOP_HEIGHT 5
#define TOP_WIDTH 12

enum kind {
    CONV,   // weight [out][in][kernel][kernel], bias [out]
    DECONV, // weight [in][out][kernel][kernel], bias [out]
    FULL,   // weight [out][in], bias [out]
    NORM,   // gamma, beta [in]; auxiliary moving_mean, moving_inv_var [in]
};

struct layer {
    const char *name;
    enum kind kind;
    int in, out, kernel;
};

// All layers with parameters: 52 arrays and 8 auxiliary ones.
static const struct layer layers[] = {
    {"conv1_1", CONV, 3, 64, 3},
    {"conv2_1", CONV, 64, 128, 3},
    {"conv3_1", CONV, 128, 256, 3},
    {"conv3_2", CONV, 256, 256, 3},
    {"conv4_1", CONV, 256, 512, 3},
    {"conv4_2", CONV, 512, 512, 3},
    {"conv5_1", CONV, 512, 512, 3},
    {"conv5_2", CONV, 512, 512, 3},
    {"fc6", FULL, 512 * TOP_HEIGHT *TOP_WIDTH, 512, 0},
    {"fc7", FULL, 512, 512, 0},
    {"pred5", FULL, 512, CH *TOP_HEIGHT *TOP_WIDTH, 0},
    {"bn_pool1", NORM, 64, 64, 0},
    {"bn_pool2", NORM, 128, 128, 0},
    {"bn_pool3", NORM, 256, 256, 0},
    {"bn_pool4", NORM, 512, 512, 0},
    {"pred1", CONV, 64, CH, 3},
    {"pred2", CONV, 128, CH, 3},
    {"pred3", CONV, 256, CH, 3},
    {"pred4", CONV, 512, CH, 3},
    {"deconv_pred1", DECONV, CH, CH, 1},
    {"deconv_pred2", DECONV, CH, CH, 4},
    {"deconv_pred3", DECONV, CH, CH, 8},
    {"deconv_pred4", DECONV, CH, CH, 16},
    {"deconv_pred5", DECONV, CH, CH, 32},
    {"deconv_predup", DECONV, CH, CH, 4},
    {"convolution0", CONV, CH, CH, 3},
};
#define LAYERS ((int)(sizeof(layers) / sizeof(*layers)))

// An import on its way.
struct work {
    const char *path;
    struct params_file file;
    struct onnx_writer *onnx;
    int used; // arrays of the file that belong to a layer
};

// --- arrays

static bool shape_is(const struct params_array *a, int rank, const int64_t *dims)
{
    return a->rank == rank && memcmp(a->dims, dims, (size_t)rank * sizeof(*dims)) == 0;
}

static const char *dims_text(int rank, const int64_t *dims, char *text, size_t size)
{
    size_t used = 0;

    text[0] = '\0';
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, i ? ", %" PRId64 : "%" PRId64, dims[i]);
    return text;
}

// Newer programs that could not read the original's statistics renamed and misread them.
static bool is_port(const struct work *w, const char *layer)
{
    char name[64];

    snprintf(name, sizeof(name), "%s_moving_var", layer);
    return params_find(&w->file, name, true) || params_find(&w->file, name, false);
}

static void say_missing(const struct work *w, const char *name, const struct layer *layer)
{
    if (layer->kind == NORM && is_port(w, layer->name))
        log_error(
            "%s: it has %s_moving_var in place of %s: a port of Deep3D wrote it, and took the "
            "original's inverse deviations for variances; import the original "
            "deep3d-0050.params",
            w->path, layer->name, name);
    else
        log_error("%s: array %s is missing among its %d: not the published Deep3D, or one of "
                  "another symbol (network); import the original deep3d-0050.params",
                  w->path, name, w->file.count);
}

// The values of layer's array name_suffix, which has this shape. NULL, logged.
static float *read_array(struct work *w, const struct layer *layer, const char *suffix,
                         bool auxiliary, int rank, const int64_t *dims)
{
    char *name = mem_printf("%s_%s", layer->name, suffix), is[160], want[160];
    const struct params_array *a = params_find(&w->file, name, auxiliary);
    float *values = NULL;

    if (!a) {
        say_missing(w, name, layer);
    } else if (!shape_is(a, rank, dims)) {
        log_error("%s: array %s has the shape (%s), not (%s): a network of another symbol; import "
                  "the original deep3d-0050.params",
                  w->path, name, dims_text(a->rank, a->dims, is, sizeof(is)),
                  dims_text(rank, dims, want, sizeof(want)));
    } else if (!(values = mem_try_block(a->count * sizeof(*values)))) {
        log_error("%s: no memory for array %s", w->path, name);
    } else if (!params_floats(a, values)) {
        log_error("%s: array %s holds what is no number; the file is damaged", w->path, name);
        mem_free(values);
        values = NULL;
    }
    w->used += values != NULL;
    mem_free(name);
    return values;
}

// Reads an array and puts it into the model under its own name.
static bool add_array(struct work *w, const struct layer *layer, const char *suffix, int rank,
                      const int64_t *dims)
{
    float *values = read_array(w, layer, suffix, false, rank, dims);
    char *name;

    if (!values)
        return false;
    name = mem_printf("%s_%s", layer->name, suffix);
    onnx_writer_floats(w->onnx, name, rank, dims, values);
    mem_free(name);
    return true;
}

// y = gamma * (x - mean) * inverse deviation + beta, as a factor and an offset for each channel. No
// variance is made of the inverse deviation: nothing is lost, and none can become negative.
static bool add_norm(struct work *w, const struct layer *layer)
{
    int64_t dims[] = {layer->in}, channel_dims[] = {layer->in, 1, 1};
    float *factor = read_array(w, layer, "gamma", false, 1, dims);
    float *offset = factor ? read_array(w, layer, "beta", false, 1, dims) : NULL;
    float *mean = offset ? read_array(w, layer, "moving_mean", true, 1, dims) : NULL;
    float *inverse = mean ? read_array(w, layer, "moving_inv_var", true, 1, dims) : NULL;
    char *name;

    for (int i = 0; inverse && i < layer->in; i++) {
        factor[i] *= inverse[i];
        offset[i] = (float)(offset[i] - (double)mean[i] * factor[i]);
    }
    mem_free(mean);
    if (!inverse) {
        mem_free(factor);
        mem_free(offset);
        return false;
    }
    mem_free(inverse);
    name = mem_printf("%s_factor", layer->name);
    onnx_writer_floats(w->onnx, name, 3, channel_dims, factor);
    mem_free(name);
    name = mem_printf("%s_offset", layer->name);
    onnx_writer_floats(w->onnx, name, 3, channel_dims, offset);
    mem_free(name);
    return true;
}

static bool add_layer(struct work *w, const struct layer *l)
{
    int64_t first = l->kind == DECONV ? l->in : l->out, second = l->kind == DECONV ? l->out : l->in;

    if (l->kind == NORM)
        return add_norm(w, l);
    return add_array(w, l, "weight", l->kind == FULL ? 2 : 4,
                     (int64_t[]){first, second, l->kernel, l->kernel}) &&
           add_array(w, l, "bias", 1, (int64_t[]){l->out});
}

// False, logged, where the file holds more than the layers.
static bool all_used(const struct work *w)
{
    if (w->used == w->file.count)
        return true;
    log_error("%s: it holds %d arrays and Deep3D has %d: a network of another symbol; import the "
              "original deep3d-0050.params",
              w->path, w->file.count, w->used);
    return false;
}

// --- the graph

// A node with the parameters of the layer that it is named after.
static void add_layer_node(struct work *w, const char *op, const char *input, const char *layer)
{
    char *weight = mem_printf("%s_weight", layer), *bias = mem_printf("%s_bias", layer);

    onnx_writer_node(w->onnx, op, (const char *[4]){input, weight, bias}, layer);
    mem_free(weight);
    mem_free(bias);
}

static void add_node(struct work *w, const char *op, const char *input, const char *output)
{
    onnx_writer_node(w->onnx, op, (const char *[4]){input}, output);
}

static void add_square(struct work *w, int64_t kernel, int64_t stride, int64_t pad)
{
    onnx_writer_attribute_ints(w->onnx, "kernel_shape", 2, (int64_t[]){kernel, kernel});
    onnx_writer_attribute_ints(w->onnx, "strides", 2, (int64_t[]){stride, stride});
    onnx_writer_attribute_ints(w->onnx, "pads", 4, (int64_t[]){pad, pad, pad, pad});
}

static void add_conv(struct work *w, const char *input, const char *layer, const char *relu)
{
    add_layer_node(w, "Conv", input, layer);
    add_square(w, 3, 1, 1);
    if (relu)
        add_node(w, "Relu", layer, relu);
}

static void add_pool(struct work *w, const char *input, const char *output)
{
    add_node(w, "MaxPool", input, output);
    add_square(w, 2, 2, 0);
}

// Twice the stride is the kernel's size, but for the one that enlarges nothing.
static void add_deconv(struct work *w, const char *input, const char *layer, int64_t stride)
{
    add_layer_node(w, "ConvTranspose", input, layer);
    add_square(w, stride > 1 ? 2 * stride : 1, stride, stride / 2);
}

static void add_full(struct work *w, const char *input, const char *layer, const char *relu)
{
    add_layer_node(w, "Gemm", input, layer);
    onnx_writer_attribute_int(w->onnx, "transB", 1);
    if (relu)
        add_node(w, "Relu", layer, relu);
}

// input -> pool1..pool5
static void add_backbone(struct work *w, const char *input)
{
    add_conv(w, input, "conv1_1", "relu1_1");
    add_pool(w, "relu1_1", "pool1");
    add_conv(w, "pool1", "conv2_1", "relu2_1");
    add_pool(w, "relu2_1", "pool2");
    add_conv(w, "pool2", "conv3_1", "relu3_1");
    add_conv(w, "relu3_1", "conv3_2", "relu3_2");
    add_pool(w, "relu3_2", "pool3");
    add_conv(w, "pool3", "conv4_1", "relu4_1");
    add_conv(w, "relu4_1", "conv4_2", "relu4_2");
    add_pool(w, "relu4_2", "pool4");
    add_conv(w, "pool4", "conv5_1", "relu5_1");
    add_conv(w, "relu5_1", "conv5_2", "relu5_2");
    add_pool(w, "relu5_2", "pool5");
}

// pool5 -> pred5_relu. Dropout is the identity outside training.
static void add_top(struct work *w)
{
    add_node(w, "Flatten", "pool5", "flatten");
    add_full(w, "flatten", "fc6", "relu6");
    add_full(w, "relu6", "fc7", "relu7");
    add_full(w, "relu7", "pred5", NULL);
    onnx_writer_ints(w->onnx, "top_shape", 4, (int64_t[]){1, CH, TOP_HEIGHT, TOP_WIDTH});
    onnx_writer_node(w->onnx, "Reshape", (const char *[4]){"pred5", "top_shape"}, "pred5_maps");
    add_node(w, "Relu", "pred5_maps", "pred5_relu");
}

// pool_i -> bn_pool_i -> pred_i -> pred_i_relu
static void add_branch(struct work *w, int i)
{
    char pool[16], norm[24], scaled[24], factor[24], offset[24], pred[16], relu[24];

    snprintf(pool, sizeof(pool), "pool%d", i);
    snprintf(norm, sizeof(norm), "bn_pool%d", i);
    snprintf(scaled, sizeof(scaled), "bn_pool%d_scaled", i);
    snprintf(factor, sizeof(factor), "bn_pool%d_factor", i);
    snprintf(offset, sizeof(offset), "bn_pool%d_offset", i);
    snprintf(pred, sizeof(pred), "pred%d", i);
    snprintf(relu, sizeof(relu), "pred%d_relu", i);
    onnx_writer_node(w->onnx, "Mul", (const char *[4]){pool, factor}, scaled);
    onnx_writer_node(w->onnx, "Add", (const char *[4]){scaled, offset}, norm);
    add_conv(w, norm, pred, relu);
}

// pred1_relu..pred5_relu, enlarged to half the picture's size and added up -> feat_relu
static void add_sum(struct work *w)
{
    char sum[16] = "";

    for (int i = 1; i <= 5; i++) {
        char relu[24], deconv[24], next[16];

        snprintf(relu, sizeof(relu), "pred%d_relu", i);
        snprintf(deconv, sizeof(deconv), "deconv_pred%d", i);
        snprintf(next, sizeof(next), "sum%d", i);
        add_deconv(w, relu, deconv, (int64_t)1 << (i - 1));
        if (i > 1)
            onnx_writer_node(w->onnx, "Add",
                             (const char *[4]){i > 2 ? sum : "deconv_pred1", deconv}, next);
        memcpy(sum, next, sizeof(sum));
    }
    add_node(w, "Relu", sum, "feat_relu");
}

static void add_graph(struct work *w, struct mean *mean)
{
    const char *picture = "image";

    onnx_writer_input(w->onnx, picture, 4, (int64_t[]){1, MEAN_PLANES, MEAN_HEIGHT, MEAN_WIDTH});
    if (mean->values) {
        onnx_writer_floats(w->onnx, "mean", 4,
                           (int64_t[]){1, MEAN_PLANES, mean->height, mean->width}, mean->values);
        mean->values = NULL; // the writer's now
        onnx_writer_node(w->onnx, "Sub", (const char *[4]){picture, "mean"}, "left");
        picture = "left";
    }
    add_backbone(w, picture);
    for (int i = 1; i <= 4; i++)
        add_branch(w, i);
    add_top(w);
    add_sum(w);
    add_deconv(w, "feat_relu", "deconv_predup", 2);
    add_node(w, "Relu", "deconv_predup", "predup_relu");
    add_conv(w, "predup_relu", "convolution0", NULL);
    add_node(w, "Softmax", "convolution0", "distribution");
    onnx_writer_attribute_int(w->onnx, "axis", 1);
    onnx_writer_output(w->onnx, "distribution", 4, (int64_t[]){1, CH, MEAN_HEIGHT, MEAN_WIDTH});
}

// What a player must know; engine/model.h says what the keys mean.
static void add_metadata(struct work *w)
{
    static const char *const metadata[][2] = {
        {"deep3d.name", "Deep3D (2016)"},
        {"deep3d.output", "distribution"},
        {"deep3d.levels", "original"},
        {"deep3d.order", "BGR"},
        {"deep3d.mean", "0"},
        {"deep3d.scale", "0.00392156862745098"}, // 1 / 255: values stay 0..255
    };

    for (size_t i = 0; i < sizeof(metadata) / sizeof(*metadata); i++)
        onnx_writer_metadata(w->onnx, metadata[i][0], metadata[i][1]);
}

static bool convert(struct work *w, struct mean *mean)
{
    for (int i = 0; i < LAYERS; i++)
        if (!add_layer(w, &layers[i]))
            return false;
    if (!all_used(w))
        return false;
    add_graph(w, mean);
    add_metadata(w);
    return true;
}

static bool save(const struct work *w, const char *path)
{
    struct output_file *file = output_file_create(path);

    if (!file)
        return false;
    onnx_writer_save(w->onnx, output_file_stream(file));
    return output_file_commit(&file);
}

// A file that is something else of Deep3D's: the graph, or the ONNX model made of it.
static bool check_kind(const char *path, const void *bytes, size_t size)
{
    if (size > 0 && *(const char *)bytes == '{') {
        log_error("%s: this is a symbol, the description of a network; the weights are in "
                  "deep3d-0050.params",
                  path);
        return false;
    }
    return true;
}

bool original_import(const struct original_params *params)
{
    struct work w = {.path = params->input};
    struct mean mean = {0};
    size_t size = 0;
    void *bytes = NULL;
    bool ok = false;

    if (output_file_same(params->input, params->output) ||
        (params->mean && output_file_same(params->mean, params->output))) {
        log_error("%s is both read and written; name another output", params->output);
        return false;
    }
    w.onnx = onnx_writer_create("Deep3D");
    if ((!params->mean || mean_read(params->mean, &mean)) &&
        (bytes = onnx_read_file(params->input, &size)) != NULL)
        ok = check_kind(params->input, bytes, size) &&
             params_parse(bytes, size, params->input, &w.file) && convert(&w, &mean) &&
             save(&w, params->output);
    onnx_writer_destroy(&w.onnx);
    params_finish(&w.file);
    mem_free(mean.values);
    mem_free(bytes);
    return ok;
}
