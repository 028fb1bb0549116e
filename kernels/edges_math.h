// Lines of edges.h: the same for a C and a CUDA compiler.
#pragma once
#include <stdbool.h>

#include "kernels/edges.h"

#ifdef __CUDACC__
#define EDGES_FUNCTION static __host__ __device__ inline
#else
#define EDGES_FUNCTION static inline
#endif

// Lines that are looked at.
EDGES_FUNCTION int edges_lines(int width, int height, int side)
{
    return (side == EDGES_LEFT || side == EDGES_RIGHT ? width : height) / EDGES_PART;
}

// The pixels of a line that are looked at.
struct edges_line {
    const uint8_t *first;
    size_t step_bytes;
    int count;
};

// Line n from a side.
EDGES_FUNCTION struct edges_line edges_line_of(const struct image *p, int side, int n)
{
    bool column = side == EDGES_LEFT || side == EDGES_RIGHT;
    int length = column ? p->height : p->width;
    size_t line = (size_t)(side == EDGES_RIGHT    ? p->width - 1 - n
                           : side == EDGES_BOTTOM ? p->height - 1 - n
                                                  : n);
    size_t along = column ? p->stride_bytes : 4, across = column ? 4 : p->stride_bytes;
    struct edges_line l;

    l.first = p->pixels + line * across + along * (EDGES_STEP_PX / 2);
    l.step_bytes = along * EDGES_STEP_PX;
    l.count = (length - EDGES_STEP_PX / 2 + EDGES_STEP_PX - 1) / EDGES_STEP_PX;
    return l;
}

EDGES_FUNCTION bool edges_bright(const struct edges_line *l, int i)
{
    const uint8_t *c = l->first + (size_t)i * l->step_bytes;

    return c[0] > EDGES_BLACK || c[1] > EDGES_BLACK || c[2] > EDGES_BLACK;
}

EDGES_FUNCTION float edges_part(const struct edges_line *l, int bright)
{
    return l->count > 0 ? (float)bright / (float)l->count : 0.0f;
}
