// Plates: parts of the picture that engine/flat.h found to be flat become so in nearness.
//
// The small picture that they were found in is divided into blocks of PLATES_BLOCK_PX x
// PLATES_BLOCK_PX pixels, the last ones cut off. Each block says how much of a plate lies there;
// where a plate lies, the nearness that PLATES_BEHIND of what it covers is behind, is measured and
// put down for its blocks and those around it, later plates over earlier ones. Between the middles
// of blocks both are interpolated linearly.
//
// Cost: reads and writes 4 bytes a pixel at the network's size; reads what plates cover.
//
// Thread-safety: safe on disjoint outputs.
#pragma once

#define PLATES_MAX 16
#define PLATES_BLOCK_PX 8
#define PLATES_BEHIND 0.85f
#define PLATES_BINS 128

struct plate {
    int left, top, right, bottom; // in blocks, the last ones included
};

struct plates_job {
    float *nearness; // [height][width], in, out
    int width, height;
    int picture_width, picture_height; // of the small picture
    int columns, rows;                 // of its blocks
    const float *weight;               // [rows][columns], 0..1
    float *level;                      // [rows][columns], in, out
    struct plate plate[PLATES_MAX];
    int count;
};

typedef void kernel_plates(const struct plates_job *job);
