// A stereo pair to judge by, from a folder or from a picture of a 3D film, and its true disparity:
// from NAME_disparity.png where there is one, else by matching both eyes.
//
// NAME_disparity.png is grey, of 16 bits, at any size: 0 is unknown, else disparity (left x minus
// right x: near is large) in pixels of its own width is (value - 32768) / 64.
// `python -m training.evaluate --write-disparity FOLDER` makes them.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>

#include "tests/eval/eval_picture.h"

// Disparities are compared at this width.
#define EVAL_PAIR_WIDTH 384

struct eval_pair {
    char name[256];
    struct eval_picture left, right; // of one size
    int height;                      // at EVAL_PAIR_WIDTH
    float *truth;                    // [height][EVAL_PAIR_WIDTH], px of that width; NAN: not known
};

// NAME_left.*, NAME_right.*. False: no such pair of pictures of one size, not too small.
bool eval_pair_read(struct eval_pair *out, const char *folder, const char *name);
// The next pair of a 3D film, of which every - 1 pictures are passed over. halves: of a
// picture with both eyes. False: the film is over.
bool eval_pair_from_film(struct eval_pair *out, struct eval_film *film, struct stereo_halves halves,
                         int every);
void eval_pair_free(struct eval_pair *pair);
