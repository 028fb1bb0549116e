// Edges: how far the black at a picture's four sides reaches, for engine/bars.h.
//
// A line (a row at the top and bottom, a column at the left and right) is dark where next to
// nothing in it is brighter than black, and lit where much is. Every EDGES_STEP_PX-th pixel is
// looked at, in lines up to size / EDGES_PART from each side.
//
// Cost: on a processor the lines up to the first lit one are read; on a GPU all that there are, a
// sixth of the picture's pixels / EDGES_STEP_PX, twice.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdint.h>

#include "kernels/image.h"

#define EDGES_STEP_PX 8
#define EDGES_PART 3
// R, G and B up to this are black, with what compression makes of it.
#define EDGES_BLACK 30
// Parts of a line that are brighter: at most in a dark one, at least in a lit one.
#define EDGES_DARK 0.02f
#define EDGES_LIT 0.4f

enum edges_side { EDGES_LEFT, EDGES_TOP, EDGES_RIGHT, EDGES_BOTTOM, EDGES_SIDES };

struct edges_side_lines {
    // of the lines that are looked at, those from the first one on that is lit, or is not dark; 0:
    // there is none
    uint32_t lit, not_dark;
};

struct edges {
    struct edges_side_lines side[EDGES_SIDES];
};

struct edges_job {
    struct image in;
    struct edges *out;
};

typedef void kernel_edges(const struct edges_job *job);
