// What a depth network's file says about its input and output.
//
// metadata_props: deep3d.output (distribution | disparity | inverse_depth), deep3d.input_width,
// deep3d.input_height, deep3d.multiple (sizes must be multiples of it), deep3d.order (RGB | BGR),
// deep3d.mean and deep3d.scale (one number or three, in the order of the planes): plane = (value /
// 255 - mean) / scale, deep3d.levels (original: channels as Deep3D of 2016 has them,
// kernels/select.h says how; without it channel 0 is the farthest), deep3d.name. A file without
// them is recognised by its shapes and taken for inverse depth with the mean and scale of ImageNet,
// as MiDaS and Depth Anything have; its sizes are multiples of 32, or of its patches (14) where
// those are no part of 32.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

#include "engine/nn/nn.h"

enum model_output {
    MODEL_DISTRIBUTION, // [1][levels][h][w], channel 0 farthest
    MODEL_ORIGINAL,     // [1][SELECT_CHANNELS][h][w], as Deep3D (2016)
    MODEL_RELATIVE,     // [1][h][w] or [1][1][h][w], near is large, any scale
};

struct model_traits {
    enum model_output output;
    int width, height;         // of the default input
    int multiple;              // >= 1
    bool fixed_size;           // the graph takes the default size only
    int channel[3];            // which of R, G, B each plane takes
    float scale[3], offset[3]; // plane = value * scale + offset, value 0..255
};

// False, logged, where the model is no depth network that we can play.
bool model_traits_read(const struct nn_model *model, const char *path, struct model_traits *out);
// The input size for an upright picture: the default, or for pictures of another shape its area in
// a shape half way between both.
// smaller: so many sixths of its sides are taken off it, 0..5; a network of fixed size stays as it
// is.
void model_input_size(const struct model_traits *traits, int picture_width, int picture_height,
                      int smaller, int *out_width, int *out_height);
