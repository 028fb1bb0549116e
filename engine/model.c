#include "engine/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "kernels/select.h"

#define SIDE_MAX 4096
// Shapes further from square than this are squeezed into it.
#define ASPECT_MAX 4.0
// The part of its sides that an input loses in each step.
#define SMALLER (1 / 6.0)

static bool read_int(const struct nn_model *model, const char *path, const char *key, int least,
                     int most, int *value)
{
    const char *text = nn_model_metadata(model, key);
    char *end;

    if (text == NULL)
        return true;
    long number = strtol(text, &end, 10);
    if (end == text || *end != '\0' || number < least || number > most) {
        log_error("%s: metadata %s is \"%s\", not a number from %d to %d", path, key, text, least,
                  most);
        return false;
    }
    *value = (int)number;
    return true;
}

// One number for all planes, or three.
static bool read_three(const struct nn_model *model, const char *path, const char *key,
                       float value[3])
{
    const char *text = nn_model_metadata(model, key), *at = text;
    int count = 0;

    if (text == NULL)
        return true;
    while (count < 3 && at != NULL) {
        char *end;
        at += strspn(at, " ,[]()");
        if (*at == '\0')
            break;
        float number = strtof(at, &end);
        if (end == at || !isfinite(number))
            break;
        value[count++] = number;
        at = end;
    }
    if ((count != 1 && count != 3) || at[strspn(at, " ,[]()")] != '\0') {
        log_error("%s: metadata %s is \"%s\", not one number or three", path, key, text);
        return false;
    }
    if (count == 1)
        value[1] = value[2] = value[0];
    return true;
}

static bool read_planes(const struct nn_model *model, const char *path, bool described,
                        struct model_traits *t)
{
    float mean[3] = {0, 0, 0}, scale[3] = {1, 1, 1};
    static const float imagenet_mean[3] = {0.485f, 0.456f, 0.406f},
                       imagenet_scale[3] = {0.229f, 0.224f, 0.225f};
    const char *order = nn_model_metadata(model, "deep3d.order");

    if (!described) {
        memcpy(mean, imagenet_mean, sizeof(mean));
        memcpy(scale, imagenet_scale, sizeof(scale));
    }
    if (!read_three(model, path, "deep3d.mean", mean) ||
        !read_three(model, path, "deep3d.scale", scale))
        return false;
    if (order != NULL && strcmp(order, "RGB") != 0 && strcmp(order, "BGR") != 0) {
        log_error("%s: metadata deep3d.order is \"%s\", not RGB or BGR", path, order);
        return false;
    }
    for (int i = 0; i < 3; i++) {
        if (scale[i] == 0) {
            log_error("%s: metadata deep3d.scale has a zero", path);
            return false;
        }
        t->channel[i] = order != NULL && order[0] == 'B' ? 2 - i : i;
        t->scale[i] = 1 / (255 * scale[i]);
        t->offset[i] = -mean[i] / scale[i];
    }
    return true;
}

static bool read_input(const struct nn_model *model, const char *path, struct model_traits *t)
{
    struct nn_value_info in = nn_model_input(model, 0);
    int64_t height = in.shape.dims[2], width = in.shape.dims[3];

    if (nn_model_input_count(model) != 1 || in.type != NN_FLOAT32 || in.shape.rank != 4 ||
        (in.shape.dims[0] != 1 && in.shape.dims[0] != -1) ||
        (in.shape.dims[1] != 3 && in.shape.dims[1] != -1)) {
        log_error(
            "%s: not a depth network: its input must be one float32 picture [1][3][height][width]",
            path);
        return false;
    }
    if (!read_int(model, path, "deep3d.input_width", 16, SIDE_MAX, &t->width) ||
        !read_int(model, path, "deep3d.input_height", 16, SIDE_MAX, &t->height) ||
        !read_int(model, path, "deep3d.multiple", 1, 512, &t->multiple))
        return false;
    t->fixed_size = width > 0 || height > 0;
    if (width > SIDE_MAX || height > SIDE_MAX) {
        log_error("%s: its input is larger than %d pixels", path, SIDE_MAX);
        return false;
    }
    t->width = width > 0 ? (int)width : t->width;
    t->height = height > 0 ? (int)height : t->height;
    return true;
}

// What the channels of a distribution stand for.
static bool read_levels(const struct nn_model *model, const char *path, int64_t channels,
                        struct model_traits *t)
{
    const char *levels = nn_model_metadata(model, "deep3d.levels");

    if (levels == NULL)
        return true;
    if (t->output != MODEL_DISTRIBUTION || strcmp(levels, "original") != 0 ||
        channels != SELECT_CHANNELS) {
        log_error("%s: metadata deep3d.levels is \"%s\"; known is only \"original\", of a "
                  "distribution of %d channels",
                  path, levels, SELECT_CHANNELS);
        return false;
    }
    t->output = MODEL_ORIGINAL;
    return true;
}

static bool read_output(const struct nn_model *model, const char *path, const char *kind,
                        struct model_traits *t)
{
    struct nn_value_info out = nn_model_output(model, 0);
    bool levels = out.shape.rank == 4 && out.shape.dims[1] != 1;

    if (kind == NULL)
        t->output = levels && out.shape.dims[1] > 1 ? MODEL_DISTRIBUTION : MODEL_RELATIVE;
    else if (strcmp(kind, "distribution") == 0)
        t->output = MODEL_DISTRIBUTION;
    else if (strcmp(kind, "disparity") == 0 || strcmp(kind, "inverse_depth") == 0)
        t->output = MODEL_RELATIVE;
    else {
        log_error(
            "%s: metadata deep3d.output is \"%s\", not distribution, disparity or inverse_depth",
            path, kind);
        return false;
    }
    if (out.type != NN_FLOAT32 || (out.shape.rank != 3 && out.shape.rank != 4) ||
        (t->output == MODEL_DISTRIBUTION && (!levels || out.shape.rank != 4))) {
        log_error("%s: not a depth network: its output must be float32 [1][levels][h][w], "
                  "[1][1][h][w] or [1][h][w]",
                  path);
        return false;
    }
    return read_levels(model, path, levels ? out.shape.dims[1] : 1, t);
}

static int rounded(double size, int multiple)
{
    int count = (int)(size / multiple + 0.5);

    return (count > 0 ? count : 1) * multiple;
}

bool model_traits_read(const struct nn_model *model, const char *path, struct model_traits *out)
{
    const char *kind = nn_model_metadata(model, "deep3d.output");
    struct model_traits t = {.multiple = 32};
    int patch;

    if (nn_model_output_count(model) < 1 || nn_model_input_count(model) < 1) {
        log_error("%s: not a depth network: it has no input or no output", path);
        return false;
    }
    patch = nn_model_input_patch(model, 0);
    if (t.multiple % patch != 0)
        t.multiple = patch;
    t.width = rounded(384, t.multiple);
    t.height = rounded(224, t.multiple);
    if (kind == NULL)
        log_info("%s: no deep3d metadata; taken for relative inverse depth", path);
    if (!read_input(model, path, &t) || !read_output(model, path, kind, &t) ||
        !read_planes(model, path, kind != NULL, &t))
        return false;
    *out = t;
    return true;
}

void model_input_size(const struct model_traits *t, int picture_width, int picture_height,
                      int smaller, int *out_width, int *out_height)
{
    double aspect = (double)picture_width / picture_height, area = (double)t->width * t->height;
    double own = (double)t->width / t->height, part = 1 - smaller * SMALLER;

    aspect = aspect > ASPECT_MAX ? ASPECT_MAX : aspect < 1 / ASPECT_MAX ? 1 / ASPECT_MAX : aspect;
    *out_width = t->width;
    *out_height = t->height;
    if (t->fixed_size)
        return;
    // a small difference in shape is not worth another size: the default is what the network knows
    // best
    if (aspect >= own * 1.15 || aspect <= own / 1.15) {
        // half way to the picture's shape: networks bear a picture pressed a little better than an
        // input that is very wide or tall
        aspect = sqrt(aspect * own);
        *out_width = rounded(sqrt(area * aspect), t->multiple);
        *out_height = rounded(sqrt(area / aspect), t->multiple);
    }
    *out_width = rounded(*out_width * part, t->multiple);
    *out_height = rounded(*out_height * part, t->multiple);
}
