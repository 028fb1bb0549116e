// Back to YUV: a picture of 16 bits a sample becomes what encoders of more than 8 bits take, 4:2:0
// in limited range.
//
// Chroma lies where encoders are told: on the left column of its two pixels, weighted 1 2 1 with
// their neighbours, and midway between its two rows; beyond the left border the border's pixel is
// repeated. All is done in 32-bit floats and rounded to the nearest, without dither.
//
// Cost: reads the picture twice (8 bytes a pixel, the second time from cache), writes 3 bytes a
// pixel.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "kernels/colour.h"

struct yuv_job {
    const uint8_t *pixels; // [height][stride_bytes], 16 bits a sample as image.h says, no padding
    size_t stride_bytes;
    int width, height;           // even
    struct colour_matrix matrix; // colour_matrix_back()
    int shift;                   // samples are written this many bits high in their words
    uint8_t *luma;               // [height][luma_stride_bytes], 16-bit words
    uint8_t *chroma[2];          // U, V: [height / 2][chroma_stride_bytes], 16-bit words
    size_t luma_stride_bytes, chroma_stride_bytes;
    int chroma_step; // from sample to sample, in samples: 1, or 2 where U and V take turns
    int threads;     // 0: all cores
};

typedef void kernel_yuv(const struct yuv_job *job);
