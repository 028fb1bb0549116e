// Steps of plates.h: the same for a C and a CUDA compiler.
#pragma once
#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#include "kernels/plates.h"

#ifdef __CUDACC__
#define PLATES_FUNCTION static __host__ __device__ inline
#else
#define PLATES_FUNCTION static inline
#endif

// The pixels of nearness under a plate, px; right and bottom are the first beyond it.
PLATES_FUNCTION struct plate plates_pixels(const struct plates_job *job, const struct plate *p)
{
    struct plate out;

    out.left = p->left * PLATES_BLOCK_PX * job->width / job->picture_width;
    out.top = p->top * PLATES_BLOCK_PX * job->height / job->picture_height;
    out.right = (p->right + 1) * PLATES_BLOCK_PX * job->width / job->picture_width;
    out.bottom = (p->bottom + 1) * PLATES_BLOCK_PX * job->height / job->picture_height;
    out.right = out.right < job->width ? out.right : job->width;
    out.bottom = out.bottom < job->height ? out.bottom : job->height;
    return out;
}

PLATES_FUNCTION int plates_bin(float nearness)
{
    int bin = (int)(nearness * PLATES_BINS);

    return bin < 0 ? 0 : bin >= PLATES_BINS ? PLATES_BINS - 1 : bin;
}

// The nearness that a part of what was counted is behind.
PLATES_FUNCTION float plates_level(const int *bins, int count)
{
    int below = 0, bin = 0;

    while (bin < PLATES_BINS - 1 && (float)(below + bins[bin]) < PLATES_BEHIND * (float)count)
        below += bins[bin++];
    float part =
        bins[bin] > 0 ? (PLATES_BEHIND * (float)count - (float)below) / (float)bins[bin] : 1.0f;
    return ((float)bin + part) / PLATES_BINS;
}

// The block is one of the plate's, or beside one.
PLATES_FUNCTION bool plates_cover(const struct plate *p, int column, int row)
{
    return column >= p->left - 1 && column <= p->right + 1 && row >= p->top - 1 &&
           row <= p->bottom + 1;
}

PLATES_FUNCTION int plates_block(int at, int count)
{
    return at < 0 ? 0 : at < count ? at : count - 1;
}

// A pixel's nearness, as it is pressed.
PLATES_FUNCTION float plates_pressed(const struct plates_job *job, int x, int y, float near)
{
    float u =
        ((float)x + 0.5f) * (float)job->picture_width / (float)(job->width * PLATES_BLOCK_PX) -
        0.5f;
    float v =
        ((float)y + 0.5f) * (float)job->picture_height / (float)(job->height * PLATES_BLOCK_PX) -
        0.5f;
    int left = (int)floorf(u), top = (int)floorf(v);
    float weight = 0, sum = 0;

    for (int i = 0; i < 4; i++) {
        int column = plates_block(left + i % 2, job->columns);
        int row = plates_block(top + i / 2, job->rows);
        float w = (i % 2 ? u - (float)left : 1 - (u - (float)left)) *
                  (i / 2 ? v - (float)top : 1 - (v - (float)top));
        w *= job->weight[row * job->columns + column];
        weight += w;
        sum += w * job->level[row * job->columns + column];
    }
    return weight > 0 ? near + weight * (sum / weight - near) : near;
}
