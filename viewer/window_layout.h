// Where the pictures of both eyes go in a window, for each stereo layout.
//
// Thread-safety: pure functions.
#pragma once
#include <stdbool.h>

#include "viewer/options.h"

// In pixels of the window, from its upper left corner.
struct window_place {
    int x, y, width, height; // width and height >= 1
    int eye;                 // 0 left, 1 right
};

// The largest places that keep the picture's aspect (width / height as it is to look, > 0),
// centred; the rest of the window stays black. One place for the layouts with one picture (the
// anaglyph's has eye 0), else left eye, right eye, of the same size and without a gap. Windows of
// at least 2x2 pixels. Returns the number of places.
int window_layout_places(enum stereo_layout layout, double aspect, int window_width,
                         int window_height, struct window_place out_places[2]);

// Samples per pixel along one direction to shrink a picture of this size into a place of that size
// without aliasing. sparing: half as many, for devices on which samples are dear; bilinear samples
// reach over two pixels of the picture, so that only its finest patterns alias.
int window_layout_taps(int picture_px, int place_px, bool sparing);
