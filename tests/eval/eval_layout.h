// How a film shows both eyes, as it says itself or as a name says.
//
// A film says it where FFmpeg finds a struct AVStereo3D: Matroska's StereoMode, MP4's st3d, frame
// packing of H.264 and H.265. None of these tells half layouts from full ones. Samples that are not
// square do, and else an eye's shape: as narrow as a half one is no film, or as wide.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

struct AVStereo3D;

enum eval_layout_kind {
    EVAL_FLAT, // one eye
    EVAL_SIDE_BY_SIDE,
    EVAL_TOP_BOTTOM,
    EVAL_OTHER, // both, in a way that is not read here
};

struct eval_layout {
    enum eval_layout_kind kind;
    bool half;        // each eye has half its pixels in the direction that both share
    bool right_first; // the right eye is on the left side, or on top
};

// "flat", "side-by-side", "half-side-by-side", "top-bottom", "half-top-bottom". False: no such.
bool eval_layout_named(const char *name, struct eval_layout *out);
// stereo: NULL: the film says nothing, which makes it flat. width, height: of the picture with both
// eyes, px. sample_aspect: width / height of its samples; 0: unknown.
struct eval_layout eval_layout_of(const struct AVStereo3D *stereo, int width, int height,
                                  double sample_aspect);
