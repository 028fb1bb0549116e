#include "viewer/window_layout.h"

#include <math.h>

// more only costs time: a picture of 16384 pixels in a window of 1000 is still sampled well
#define MAX_TAPS 8

static int at_least(int value, int least)
{
    return value < least ? least : value;
}

int window_layout_places(enum stereo_layout layout, double aspect, int window_width,
                         int window_height, struct window_place out_places[2])
{
    int across = layout == LAYOUT_SIDE_BY_SIDE || layout == LAYOUT_HALF_SIDE_BY_SIDE ? 2 : 1;
    int down = layout == LAYOUT_TOP_BOTTOM ? 2 : 1;
    double whole = aspect; // of all places together
    int width, height;

    if (layout == LAYOUT_SIDE_BY_SIDE)
        whole *= 2;
    else if (layout == LAYOUT_TOP_BOTTOM)
        whole /= 2;
    // of one place; both are equally large, so that a 3D television can split the picture
    width = (int)lround(fmin(window_width, window_height * whole) / across);
    height = (int)lround(fmin(window_height, window_width / whole) / down);
    if (width * across > window_width)
        width--;
    if (height * down > window_height)
        height--;
    width = at_least(width, 1);
    height = at_least(height, 1);

    out_places[0] = (struct window_place){
        .x = (window_width - width * across) / 2,
        .y = (window_height - height * down) / 2,
        .width = width,
        .height = height,
        .eye = layout == LAYOUT_RIGHT,
    };
    out_places[1] = out_places[0];
    out_places[1].x += across == 2 ? width : 0;
    out_places[1].y += down == 2 ? height : 0;
    out_places[1].eye = 1;
    return across * down;
}

int window_layout_taps(int picture_px, int place_px, bool sparing)
{
    double shrink = (double)picture_px / place_px;
    int taps = (int)ceil(sparing ? shrink / 2 : shrink);

    // up to a quarter smaller, one bilinear sample is as good
    if (shrink <= 1.25)
        return 1;
    return taps < MAX_TAPS ? taps : MAX_TAPS;
}
