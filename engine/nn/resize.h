// How Resize and Upsample map a place in the result to a place in the input, along each axis.
//
// Formulas: github.com/onnx/onnx/blob/main/docs/Operators.md#Resize.
//
// Thread-safety: no state.
#pragma once
#include "engine/nn/op.h"

struct resize {
    enum resize_mode { RESIZE_NEAREST, RESIZE_LINEAR, RESIZE_CUBIC } mode;
    enum resize_coordinates {
        RESIZE_HALF_PIXEL,
        RESIZE_HALF_PIXEL_SYMMETRIC,
        RESIZE_PYTORCH_HALF_PIXEL,
        RESIZE_ALIGN_CORNERS,
        RESIZE_ASYMMETRIC,
        RESIZE_TF_HALF_PIXEL,
        RESIZE_CROP,
    } coordinates;
    enum resize_rounding {
        RESIZE_ROUND_FLOOR, // to the nearest, halves down
        RESIZE_ROUND_CEIL,
        RESIZE_FLOOR,
        RESIZE_CEIL,
    } rounding;
    bool exclude_outside, antialias;
    float cubic_a, extrapolation;
    struct nn_shape in, out;
    double scale[NN_MAX_RANK];
    double crop_begin[NN_MAX_RANK], crop_end[NN_MAX_RANK]; // of RESIZE_CROP
};

// Reads the node's attributes and its roi, scales and sizes (each NULL where left out).
// False: *out_reason is set, nothing is logged.
bool resize_resolve(const struct node *node, const struct nn_shape *x, const struct tensor *roi,
                    const struct tensor *scales, const struct tensor *sizes, struct resize *out,
                    const char **out_reason);
// Nothing happens along this axis.
bool resize_keeps(const struct resize *r, int axis);
// Place in the input, in elements, of element `at` of the result.
double resize_place(const struct resize *r, int axis, int64_t at);
// The element that RESIZE_NEAREST takes; inside the input.
int64_t resize_nearest(const struct resize *r, int axis, double place);
// Weight of the element at `distance` from the place, before normalisation, and how far such
// weights reach.
double resize_weight(const struct resize *r, int axis, double distance);
double resize_reach(const struct resize *r, int axis);
