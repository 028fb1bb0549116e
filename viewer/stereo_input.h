// How a picture shows both eyes of a native 3D film: as a person says, as the film says itself, or
// as the file is named.
//
// A film says it where FFmpeg finds a struct AVStereo3D: Matroska's StereoMode, MP4's st3d, frame
// packing of H.264 and H.265. None of these tells half layouts from full ones. Samples that are not
// square do, and else an eye's shape: as narrow as a half one is no film, or as wide.
//
// Thread-safety: pure.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"

struct AVStereo3D;

// The words of --input in this order.
enum stereo_input {
    STEREO_INPUT_AUTO, // as the film says itself, else as it is named
    STEREO_INPUT_FLAT, // an ordinary film
    STEREO_INPUT_SBS,  // side by side; half or full, whichever is likelier
    STEREO_INPUT_FULL_SBS,
    STEREO_INPUT_HALF_SBS, // each eye squeezed to half its width
    STEREO_INPUT_TOP_BOTTOM,
    STEREO_INPUT_FULL_TB,
    STEREO_INPUT_HALF_TB,
};

// What a person who goes through all of them comes to next: the film's own word, flat, and each
// layout, half and full.
enum stereo_input stereo_input_next(enum stereo_input input);
// A few words, for the screen.
const char *stereo_input_describe(enum stereo_input input);

// Where the eyes are in a picture.
struct stereo_halves {
    enum deep3d_packing packing;
    bool right_first; // the right eye is on the left side, or on top
    bool half;        // each eye has half its pixels in the direction that both share
};

// Who says how the eyes lie; the first one who does is believed.
struct stereo_words {
    enum stereo_input asked;       // by a person
    const struct AVStereo3D *said; // by the film; NULL: nothing
    enum stereo_input named;       // see stereo_input_named()
    bool swapped;                  // a person sees left and right exchanged
};

// As a name says that has one of the usual words in it: "film.hsbs.mkv", "film 3D half-OU.mp4".
// STEREO_INPUT_AUTO: it says nothing.
enum stereo_input stereo_input_named(const char *path);
// width, height: of the whole picture, px. sample_aspect: width / height of its samples; 0:
// unknown. False: the film says that both eyes are there in a way that is not read here; *out is
// one eye.
bool stereo_input_halves(const struct stereo_words *words, int width, int height,
                         double sample_aspect, struct stereo_halves *out);
// Width / height of an eye as it is to look; of all of the picture where that has one.
double stereo_halves_aspect(const struct stereo_halves *halves, int width, int height,
                            double sample_aspect);
