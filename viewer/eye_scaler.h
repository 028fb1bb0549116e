// One eye, or a picture drawn of both, on its way into the packed picture that an encoder takes:
// scaled, and in the encoder's pixel format.
//
// The way is swscale's. Its arithmetic for RGB of 16 bits takes white for 65536 * 255 / 256, which
// is four codes of 10 bits too bright: where eyes of 16 bits become YUV, our own kernel does it
// (kernels/yuv.h), and swscale at most changes the size of what came of it.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/deep3d.h"

struct AVFrame;
struct eye_scaler;

struct eye_scaler_params {
    int width, height, bits; // of the eye, see struct deep3d_eyes
    int to_width, to_height; // of its place
    int format;              // enum AVPixelFormat of the packed picture
    enum deep3d_matrix matrix;
};

// NULL: no memory, too large, or a format that swscale does not write.
struct eye_scaler *eye_scaler_create(const struct eye_scaler_params *params);
// Accepts a pointer to NULL; sets it to NULL.
void eye_scaler_destroy(struct eye_scaler **scaler);
// Into the frame, from x, y on; both are even where the format halves colour.
void eye_scaler_run(struct eye_scaler *scaler, const uint8_t *pixels, size_t stride_bytes,
                    const struct AVFrame *to, int x, int y);
