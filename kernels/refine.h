// Refine: the network's coarse nearness takes on the edges of the picture.
//
// On a small grid (the picture shrunk by 2^log2_step) a guided filter (He, Sun, Tang, "Guided Image
// Filtering", PAMI 2013, with colour) explains nearness as an affine function of colour, window by
// window. Beside it stand the least and the greatest nearness of the window: the background and the
// foreground that meet there. At full size
//
//     t = 0.5 + gain * ((a . colour + b - low) / (high - low) - 0.5) + (gain - 1) * REFINE_NEARER
//     nearness = low + (high - low) * clamp(t, 0, 1)
//
// gain is 1 where nearness is smooth, so that the filter's own value comes out, and grows where the
// window has two depths that the colours tell apart: there the step becomes as sharp as the
// picture's edge, and lies at its outer rim. All of it is folded into six numbers a cell,
// interpolated linearly between cells.
//
// Windows are summed in whole numbers (nearness in 8192ths, fits in 32768ths): exact, so that a sum
// goes along and down the grid, whatever the radius, and a GPU may add in another order.
//
// Cost: reads the grid's picture and the network's nearness (both small), writes 24 bytes a cell;
// refine_rows reads them and the picture's rows about its own, and writes 4 bytes a pixel, a few
// rows at a time inside the synthesis.
//
// Thread-safety: safe on disjoint outputs and scratch.
#pragma once
#include <stddef.h>

#include "kernels/image.h"

#define REFINE_PLANES 6 // slope of R, G, B; base of t; low; high - low
#define REFINE_RADIUS_MAX 12
#define REFINE_SLACK 8
#define REFINE_SOFT_MAX 4

struct refine_grid {
    float *cells; // [height][REFINE_PLANES][stride]
    int width, height;
    int stride;    // in floats, at least width
    int log2_step; // 0..3: a cell is 2^log2_step pixels wide and high
};

struct refine_job {
    struct image guide; // the shrunk picture, of the grid's size
    int picture_width, picture_height;
    const float *nearness; // [near_height][near_width], 0..1
    int near_width, near_height;
    int radius;   // of the filter's window, in cells, 1..REFINE_RADIUS_MAX
    float smooth; // variance of colour (0..1) that is taken for noise
    float gain;   // the greatest gain, >= 1; 1: a plain guided filter
    struct refine_grid out;
    int bands;      // how many runs of rows are worked on at the same time, >= 1
    float *scratch; // [bands][refine_scratch_floats(out.width, radius)]
};

size_t refine_scratch_floats(int grid_width, int radius);

typedef void kernel_refine(const struct refine_job *job);
// What refine_rows looks at: the mean colour of the (2 * soft_px + 1)^2 pixels about each, so that
// texture and noise do not fray an edge. In it the inner part goes on as its border beyond it.
struct refine_look {
    const struct image *picture;
    int left, top, right, bottom; // the inner part, px; right and bottom are the first beyond it
    int soft_px;                  // 0..REFINE_SOFT_MAX
};

// Nearness of rows y .. y + rows - 1 of the picture at full size: out[rows][picture->width]; each
// has room for REFINE_SLACK more at both ends, which may be written. Several rows together cost
// less than each by itself.
typedef void kernel_refine_rows(const struct refine_grid *grid, const struct refine_look *look,
                                int y, int rows, float *const *out);
