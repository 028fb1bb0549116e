// Snap: the network's soft steps of depth go to the picture's edges.
//
// A network's step is several of its pixels wide and may lie a few off the edge that it means,
// farther than refine.h looks. Where a window about a pixel holds two depths, those of its pixels
// that are surely near and those that are surely far say which colours either has. Where these
// lie apart, the pixel's own colour tells its place between both depths, sharpened:
//
//     place    = clamp(SNAP_GAIN * ((colour - far) . (near - far) / |near - far|^2 - 0.5) + 0.5)
//     nearness = far depth + place * (near depth - far depth)
//
// as matting does with known foreground and background. Where colours do not tell the depths apart,
// or there is one depth only, nearness stays as it is; between that it is blended.
//
// Cost: reads 16 bytes a pixel at the network's size, writes 4, and works on pixels at steps of
// depth: 49 others are looked at for each.
//
// Thread-safety: safe on disjoint outputs.
#pragma once

// Of the window, px; what the network's pixels are off.
#define SNAP_RADIUS 3

struct snap_job {
    int width, height;     // >= 1
    const float *nearness; // [height][width]
    const float *guide;    // [3][height][width], R, G, B in 0..1
    float *out;            // [height][width]; not the input
    int threads;           // 0: all cores
};

typedef void kernel_snap(const struct snap_job *job);
