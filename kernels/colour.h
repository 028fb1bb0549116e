// Colour: a decoded picture of any layout becomes the upright RGBA picture.
//
// Chroma is interpolated linearly in both directions. It is taken to lie where MPEG-2, H.264, HEVC
// and AV1 put it unless told otherwise: on the left column of its pixels (co-sited), and vertically
// midway between its two rows (4:2:0). Interpolation, matrix and rounding are done in 32-bit
// floats, so that the result is within one step of exact arithmetic.
//
// Cost: reads each sample once (chroma rows twice, from cache), writes width * height * 4 bytes.
// 4:2:0 1080p: 3.1 MB read, 8.3 MB written.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/colour_tone.h"
#include "kernels/image.h"

// One component of a picture: Y or U or V, or R, G, B.
struct colour_component {
    const uint8_t *samples; // the first sample of row 0
    ptrdiff_t stride_bytes; // from row to row, may be negative
    int step;               // from sample to sample, in samples: 1, 2 or 4
    int shift_x, shift_y;   // log2 of subsampling: 0..2, 0..1
};

struct colour_job {
    int width, height; // as stored
    struct colour_component component[3];
    bool wide; // samples are 16-bit words of the machine's byte order, not bytes
    struct colour_matrix matrix;
    const struct colour_tone *tone; // of films of high dynamic range; NULL: none
    int quarter_turns;              // clockwise, 0..3
    bool mirrored;                  // after the turn
    struct image out;               // its size must be the turned one
    int out_bits;                   // a sample of it: 0: 8; 16 (not on a GPU): see image.h
    bool bare;                      // out has no pixels beside its rows, and none are written
    int threads;                    // 0: all cores
};

typedef void kernel_colour(const struct colour_job *job);

enum colour_standard { COLOUR_BT709, COLOUR_BT601, COLOUR_BT2020, COLOUR_IDENTITY };

// The matrix for samples of `bits` bits that lie `shift` bits high in their words. COLOUR_IDENTITY:
// components are R, G, B. grey: chroma is not read into the result; component 1 and 2 may be any
// readable samples.
struct colour_matrix colour_matrix_for(enum colour_standard standard, int bits, int shift,
                                       bool full_range, bool grey);
// The way back: from R, G, B in 0..65535 to Y, U, V of `bits` bits in limited range. Not
// COLOUR_IDENTITY.
struct colour_matrix colour_matrix_back(enum colour_standard standard, int bits);
