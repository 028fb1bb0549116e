// Ways to draw the right view from the left one and nearness, to be compared. parallax = gain *
// (nearness - convergence) px; the right view shows a point that much further left.
//
// Thread-safety: safe.
#pragma once
#include <stdint.h>

#include "engine/depth.h"
#include "tests/eval/eval_picture.h"

enum eval_way {
    EVAL_IDENTITY, // the left view itself: what figures must beat
    EVAL_SHIFT,    // the left view, moved as a whole
    EVAL_BACKWARD, // each pixel fetched by the parallax at its own place
    EVAL_WEIGHTED, // sum over levels of probability times the shifted picture, as Deep3D (2016),
                   // sub-pixel and renormalised
    EVAL_FORWARD,  // what the converter does
    EVAL_WAYS,
};

extern const char *const eval_way_names[EVAL_WAYS];

struct eval_scene {
    const struct eval_picture *left;
    struct depth_answer answer;
    const float *probability; // [levels][answer.height][answer.width], or NULL: EVAL_WEIGHTED is
                              // EVAL_BACKWARD then
    int levels;
    float gain_px, convergence, shift_px; // at the picture's width
};

// out: [height][width * 4].
void eval_draw(const struct eval_scene *scene, enum eval_way way, uint8_t *out);
