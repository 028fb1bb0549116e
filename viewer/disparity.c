#include "viewer/disparity.h"

#include "base/parallel.h"
#include "engine/deep3d.h"

struct grey {
    const float *nearness;
    int near_width, near_height;
    const struct deep3d_eyes *eyes;
};

// Place of an output pixel's centre among `count` samples: the sample before it, and how far it
// is to the next.
static int between(int at, int size, int count, float *out_share)
{
    float place = ((float)at + 0.5f) * (float)count / (float)size - 0.5f;
    int before = place > 0 ? (int)place : 0;

    *out_share = place > (float)before ? place - (float)before : 0;
    return before < count - 1 ? before : count - 1;
}

static void grey_rows(void *user, int first, int end)
{
    const struct grey *g = user;

    for (int y = first; y < end; y++) {
        uint16_t *out =
            (uint16_t *)(void *)(g->eyes->pixels[0] + (size_t)y * g->eyes->stride_bytes);
        float down, across;
        int row = between(y, g->eyes->height, g->near_height, &down);
        const float *upper = g->nearness + (size_t)row * (size_t)g->near_width;
        const float *lower = row + 1 < g->near_height ? upper + g->near_width : upper;

        for (int x = 0; x < g->eyes->width; x++) {
            int a = between(x, g->eyes->width, g->near_width, &across);
            int b = a + 1 < g->near_width ? a + 1 : a;
            float top = upper[a] + (upper[b] - upper[a]) * across;
            float bottom = lower[a] + (lower[b] - lower[a]) * across;
            float v = top + (bottom - top) * down;

            out[x] = (uint16_t)((v < 0 ? 0 : v > 1 ? 1 : v) * 65535 + 0.5f);
        }
    }
}

void disparity_draw(const float *nearness, int near_width, int near_height,
                    const struct deep3d_eyes *eyes)
{
    struct grey grey = {nearness, near_width, near_height, eyes};

    parallel_rows(eyes->height, 0, grey_rows, &grey);
}
