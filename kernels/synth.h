// Synthesis: both eyes at full size from the picture and its nearness.
//
// Row by row: nearness is refined (refine.h), each pixel gets its place in the eye's picture,
//
//     place_left(x) = x + gain_left * (nearness(x) - convergence),  place_right(x) = x - gain_right
//     * (...)
//
// and the picture is drawn by walking along the row and asking, for each pixel of the eye, which is
// the first source position that lands there. Seen from the left eye a nearer pixel always lies
// left of the farther one that it hides, so the first is the nearest: no depth buffer, and each
// output pixel is written once. For the right eye the row is walked backwards.
//
// Refinement gives an edge's soft pixels to what is near as far as their colour says so. What is
// near is then widened by soft_px to all sides, so that the faintest stay with it too, and by
// soft_px + 1 more on the side where it uncovers something, so that none of them is left behind
// there.
//
// Where a step is wider than tear_px the picture is torn: the hole is filled from the farther side,
// mirrored at the step's place, which is known to parts of a pixel and so is the same from row to
// row, and from the middle of the hole on mirrored back, so that it ends in what the near thing's
// soft edge brings along. The strips at the picture's borders that no pixel lands on are filled
// with the mirrored picture. Pixels are taken with Catmull-Rom interpolation, 1/64 pixel fine, in
// the 8-bit or 16-bit values as they are. A place that is a whole pixel gives the very same pixel.
//
// Cost: reads the picture twice (4 bytes a pixel, the second time from cache), writes 8 bytes a
// pixel. 1080p: 8.3 MB read, 16.6 MB written.
//
// Thread-safety: safe on disjoint outputs and scratch.
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "kernels/image.h"
#include "kernels/refine.h"

// Places along a row are rounded to 1 / SYNTH_UNIT pixel.
#define SYNTH_UNIT 64
#define SYNTH_SOFT_MAX 3

// The part of a picture that has depth, px; right and bottom are the first beyond it.
struct synth_inner {
    int left, top, right, bottom;
};

struct synth_job {
    struct image picture;
    struct image fine; // the same in 16 bits a sample, of which the eyes are then made, in 16 bits
                       // too; pixels NULL: the eyes have 8. Not on a GPU
    struct synth_inner inner; // beyond it both eyes are copies; its borders are the picture's
    struct refine_grid grid;
    float gain_px[2];  // left, right: pixels that nearness 1 moves further than nearness 0; >= 0;
                       // an eye with 0 is a copy of the picture and costs no more than that
    float convergence; // the nearness that stays where it is
    float tear_px;     // the widest step of places that is bridged by stretching; smaller ones are
                       // not worth a torn edge
    int look_px;       // how far refinement looks about a pixel, 0..REFINE_SOFT_MAX: refine_look
    int soft_px;       // how far what is near is widened, 0..SYNTH_SOFT_MAX
    uint8_t *eye[2];   // [height][stride_bytes], R, G, B, 255, or in 16 bits as the fine picture
    size_t stride_bytes;
    int bands;      // how many runs of rows there are, >= 1
    int threads;    // how many are worked on at the same time; 0: all cores
    float *scratch; // [bands][synth_scratch_floats(picture.width)]
};

size_t synth_scratch_floats(int width);

// job->inner: not empty, within the picture.
typedef void kernel_synth(const struct synth_job *job);
// One row of one eye: where each of its pixels comes from, in 1 / SYNTH_UNIT source pixels,
// 0..(width - 1) * SYNTH_UNIT. place: [width], where each source pixel lands; nearer pixels lie
// left of the ones that they hide. tear_px, soft_px: as in struct synth_job.
typedef void kernel_synth_map(const float *place, int width, float tear_px, int soft_px,
                              int32_t *out);
// Takes count pixels from a padded row.
typedef void kernel_sample_row(const uint8_t *row, const int32_t *map, int count, uint8_t *out);
// The same of 16 bits a sample.
typedef void kernel_sample_row16(const uint16_t *row, const int32_t *map, int count, uint16_t *out);
