// Marks: where strong edges of a small picture's luma stay where they are while most of the others
// move. engine/flat.h says what for.
//
// An edge is a change of luma of at least MARKS_EDGE (of 255) across two pixels, down and along. It
// stays where that changes by no more than a quarter, or, from one shot to the next, where it goes
// the same way. Of the edges, those before counted as well, a part has moved: from MARKS_SOME on
// the others are remarkable, from MARKS_MOST on they are so in full. Then each edge that stays gets
// `add` more, up to 255; all else is 0.
//
// Cost: reads 2 bytes a pixel of the small picture twice, reads and writes 1.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define MARKS_EDGE 48
#define MARKS_SOME 0.5f
#define MARKS_MOST 0.8f
// From here on a pixel is marked.
#define MARKS_FULL 120
#define MARKS_BLOCK_PX 8

struct marks_edges {
    uint32_t all, moved;
};

struct marks_job {
    const uint8_t *luma, *old; // [height][width], of this picture and the one before
    int width, height;
    int left, top, right, bottom; // the part that is judged, right and bottom the first beyond it;
                                  // not the outermost pixels
    bool cut;                     // this picture begins a shot
    int add;                      // in full
    uint8_t *marks;               // [height][width], in, out
    struct marks_edges *edges;    // out, of the part
    // out: marked pixels in each block of MARKS_BLOCK_PX x MARKS_BLOCK_PX, [rows][columns], those
    // at the end cut off
    uint8_t *counts;
};

typedef void kernel_marks(const struct marks_job *job);

static inline int marks_blocks(int size)
{
    return (size + MARKS_BLOCK_PX - 1) / MARKS_BLOCK_PX;
}
