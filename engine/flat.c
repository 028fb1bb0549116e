#include "engine/flat.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

// An edge: so much change of luma (of 255) across two pixels, down or along. It stays where that
// changes by less than a quarter.
#define EDGE 48
// Edges so near to the picture's border are its bars', or too few pixels around them.
#define BORDER 2
// The part of the edges that move from which on those that stay are remarkable, and from which they
// are so in full.
#define MOVING_SOME 0.5f
#define MOVING_MOST 0.8f
// What a picture adds for an edge, a cut, and what makes it a mark.
#define ADD 10
#define ADD_CUT 60
#define MARK 120
// Marks in a block of BLOCK x BLOCK pixels that make lettering, and most of the picture that it may
// cover: more is no lettering.
#define BLOCK 8
#define DENSE 8
#define SHARE_MOST 0.25f
// Of a plate: blocks of lettering that it needs, and the part of its box that they fill.
#define BLOCKS_LEAST 2
#define FULL 0.3f
#define PLATES 16
// The part of the way to a plate, or back, that is gone with each picture.
#define EASE 0.2f
// The part of what a plate covers that lies behind it.
#define BEHIND 0.85f

struct plate {
    int left, top, right, bottom; // blocks, the last ones included
};

struct flat {
    int width, height, columns, rows;    // 0: no room; columns and rows of blocks
    struct synth_inner inner;            // where edges are looked at
    bool known;                          // old is the previous picture
    uint8_t *block, *luma, *old, *marks; // [height][width]
    uint8_t *label;                      // [rows][columns], 1: lettering
    int *stack;                          // [rows * columns]
    float *weight, *level; // [rows][columns], how much of a plate lies there, and where
    struct plate plate[PLATES];
    int plates;
};

struct flat *flat_create(void)
{
    return mem_new(1, sizeof(struct flat));
}

static void release(struct flat *f)
{
    mem_free(f->block);
    mem_free(f->weight);
    mem_free(f->stack);
    *f = (struct flat){0};
}

void flat_destroy(struct flat **flat)
{
    if (*flat == NULL)
        return;
    release(*flat);
    mem_free(*flat);
    *flat = NULL;
}

void flat_reset(struct flat *f)
{
    if (f->width == 0)
        return;
    f->known = false;
    f->plates = 0;
    memset(f->marks, 0, (size_t)f->width * (size_t)f->height);
    memset(f->weight, 0, 2 * (size_t)f->columns * (size_t)f->rows * sizeof(*f->weight));
}

bool flat_resize(struct flat *f, int width, int height)
{
    size_t count = (size_t)width * (size_t)height;

    if (f->width == width && f->height == height)
        return true;
    release(f);
    f->columns = (width + BLOCK - 1) / BLOCK;
    f->rows = (height + BLOCK - 1) / BLOCK;
    size_t blocks = (size_t)f->columns * (size_t)f->rows;
    f->block = mem_try_block(3 * count + blocks);
    f->weight = mem_try_block(2 * blocks * sizeof(*f->weight));
    f->stack = mem_try_block(blocks * sizeof(*f->stack));
    if (f->block == NULL || f->weight == NULL || f->stack == NULL) {
        log_error("no memory to look for captions in %dx%d pixels", width, height);
        release(f);
        return false;
    }
    f->luma = f->block;
    f->old = f->luma + count;
    f->marks = f->old + count;
    f->label = f->marks + count;
    f->level = f->weight + blocks;
    f->width = width;
    f->height = height;
    flat_reset(f);
    return true;
}

static void make_luma(struct flat *f, const struct image *p)
{
    for (int y = 0; y < f->height; y++) {
        const uint8_t *row = p->pixels + (size_t)y * p->stride_bytes;
        uint8_t *out = f->luma + (size_t)y * (size_t)f->width;
        for (int x = 0; x < f->width; x++)
            out[x] = (uint8_t)((row[x * 4] + 2 * row[x * 4 + 1] + row[x * 4 + 2]) >> 2);
    }
}

static inline int strength(const uint8_t *luma, ptrdiff_t stride)
{
    return abs(luma[1] - luma[-1]) + abs(luma[stride] - luma[-stride]);
}

// How much an edge at this place has changed.
static inline int difference(const uint8_t *now, const uint8_t *old, ptrdiff_t stride)
{
    return abs((now[1] - now[-1]) - (old[1] - old[-1])) +
           abs((now[stride] - now[-stride]) - (old[stride] - old[-stride]));
}

// The part of the edges, those before counted as well, that did not stay.
static float moving_part(const struct flat *f)
{
    int edges = 0, moved = 0;

    for (int y = f->inner.top; y < f->inner.bottom; y++)
        for (int x = f->inner.left; x < f->inner.right; x++) {
            size_t at = (size_t)y * (size_t)f->width + (size_t)x;
            int now = strength(f->luma + at, f->width), old = strength(f->old + at, f->width);
            int most = now > old ? now : old;
            int is_edge = most >= EDGE;
            edges += is_edge;
            moved += is_edge & (difference(f->luma + at, f->old + at, f->width) * 4 > most);
        }
    return edges > 0 ? (float)moved / (float)edges : 0;
}

// add: what this picture says for an edge that stayed.
static void mark(struct flat *f, int add)
{
    for (int y = f->inner.top; y < f->inner.bottom; y++)
        for (int x = f->inner.left; x < f->inner.right; x++) {
            size_t at = (size_t)y * (size_t)f->width + (size_t)x;
            int now = strength(f->luma + at, f->width), sum = f->marks[at] + add;
            int stays =
                (now >= EDGE) & (difference(f->luma + at, f->old + at, f->width) * 4 <= now);
            f->marks[at] = (uint8_t)(stays ? (sum < 255 ? sum : 255) : 0);
        }
}

static void find_lettering(struct flat *f)
{
    for (int row = 0; row < f->rows; row++)
        for (int column = 0; column < f->columns; column++) {
            int count = 0;
            for (int y = row * BLOCK; y < (row + 1) * BLOCK && y < f->height; y++)
                for (int x = column * BLOCK; x < (column + 1) * BLOCK && x < f->width; x++)
                    count += f->marks[(size_t)y * (size_t)f->width + (size_t)x] >= MARK;
            f->label[row * f->columns + column] = count >= DENSE;
        }
}

// The box around the lettering that hangs together with a block; two blocks apart is still one
// line. Takes the blocks' labels away. Returns how many they are.
static int flood(struct flat *f, int block, struct plate *box)
{
    int top = 0, count = 0;

    *box = (struct plate){f->columns, f->rows, -1, -1};
    f->stack[top++] = block;
    f->label[block] = 0;
    while (top > 0) {
        int at = f->stack[--top], x = at % f->columns, y = at / f->columns;
        count++;
        box->left = x < box->left ? x : box->left;
        box->right = x > box->right ? x : box->right;
        box->top = y < box->top ? y : box->top;
        box->bottom = y > box->bottom ? y : box->bottom;
        for (int v = y - 1; v <= y + 1; v++)
            for (int u = x - 2; u <= x + 2; u++)
                if (u >= 0 && u < f->columns && v >= 0 && v < f->rows &&
                    f->label[v * f->columns + u]) {
                    f->label[v * f->columns + u] = 0;
                    f->stack[top++] = v * f->columns + u;
                }
    }
    return count;
}

static void make_plates(struct flat *f)
{
    int area = 0;

    f->plates = 0;
    find_lettering(f);
    for (int block = 0; block < f->columns * f->rows && f->plates < PLATES; block++) {
        struct plate box;
        if (!f->label[block])
            continue;
        int count = flood(f, block, &box);
        int size = (box.right - box.left + 1) * (box.bottom - box.top + 1);
        if (count < BLOCKS_LEAST || (float)count < FULL * (float)size)
            continue;
        area += size;
        f->plate[f->plates++] = box;
    }
    if ((float)area > SHARE_MOST * (float)(f->columns * f->rows))
        f->plates = 0;
}

// A plate reaches a block further than its lettering.
static bool covers(const struct flat *f, int x, int y)
{
    for (int i = 0; i < f->plates; i++) {
        const struct plate *p = &f->plate[i];
        if (x >= p->left - 1 && x <= p->right + 1 && y >= p->top - 1 && y <= p->bottom + 1)
            return true;
    }
    return false;
}

static void ease_weights(struct flat *f, bool cut)
{
    for (int y = 0; y < f->rows; y++)
        for (int x = 0; x < f->columns; x++) {
            float *w = &f->weight[y * f->columns + x], wanted = covers(f, x, y) ? 1 : 0;
            *w += (cut || fabsf(wanted - *w) < 0.01f ? 1 : EASE) * (wanted - *w);
        }
}

// What was marked in another part may be a bar's edge.
static void set_inner(struct flat *f, struct synth_inner inner)
{
    inner = (struct synth_inner){inner.left + BORDER, inner.top + BORDER, inner.right - BORDER,
                                 inner.bottom - BORDER};
    if (memcmp(&inner, &f->inner, sizeof(inner)) != 0)
        memset(f->marks, 0, (size_t)f->width * (size_t)f->height);
    f->inner = inner;
}

void flat_feed(struct flat *f, const struct image *picture, struct synth_inner inner, bool cut)
{
    uint8_t *luma = f->old;

    if (f->width == 0)
        return;
    f->old = f->luma;
    f->luma = luma;
    set_inner(f, inner);
    make_luma(f, picture);
    if (f->known) {
        float moving = (moving_part(f) - MOVING_SOME) / (MOVING_MOST - MOVING_SOME);
        moving = moving < 0 ? 0 : moving > 1 ? 1 : moving;
        mark(f, (int)(moving * (cut ? ADD_CUT : ADD) + 0.5f));
        make_plates(f);
        ease_weights(f, cut);
    }
    f->known = true;
}

float flat_share(const struct flat *f)
{
    float sum = 0;

    for (int i = 0; i < f->columns * f->rows; i++)
        sum += f->weight[i];
    return f->width > 0 ? sum / (float)(f->columns * f->rows) : 0;
}

// The nearness that a part of what lies under a plate is behind.
static float level_of(const struct flat *f, const struct plate *p, const float *nearness, int width,
                      int height)
{
    enum { BINS = 128 };
    int bins[BINS] = {0}, count = 0, below = 0, bin = 0;
    int left = p->left * BLOCK * width / f->width, top = p->top * BLOCK * height / f->height;
    int right = (p->right + 1) * BLOCK * width / f->width;
    int bottom = (p->bottom + 1) * BLOCK * height / f->height;

    for (int y = top; y < bottom && y < height; y++)
        for (int x = left; x < right && x < width; x++, count++) {
            int at = (int)(nearness[(size_t)y * (size_t)width + (size_t)x] * BINS);
            bins[at < 0 ? 0 : at >= BINS ? BINS - 1 : at]++;
        }
    while (bin < BINS - 1 && (float)(below + bins[bin]) < BEHIND * (float)count)
        below += bins[bin++];
    float part = bins[bin] > 0 ? (BEHIND * (float)count - (float)below) / (float)bins[bin] : 1;
    return ((float)bin + part) / BINS;
}

static void set_levels(struct flat *f, const float *nearness, int width, int height)
{
    for (int i = 0; i < f->plates; i++) {
        const struct plate *p = &f->plate[i];
        float level = level_of(f, p, nearness, width, height);
        for (int y = p->top - 1; y <= p->bottom + 1; y++)
            for (int x = p->left - 1; x <= p->right + 1; x++)
                if (x >= 0 && x < f->columns && y >= 0 && y < f->rows)
                    f->level[y * f->columns + x] = level;
    }
}

// Weight and level between the centres of four blocks.
static void press_cell(const struct flat *f, float u, float v, float *near)
{
    int x = (int)floorf(u), y = (int)floorf(v);
    float weight = 0, sum = 0;

    for (int i = 0; i < 4; i++) {
        int a = x + i % 2, b = y + i / 2;
        float w = (i % 2 ? u - (float)x : 1 - (u - (float)x)) *
                  (i / 2 ? v - (float)y : 1 - (v - (float)y));
        a = a < 0 ? 0 : a < f->columns ? a : f->columns - 1;
        b = b < 0 ? 0 : b < f->rows ? b : f->rows - 1;
        w *= f->weight[b * f->columns + a];
        weight += w;
        sum += w * f->level[b * f->columns + a];
    }
    if (weight > 0)
        *near += weight * (sum / weight - *near);
}

void flat_press(struct flat *f, float *nearness, int width, int height)
{
    if (!(flat_share(f) > 0))
        return;
    set_levels(f, nearness, width, height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            press_cell(f, ((float)x + 0.5f) * (float)f->width / (float)(width * BLOCK) - 0.5f,
                       ((float)y + 0.5f) * (float)f->height / (float)(height * BLOCK) - 0.5f,
                       &nearness[(size_t)y * (size_t)width + (size_t)x]);
}
