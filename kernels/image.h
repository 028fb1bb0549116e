// The upright picture that all kernels after the colour conversion read.
#pragma once
#include <stddef.h>
#include <stdint.h>

// Pixels before the first and after the last of each row: copies of them, so that taps may reach
// over the border.
#define IMAGE_PAD_PX 8

// R, G, B, 255; 8 bits each. [height][stride_bytes].
//
// Where it is said, a picture has 16 bits a sample: R, G, B, 65535 in words of the machine's byte
// order, 8 bytes a pixel instead of 4, and rows twice as long.
struct image {
    uint8_t *pixels; // of pixel (0, 0); IMAGE_PAD_PX pixels lie before it
    int width, height;
    size_t stride_bytes; // at least (width + 2 * IMAGE_PAD_PX) * 4
};
