// What is taken from every picture before Deep3D (2016) sees it. The published program takes
// nothing; its training took a picture of its own, mean.npz, which was never published.
//
// Thread-safety: independent calls.
#pragma once
#include <stdbool.h>
#include <stddef.h>

// The size of the network's input.
#define MEAN_PLANES 3
#define MEAN_HEIGHT 160
#define MEAN_WIDTH 384

struct mean {
    int height, width; // 1 and 1, or MEAN_HEIGHT and MEAN_WIDTH
    float *values;     // [MEAN_PLANES][height][width], B, G, R, 0..255; mem_free() it
};

// text: one number, or three, "R,G,B"; or the path of a file of numpy.savez with an array "left"
// [3][160][384], float32 or float64, as the training program made it. False, logged, where it is
// none of them; out is then empty.
//
// Formats: numpy.org/doc/stable/reference/generated/numpy.lib.format.html; ZIP: PKWARE's
// APPNOTE.TXT.
bool mean_read(const char *text, struct mean *out);

// The bytes of such a file into [MEAN_PLANES][MEAN_HEIGHT][MEAN_WIDTH]. False where they are none;
// nothing is logged.
bool mean_parse(const void *bytes, size_t size, float *out);
