// Strips: black columns at the sides of both eyes, the floating window's.
//
// Cost: writes 4 or 8 bytes a pixel.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct strips_job {
    uint8_t *eye[2]; // [bottom or more][stride_bytes], R, G, B, 255, or in 16 bits as image.h says
    size_t stride_bytes;
    int top, bottom;        // rows top .. bottom - 1
    int first[2], count[2]; // columns of each eye
    int bits;               // a sample: 0, 8; 16
};

typedef void kernel_strips(const struct strips_job *job);
