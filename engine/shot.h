// Shots: tells, picture by picture, where a new one begins.
//
// Two things are compared with the previous picture: a 32x18 thumbnail of luma (what stands where)
// and histograms of R, G and B (what colours there are). At a hard cut both change much more than
// they did lately; motion changes the first only, light the second only.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "kernels/image.h"

#define SHOT_WIDTH 32
#define SHOT_HEIGHT 18
#define SHOT_BINS 16

struct shot {
    int pictures;                         // since the last reset; all-zero: none yet
    int length;                           // pictures of this shot
    float luma[SHOT_WIDTH * SHOT_HEIGHT]; // 0..255
    float colours[3 * SHOT_BINS];         // parts of 1, a channel
    float usual_luma, usual_colours;      // how much these change lately
    float last_luma, last_colours;        // the last change, for statistics
};

// Forgets all: the next picture begins a shot.
void shot_reset(struct shot *shot);
// True where this picture begins a shot, the first one included. Any size of picture; a small one
// is enough.
bool shot_feed(struct shot *shot, const struct image *picture);
