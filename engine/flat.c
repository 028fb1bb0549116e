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
#define BLOCK PLATES_BLOCK_PX
#define DENSE 8
#define SHARE_MOST 0.25f
// Of a plate: blocks of lettering that it needs, and the part of its box that they fill.
#define BLOCKS_LEAST 2
#define FULL 0.3f
// The part of the way to a plate, or back, that is gone with each picture.
#define EASE 0.2f

struct flat {
    const struct kernels *kernels;
    const struct device *device;
    int width, height, columns, rows; // 0: no room; columns and rows of blocks
    struct synth_inner inner;         // where edges are looked at
    bool known;                       // old is the previous picture
    uint8_t *block, *luma, *old;      // [height][width]; luma: of the picture looked at last
    uint8_t *marks;                   // [height][width]
    uint8_t *label;                   // [rows][columns], 1: lettering
    int *stack;                       // [rows * columns]
    float *weight;                    // [rows][columns], how much of a plate lies there
    struct plate plate[PLATES_MAX];
    int plates;
    // in the device's memory:
    uint8_t *grey;
    float *weight_there, *level; // level: where the plates lie, see struct plates_job
};

struct flat *flat_create(const struct kernels *kernels)
{
    struct flat *f = mem_new(1, sizeof(*f));

    f->kernels = kernels;
    f->device = kernels->device;
    return f;
}

static void release(struct flat *f)
{
    f->device->give_host(f->block);
    f->device->give_host(f->weight);
    mem_free(f->stack);
    f->device->give(f->grey);
    f->device->give(f->weight_there);
    *f = (struct flat){.kernels = f->kernels, .device = f->device};
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
    memset(f->weight, 0, (size_t)f->columns * (size_t)f->rows * sizeof(*f->weight));
    f->device->clear(f->level, (size_t)f->columns * (size_t)f->rows * sizeof(*f->level));
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
    f->block = f->device->take_host(3 * count + blocks);
    f->weight = f->device->take_host(blocks * sizeof(*f->weight));
    f->stack = mem_try_block(blocks * sizeof(*f->stack));
    f->grey = f->device->take(count);
    f->weight_there = f->device->take(2 * blocks * sizeof(*f->weight_there));
    if (f->block == NULL || f->weight == NULL || f->stack == NULL || f->grey == NULL ||
        f->weight_there == NULL) {
        log_error("no memory to look for captions in %dx%d pixels", width, height);
        release(f);
        return false;
    }
    f->luma = f->block;
    f->old = f->luma + count;
    f->marks = f->old + count;
    f->label = f->marks + count;
    f->level = f->weight_there + blocks;
    f->width = width;
    f->height = height;
    flat_reset(f);
    return true;
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
    for (int block = 0; block < f->columns * f->rows && f->plates < PLATES_MAX; block++) {
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

void flat_look(struct flat *f, const struct image *picture)
{
    uint8_t *luma = f->old;
    struct grey_job job = {*picture, f->grey};

    if (f->width == 0)
        return;
    f->old = f->luma;
    f->luma = luma;
    f->kernels->grey(&job);
    f->device->download(luma, f->grey, (size_t)f->width * (size_t)f->height);
}

void flat_feed(struct flat *f, struct synth_inner inner, bool cut)
{
    if (f->width == 0)
        return;
    set_inner(f, inner);
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

void flat_press(struct flat *f, float *nearness, int width, int height)
{
    struct plates_job job = {
        .nearness = nearness,
        .width = width,
        .height = height,
        .picture_width = f->width,
        .picture_height = f->height,
        .columns = f->columns,
        .rows = f->rows,
        .weight = f->weight_there,
        .level = f->level,
        .count = f->plates,
    };

    if (!(flat_share(f) > 0))
        return;
    memcpy(job.plate, f->plate, (size_t)f->plates * sizeof(*f->plate));
    f->device->upload(f->weight_there, f->weight,
                      (size_t)f->columns * (size_t)f->rows * sizeof(*f->weight));
    f->kernels->plates(&job);
}
