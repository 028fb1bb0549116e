// What a block of synth_cuda.cu keeps of the row at work: in the memory that its threads share, or
// in the job's scratch where a row does not fit there. For synth_cuda*.h and .cu only.
//
// A row is cut into groups of 4 pixels, one a thread, and into tiles of 128, one a warp; groups
// count from the picture's column 0, so that they lie on 16 bytes.
//
// Thread-safety: no state.
#pragma once
#include "kernels/synth_scratch.h"
#include "kernels/synth_walk.h"

#define SYNTH_THREADS 512
#define SYNTH_WARPS (SYNTH_THREADS / 32)
#define SYNTH_ALL_LANES 0xffffffffu
#define SYNTH_TILE 128
#define SYNTH_GROUP 4
// Of an eye in a row; one with more is walked one after another.
#define SYNTH_HOLES 256
#define SYNTH_EDGE 4              // room beside a row, where its neighbours are asked for
#define SYNTH_NOTHING (-INFINITY) // nearness beyond the inner part: reaches no pixel of an eye

// A torn place: between pixels x - 1 and x as the eye is walked, `next` being the first pixel of
// the eye that is not drawn before.
struct synth_hole {
    int x, next;
};

struct synth_strip {
    int tiles;
    float *wide; // [2][wide_stride], widened for both eyes; SYNTH_EDGE more before and after
    int wide_stride;
    int32_t *map; // [2][map_stride], of both eyes, by synth_map_index()
    int map_stride;
    int *most;                // [2][tiles]: the last pixel of the eye that a tile reaches
    struct synth_hole *holes; // [2][SYNTH_HOLES], in no order
    int *count;               // [2], of holes
    int *serial;              // [2]: the eye's row has to be walked one after another
    int *weights;             // [SYNTH_UNIT], of Catmull-Rom, four bytes each
};

// Groups that a row of the picture has pixels of.
static __host__ __device__ inline int synth_groups(int width)
{
    return (width + SYNTH_GROUP - 1) / SYNTH_GROUP;
}

// Groups of 4 write to banks 4 apart: with one word more in 32 all lanes find their own.
static __device__ inline int synth_map_index(int x)
{
    return x + (x >> 5);
}
