// Deep3D (Xie, Girshick, Farhadi; ECCV 2016) as it was published: from its parameter file to an
// ONNX model that the converter plays, exactly.
//
// The network: eight 3x3 convolutions with four pools between them, three fully connected layers,
// five predictions of 33 channels enlarged by learned deconvolutions and added up, and a softmax
// over channels. Its batch normalisation kept the running 1 / sqrt(variance + 0.001), not the
// variance, in moving_inv_var: with the variance taken for it, as later ports did, the answer is
// another.
//
// What the channels mean: 0 nothing; 1..32 shifts of -15..16 pixels of 384, near to far. The model
// says so in its metadata (deep3d.levels: original), and is drawn with the original operator unless
// asked otherwise (kernels/select.h). Its input is a picture pressed into 384x160, planes B, G, R,
// values 0..255, as the published program has it.
//
// Thread-safety: independent calls.
#pragma once
#include <stdbool.h>

struct original_params {
    const char *input;  // deep3d-0050.params; engine/original/params.h says what it may be
    const char *output; // the ONNX file; replaced only when the new one is complete
    const char *mean;   // engine/original/mean.h; NULL: none, as the published program
};

// False, logged: an array is missing, has another shape, holds what is no number or does not belong
// there, or a file cannot be read or written. There is then no new output file.
bool original_import(const struct original_params *params);
