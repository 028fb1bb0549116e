#include "engine/bars.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

// R, G and B up to this are black, with what compression makes of it.
#define BLACK 30
// Parts of a row that are brighter: at most in a dark one, at least in a lit one.
#define DARK_PART 0.02f
#define LIT_PART 0.4f
#define STEP_PX 8
// Bars are no wider than this part of the picture.
#define WIDEST 3
// So far may a bar's edge be blurred.
#define SOFT_PX 2

enum side { LEFT, TOP, RIGHT, BOTTOM };

// The part of line n from a side that is brighter than black.
static float bright_part(const struct image *p, enum side side, int n)
{
    bool column = side == LEFT || side == RIGHT;
    int length = column ? p->height : p->width, bright = 0, count = 0;
    int line = side == RIGHT ? p->width - 1 - n : side == BOTTOM ? p->height - 1 - n : n;
    size_t along = column ? p->stride_bytes : 4, across = column ? 4 : p->stride_bytes;
    const uint8_t *at = p->pixels + (size_t)line * across;

    for (int i = STEP_PX / 2; i < length; i += STEP_PX, count++) {
        const uint8_t *c = at + (size_t)i * along;
        bright += c[0] > BLACK || c[1] > BLACK || c[2] > BLACK;
    }
    return count > 0 ? (float)bright / (float)count : 0;
}

struct edge {
    int lit;  // the first lit line; the widest bar where there is none
    int dark; // the lines before it that are dark
};

static struct edge measure(const struct image *p, enum side side)
{
    int most = (side == LEFT || side == RIGHT ? p->width : p->height) / WIDEST;
    struct edge e = {0};
    bool dark = true;

    for (; e.lit < most; e.lit++) {
        float part = bright_part(p, side, e.lit);
        dark = dark && part <= DARK_PART;
        e.dark += dark;
        if (part >= LIT_PART)
            break;
    }
    return e;
}

static void follow(struct bars *b, enum side side, struct edge e)
{
    bool straight = e.lit - e.dark <= SOFT_PX;

    if (e.lit < b->bar[side])
        b->bar[side] = e.lit; // the picture reaches further out than it was known to
    if (!straight || abs(e.lit - b->seen[side]) > 1) {
        b->seen[side] = e.lit;
        b->times[side] = 0;
    }
    if (!straight || ++b->times[side] < BARS_PICTURES || e.lit <= b->bar[side])
        return;
    b->bar[side] = e.lit;
}

struct synth_inner bars_feed(struct bars *b, const struct image *p)
{
    struct edge edge[4];
    bool nothing = true;

    if (p->width != b->width || p->height != b->height)
        *b = (struct bars){.width = p->width, .height = p->height};
    for (int side = LEFT; side <= BOTTOM; side++) {
        int most = (side == LEFT || side == RIGHT ? p->width : p->height) / WIDEST;
        edge[side] = measure(p, (enum side)side);
        nothing = nothing && edge[side].lit == most;
        edge[side].dark = edge[side].lit == most ? -SOFT_PX - 1 : edge[side].dark;
    }
    for (int side = LEFT; side <= BOTTOM && !nothing; side++)
        follow(b, (enum side)side, edge[side]);
    return (struct synth_inner){b->bar[LEFT], b->bar[TOP], p->width - b->bar[RIGHT],
                                p->height - b->bar[BOTTOM]};
}

// The first cell that lies wholly within the bar's end, seen from the bar's side.
static int cells(int bar, int picture, int count)
{
    return bar > 0 ? (int)(((long)bar * count + picture - 1) / picture) + 1 : 0;
}

void bars_cover(const struct bars *b, float *nearness, int width, int height)
{
    int left = cells(b->bar[LEFT], b->width, width), top = cells(b->bar[TOP], b->height, height);
    int right = width - 1 - cells(b->bar[RIGHT], b->width, width);
    int bottom = height - 1 - cells(b->bar[BOTTOM], b->height, height);

    if (left > right || top > bottom)
        return;
    for (int y = top; y <= bottom; y++) {
        float *row = nearness + (size_t)y * (size_t)width;
        for (int x = 0; x < left; x++)
            row[x] = row[left];
        for (int x = right + 1; x < width; x++)
            row[x] = row[right];
    }
    for (int y = 0; y < height; y++)
        if (y < top || y > bottom)
            memcpy(nearness + (size_t)y * (size_t)width,
                   nearness + (size_t)(y < top ? top : bottom) * (size_t)width,
                   (size_t)width * sizeof(*nearness));
}
