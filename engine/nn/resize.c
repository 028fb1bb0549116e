#include "engine/nn/resize.h"

#include <math.h>
#include <string.h>

#define COUNT(a) ((int)(sizeof(a) / sizeof(*(a))))

// Index of text in names. False: not there.
static bool choose(const char *text, const char *const *names, int count, int *out)
{
    for (*out = 0; *out < count; ++*out)
        if (!strcmp(text, names[*out]))
            return true;
    return false;
}

static bool read_modes(const struct node *n, struct resize *r)
{
    static const char *const modes[] = {"nearest", "linear", "cubic"};
    static const char *const coordinates[] = {
        "half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
        "asymmetric", "tf_half_pixel_for_nn", "tf_crop_and_resize"};
    static const char *const roundings[] = {"round_prefer_floor", "round_prefer_ceil", "floor",
                                            "ceil"};
    bool old = !strcmp(n->op->name, "Upsample");
    int mode, coordinate, rounding;

    if (!choose(node_string(n, "mode", "nearest"), modes, COUNT(modes), &mode) ||
        !choose(node_string(n, "coordinate_transformation_mode", old ? "asymmetric" : "half_pixel"),
                coordinates, COUNT(coordinates), &coordinate) ||
        !choose(node_string(n, "nearest_mode", old ? "floor" : "round_prefer_floor"), roundings,
                COUNT(roundings), &rounding))
        return false;
    r->mode = (enum resize_mode)mode;
    r->coordinates = (enum resize_coordinates)coordinate;
    r->rounding = (enum resize_rounding)rounding;
    r->cubic_a = node_float(n, "cubic_coeff_a", -0.75f);
    r->extrapolation = node_float(n, "extrapolation_value", 0);
    r->exclude_outside = node_int(n, "exclude_outside", 0) != 0;
    r->antialias = node_int(n, "antialias", 0) != 0;
    return true;
}

// Axis of entry i of scales, sizes and roi. -1: none such.
static int axis_of(const struct node *n, const struct nn_shape *x, int i)
{
    int count;
    const int64_t *axes = node_ints(n, "axes", &count);
    int64_t axis = count > 0 ? axes[i] : i; // an empty list is none

    axis += axis < 0 ? x->rank : 0;
    return axis >= 0 && axis < x->rank ? (int)axis : -1;
}

static bool apply_scales(const struct node *n, const struct tensor *scales, int count,
                         struct resize *r)
{
    for (int i = 0; i < count; i++) {
        int axis = axis_of(n, &r->in, i);
        float scale = ((const float *)scales->data)[i];
        double part = 1, size;

        if (axis < 0 || !(scale > 0) || !isfinite(scale))
            return false;
        if (r->coordinates == RESIZE_CROP)
            part = r->crop_end[axis] - r->crop_begin[axis];
        size = floor(part == 1 ? (double)((float)r->in.dims[axis] * scale)
                               : (double)r->in.dims[axis] * part * (double)scale);
        if (!(size >= 0) || size > (double)TENSOR_MAX_ELEMENTS)
            return false;
        r->scale[axis] = (double)scale;
        r->out.dims[axis] = (int64_t)size;
    }
    return true;
}

static bool apply_sizes(const struct node *n, const struct tensor *sizes, int count,
                        struct resize *r)
{
    const char *policy = node_string(n, "keep_aspect_ratio_policy", "stretch");
    bool stretch = !strcmp(policy, "stretch"), larger = !strcmp(policy, "not_smaller");
    double common = larger ? 0 : INFINITY;

    for (int i = 0; i < count; i++) {
        int axis = axis_of(n, &r->in, i);
        int64_t size = tensor_int(sizes, i);

        if (axis < 0 || size < 0 || size > TENSOR_MAX_ELEMENTS || r->in.dims[axis] < 1)
            return false;
        r->out.dims[axis] = size;
        r->scale[axis] = (double)size / (double)r->in.dims[axis];
        common = larger ? fmax(common, r->scale[axis]) : fmin(common, r->scale[axis]);
    }
    for (int i = 0; i < count && !stretch; i++) {
        int axis = axis_of(n, &r->in, i);
        double size = floor(common * (double)r->in.dims[axis] + 0.5);

        if (!(size >= 0) || size > (double)TENSOR_MAX_ELEMENTS)
            return false;
        r->scale[axis] = common;
        r->out.dims[axis] = (int64_t)size;
    }
    return true;
}

static bool apply_crop(const struct node *n, const struct tensor *roi, int count, struct resize *r)
{
    if (!roi || roi->type != NN_FLOAT32 || tensor_count(roi) != 2 * count)
        return false;
    for (int i = 0; i < count; i++) {
        int axis = axis_of(n, &r->in, i);

        if (axis < 0)
            return false;
        r->crop_begin[axis] = tensor_number(roi, i);
        r->crop_end[axis] = tensor_number(roi, count + i);
        if (!isfinite(r->crop_begin[axis]) || !isfinite(r->crop_end[axis]))
            return false;
    }
    return true;
}

bool resize_resolve(const struct node *n, const struct nn_shape *x, const struct tensor *roi,
                    const struct tensor *scales, const struct tensor *sizes, struct resize *out,
                    const char **out_reason)
{
    struct resize r = {.in = *x, .out = *x};
    bool scaled = scales && tensor_count(scales) > 0, sized = sizes && tensor_count(sizes) > 0;
    int64_t count = scaled ? tensor_count(scales) : sized ? tensor_count(sizes) : 0;
    int axes_count;

    *out_reason = "its mode is not supported";
    if (!read_modes(n, &r))
        return false;
    *out_reason = "its scales, sizes, roi and axes do not fit its input";
    if (scaled == sized || (scaled && scales->type != NN_FLOAT32) ||
        (sized && sizes->type != NN_INT64 && sizes->type != NN_INT32) || count > x->rank)
        return false;
    node_ints(n, "axes", &axes_count);
    if (count != (axes_count ? axes_count : x->rank))
        return false;
    for (int i = 0; i < x->rank; i++) {
        r.scale[i] = 1;
        r.crop_end[i] = 1;
    }
    if (r.coordinates == RESIZE_CROP && !apply_crop(n, roi, (int)count, &r))
        return false;
    if (scaled ? !apply_scales(n, scales, (int)count, &r) : !apply_sizes(n, sizes, (int)count, &r))
        return false;
    if (shape_count(x) == 0 && shape_count(&r.out) != 0)
        return false;
    *out = r;
    return true;
}

bool resize_keeps(const struct resize *r, int axis)
{
    return r->scale[axis] == 1 && r->in.dims[axis] == r->out.dims[axis] &&
           (r->coordinates != RESIZE_CROP || (r->crop_begin[axis] == 0 && r->crop_end[axis] == 1));
}

double resize_place(const struct resize *r, int axis, int64_t at)
{
    double x = (double)at, in = (double)r->in.dims[axis], scale = r->scale[axis];
    double length = scale * in, begin = r->crop_begin[axis], end = r->crop_end[axis], kept;

    switch (r->coordinates) {
    case RESIZE_HALF_PIXEL:
        return (x + 0.5) / scale - 0.5;
    case RESIZE_HALF_PIXEL_SYMMETRIC:
        kept = (double)r->out.dims[axis] / length;
        return in / 2 * (1 - kept) + (x + 0.5) / scale - 0.5;
    case RESIZE_PYTORCH_HALF_PIXEL:
        return length > 1 ? (x + 0.5) / scale - 0.5 : 0;
    case RESIZE_ALIGN_CORNERS:
        return length == 1 ? 0 : x * (in - 1) / (length - 1);
    case RESIZE_ASYMMETRIC:
        return x / scale;
    case RESIZE_TF_HALF_PIXEL:
        return (x + 0.5) / scale;
    case RESIZE_CROP:
        break;
    }
    if (r->out.dims[axis] > 1)
        return begin * (in - 1) + x * (end - begin) * (in - 1) / (double)(r->out.dims[axis] - 1);
    return 0.5 * (begin + end) * (in - 1);
}

int64_t resize_nearest(const struct resize *r, int axis, double place)
{
    double at = place;

    switch (r->rounding) {
    case RESIZE_ROUND_FLOOR:
        at = ceil(place - 0.5);
        break;
    case RESIZE_ROUND_CEIL:
        at = floor(place + 0.5);
        break;
    case RESIZE_FLOOR:
        at = floor(place);
        break;
    case RESIZE_CEIL:
        at = ceil(place);
        break;
    }
    if (!(at > 0))
        return 0;
    return at < (double)r->in.dims[axis] ? (int64_t)at : r->in.dims[axis] - 1;
}

static double narrowing(const struct resize *r, int axis)
{
    return r->antialias && r->scale[axis] < 1 ? r->scale[axis] : 1;
}

double resize_reach(const struct resize *r, int axis)
{
    return (r->mode == RESIZE_CUBIC ? 2 : 1) / narrowing(r, axis);
}

double resize_weight(const struct resize *r, int axis, double distance)
{
    double d = fabs(distance) * narrowing(r, axis), a = (double)r->cubic_a;

    if (r->mode == RESIZE_LINEAR)
        return d < 1 ? 1 - d : 0;
    // Keys, Cubic convolution interpolation for digital image processing, 1981, equation 15 with
    // free a
    if (d <= 1)
        return ((a + 2) * d - (a + 3)) * d * d + 1;
    return d < 2 ? ((a * d - 5 * a) * d + 8 * a) * d - 4 * a : 0;
}
