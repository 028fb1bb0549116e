#include "engine/flat.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"

// Edges so near to the picture's border are its bars', or too few pixels around them.
#define BORDER 2
// What a picture adds for an edge that stays, and a cut.
#define ADD 10
#define ADD_CUT 60
// Marks in a block of BLOCK x BLOCK pixels that make lettering, and most of the picture that it may
// cover: more is no lettering.
#define BLOCK PLATES_BLOCK_PX
#define DENSE 8
#define SHARE_MOST 0.25f
// Strokes in a block of lettering that has just come, in its thin parts, and in what is left of it.
#define STROKES_DENSE 8
#define STROKES_THIN 4
// Of a caption that comes: blocks of lettering that it needs and that it is wide, how many times
// as wide as high it is at least, and the part of all strokes that come with it that must lie in
// lettering. What somebody who walks by uncovers meanwhile is less wide.
#define CAPTION_BLOCKS 8
#define CAPTION_ACROSS 8
#define CAPTION_WIDE 2
#define CAPTION_PART 0.5f
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
    bool judged;                      // counts are of the picture that was looked at last
    // [rows][columns], marks in each block, see struct marks_job; strokes, see struct strokes_job
    uint8_t *counts, *fresh, *strokes;
    uint8_t *caption; // [rows][columns], 1: of one that has come, and is still there
    uint8_t *label;   // [rows][columns], 1: lettering
    int *stack;       // [rows * columns]
    float *weight;    // [rows][columns], how much of a plate lies there
    struct plate plate[PLATES_MAX];
    int plates;
    // in the device's memory:
    uint8_t *block, *luma, *old, *marks, *state; // [height][width]
    uint8_t *counts_there;                       // [3][rows][columns], as counts and what follows
    struct marks_edges *edges;
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
    f->device->give_host(f->counts);
    f->device->give_host(f->weight);
    mem_free(f->label);
    mem_free(f->caption);
    mem_free(f->stack);
    f->device->give(f->block);
    f->device->give(f->edges);
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

// What was seen of pixels.
static void forget(struct flat *f)
{
    f->device->clear(f->marks, 2 * (size_t)f->width * (size_t)f->height);
}

void flat_reset(struct flat *f)
{
    if (f->width == 0)
        return;
    f->known = f->judged = false;
    f->plates = 0;
    memset(f->caption, 0, (size_t)f->columns * (size_t)f->rows);
    forget(f);
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
    f->counts = f->device->take_host(3 * blocks);
    f->weight = f->device->take_host(blocks * sizeof(*f->weight));
    f->label = mem_try_block(blocks);
    f->caption = mem_try_block(blocks);
    f->stack = mem_try_block(blocks * sizeof(*f->stack));
    f->block = f->device->take(4 * count + 3 * blocks);
    f->edges = f->device->take(sizeof(*f->edges));
    f->weight_there = f->device->take(2 * blocks * sizeof(*f->weight_there));
    if (f->counts == NULL || f->weight == NULL || f->label == NULL || f->caption == NULL ||
        f->stack == NULL || f->block == NULL || f->edges == NULL || f->weight_there == NULL) {
        log_error("no memory to look for captions in %dx%d pixels", width, height);
        release(f);
        return false;
    }
    f->luma = f->block;
    f->old = f->luma + count;
    f->marks = f->old + count;
    f->state = f->marks + count;
    f->counts_there = f->state + count;
    f->fresh = f->counts + blocks;
    f->strokes = f->fresh + blocks;
    f->level = f->weight_there + blocks;
    f->width = width;
    f->height = height;
    flat_reset(f);
    return true;
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

// Keeps the lettering in a box around strokes that have just come, if that is what a caption is.
static void keep(struct flat *f, const struct plate *box)
{
    int wide = box->right - box->left + 1, high = box->bottom - box->top + 1, dense = 0;

    for (int i = 0; i < wide * high; i++)
        dense +=
            f->fresh[(box->top + i / wide) * f->columns + box->left + i % wide] >= STROKES_DENSE;
    if (dense < CAPTION_BLOCKS || wide < CAPTION_ACROSS || wide < CAPTION_WIDE * high)
        return;
    for (int i = 0; i < wide * high; i++) {
        int at = (box->top + i / wide) * f->columns + box->left + i % wide;
        f->caption[at] |= f->fresh[at] >= STROKES_THIN;
    }
}

// Captions that come, and those that go.
static void follow_captions(struct flat *f)
{
    int all = 0, dense = 0;

    for (int i = 0; i < f->columns * f->rows; i++) {
        f->caption[i] &= f->strokes[i] >= STROKES_THIN;
        f->label[i] = f->fresh[i] >= STROKES_THIN;
        all += f->fresh[i];
        dense += f->fresh[i] >= STROKES_DENSE ? f->fresh[i] : 0;
    }
    if ((float)dense < CAPTION_PART * (float)all)
        return;
    for (int block = 0; block < f->columns * f->rows; block++) {
        struct plate box;
        if (!f->label[block])
            continue;
        flood(f, block, &box);
        keep(f, &box);
    }
}

static void make_plates(struct flat *f)
{
    int area = 0;

    f->plates = 0;
    for (int i = 0; i < f->columns * f->rows; i++)
        f->label[i] = f->counts[i] >= DENSE || f->caption[i];
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
        forget(f);
    f->inner = inner;
}

void flat_look(struct flat *f, const struct image *picture, struct synth_inner inner, bool cut)
{
    uint8_t *luma = f->old;
    struct grey_job grey = {*picture, luma};
    struct marks_job marks = {
        .luma = luma,
        .old = f->luma,
        .width = f->width,
        .height = f->height,
        .cut = cut,
        .add = cut ? ADD_CUT : ADD,
        .marks = f->marks,
        .edges = f->edges,
        .counts = f->counts_there,
    };
    size_t blocks = (size_t)f->columns * (size_t)f->rows;
    struct strokes_job strokes = {
        .luma = luma,
        .old = f->luma,
        .width = f->width,
        .height = f->height,
        .cut = cut,
        .edges = f->edges,
        .state = f->state,
        .fresh = f->counts_there + blocks,
        .all = f->counts_there + 2 * blocks,
    };

    if (f->width == 0)
        return;
    f->old = f->luma;
    f->luma = luma;
    set_inner(f, inner);
    marks.left = f->inner.left, marks.top = f->inner.top;
    marks.right = f->inner.right, marks.bottom = f->inner.bottom;
    strokes.left = marks.left, strokes.top = marks.top;
    strokes.right = marks.right, strokes.bottom = marks.bottom;
    f->kernels->grey(&grey);
    f->judged = f->known;
    f->known = true;
    if (!f->judged)
        return;
    f->kernels->marks(&marks);
    f->kernels->strokes(&strokes);
    f->device->download(f->counts, f->counts_there, 3 * blocks);
}

void flat_feed(struct flat *f, bool cut)
{
    if (!f->judged)
        return;
    follow_captions(f);
    make_plates(f);
    ease_weights(f, cut);
    f->judged = false;
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
