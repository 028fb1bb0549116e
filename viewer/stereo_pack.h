// Both eyes in one picture, as a file holds them, in the pixel format that an encoder takes.
//
// Where the format halves the colour (4:2:0), sizes must be even: an eye's odd last column or row
// is left out. Half layouts squeeze each eye to half its width or height, rounded down to even.
// Frame-packed is HDMI 1.4's: left eye, a black gap of height / 24 rows (1080: 45), right eye;
// where the sum of the rows is odd and must not be, a black one follows.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"
#include "viewer/options.h"

struct AVFrame;
struct stereo_pack;

struct stereo_pack_params {
    enum file_layout layout;   // not FILE_LAYOUT_PAIR: each of its files has one eye
    int width, height;         // of an eye
    int eye_bits;              // a sample of the eyes: 0, 8; 16, but not for disparity
    int format;                // enum AVPixelFormat of the packed picture; disparity: GRAY16
    enum deep3d_matrix matrix; // of a packed picture in YUV; RGB: BT.709's
};

// NULL, logged: too small for the layout, or a format that swscale does not write.
struct stereo_pack *stereo_pack_create(const struct stereo_pack_params *params);
// Accepts a pointer to NULL; sets it to NULL.
void stereo_pack_destroy(struct stereo_pack **pack);
// Of the packed picture.
void stereo_pack_size(const struct stereo_pack *pack, int *out_width, int *out_height);
// A pixel of the packed picture is this much wider against its height than one of an eye:
// half-sbs 2, half-tb 0.5, else 1.
double stereo_pack_stretch(enum file_layout layout);
// Eyes of another size are scaled. For disparity the left eye's memory holds the picture:
// disparity_draw(). The packed picture stays the pack's, valid until the next run; who
// needs it for longer takes a reference. NULL, logged: no memory.
struct AVFrame *stereo_pack_run(struct stereo_pack *pack, const struct deep3d_eyes *eyes);
