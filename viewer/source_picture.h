// A decoded picture as the converter takes it.
//
// Pixel formats that struct deep3d_picture can describe are handed on where they lie, also in a
// GPU's memory; others, and photographs that may be transparent, are converted by swscale into the
// nearest one that it can, in memory that is used again.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "engine/deep3d.h"

struct AVFrame;
struct picture_maker;

// still: pictures are photographs; then, untagged YUV is BT.601, as JPEG and WebP have it, and what
// is transparent lies on black.
// grey_full: untagged grey uses all values, as it does where it is taken for a kind of RGB.
struct picture_maker *picture_maker_create(bool still, bool grey_full);
// Frames it filled stay valid. Accepts a pointer to NULL; sets it to NULL.
void picture_maker_destroy(struct picture_maker **maker);

// Describes *av in *out, rotation and mirroring aside. Where the pixel format must be converted,
// *av is exchanged for the converted picture first. False, logged the first time: no way to
// convert it, no memory, or a size of 0 or above DEEP3D_MAX_SIDE_PX.
bool picture_make(struct picture_maker *maker, struct AVFrame *av, struct deep3d_picture *out);
// Rotation and mirroring as a display matrix says ([9], 16.16 fixed point, as in ISO/IEC 14496-12);
// other angles than right ones go to the nearest.
void picture_orient(struct deep3d_picture *picture, const int32_t matrix[9]);
// The same as a photograph's EXIF says (tag 0x0112, CIPA DC-008): 1..8; others leave the picture.
void picture_orient_exif(struct deep3d_picture *picture, int orientation);
