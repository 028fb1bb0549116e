#include "viewer/overlay.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "kernels/kernels.h"

// More boxes than this become one.
#define BOXES_MAX 32
// Pieces closer together than this part of the frame's height belong together: lines of a caption.
#define TOUCH 40
// How long a depth takes for most of its way. Nearer: soon, as what came near would stick out of
// the caption. Farther: slowly, there is no hurry.
#define NEARER_NS (120 * NS_PER_MS)
#define FARTHER_NS (1500 * NS_PER_MS)
// A gap in the film's time longer than this is a seek.
#define BREAK_NS NS_PER_S

struct rect {
    int left, top, right, bottom;
};

struct box {
    struct rect rect;
    bool placed; // has a depth
    float parallax_pct;
    int move_px[2];
    size_t at; // of its colour in the overlay's pixels; its keep lies behind
};

struct overlay {
    int width, height;
    struct box boxes[BOXES_MAX]; // no two touch
    int count;
    // colour and keep of all boxes, each [height][width * 4], as struct overlay_job has them
    uint8_t *pixels;
    size_t bytes, room;
    // the same on a GPU, for eyes that are there
    const struct kernels *gpu; // its column; NULL: not needed yet
    uint8_t *gpu_pixels;
    size_t gpu_room;
    bool sent;       // what is to be drawn was queued to go there
    int64_t last_ns; // pts of the last frame; CLOCK_NONE: none
};

struct overlay *overlay_create(void)
{
    struct overlay *o = mem_new(1, sizeof(*o));

    o->last_ns = CLOCK_NONE;
    return o;
}

void overlay_destroy(struct overlay **overlay)
{
    if (!*overlay)
        return;
    if ((*overlay)->gpu)
        (*overlay)->gpu->device->give((*overlay)->gpu_pixels);
    mem_free((*overlay)->pixels);
    mem_free(*overlay);
    *overlay = NULL;
}

// --- boxes

static int least(int a, int b)
{
    return a < b ? a : b;
}

static int most(int a, int b)
{
    return a > b ? a : b;
}

// The part of a piece within the frame; false: none.
static bool visible(const struct overlay *o, const struct overlay_piece *p, struct rect *out)
{
    *out = (struct rect){most(p->x, 0), most(p->y, 0), (int)fmin((double)p->x + p->width, o->width),
                         (int)fmin((double)p->y + p->height, o->height)};
    return out->left < out->right && out->top < out->bottom;
}

static bool near(const struct rect *a, const struct rect *b, int gap)
{
    return a->left <= b->right + gap && b->left <= a->right + gap && a->top <= b->bottom + gap &&
           b->top <= a->bottom + gap;
}

// Puts the rect, and all boxes that it touches, into one box.
static void gather(struct overlay *o, struct rect r)
{
    int gap = o->height / TOUCH;

    for (int i = 0; i < o->count;) {
        const struct rect *b = &o->boxes[i].rect;

        if (!near(b, &r, gap) && o->count < BOXES_MAX) {
            i++;
            continue;
        }
        r = (struct rect){least(r.left, b->left), least(r.top, b->top), most(r.right, b->right),
                          most(r.bottom, b->bottom)};
        o->boxes[i] = o->boxes[--o->count];
        i = 0; // it may touch others now
    }
    o->boxes[o->count++] = (struct box){.rect = r};
}

static size_t plane_bytes(const struct box *b)
{
    return (size_t)(b->rect.right - b->rect.left) * (size_t)(b->rect.bottom - b->rect.top) * 4;
}

// Gives each box its memory, wholly transparent. False, logged: there is none.
static bool make_room(struct overlay *o)
{
    o->bytes = 0;
    for (int i = 0; i < o->count; i++) {
        o->boxes[i].at = o->bytes;
        o->bytes += 2 * plane_bytes(&o->boxes[i]);
    }
    if (o->bytes > o->room) {
        mem_free(o->pixels);
        o->pixels = mem_try_block(o->bytes);
        o->room = o->pixels ? o->bytes : 0;
        if (!o->pixels) {
            log_error("no memory for captions of %zu bytes", o->bytes);
            return false;
        }
    }
    for (int i = 0; i < o->count; i++) {
        const struct box *b = &o->boxes[i];

        memset(o->pixels + b->at, 0, plane_bytes(b));
        memset(o->pixels + b->at + plane_bytes(b), 255, plane_bytes(b));
    }
    return true;
}

// --- pieces into boxes

static unsigned by_255(unsigned v)
{
    return (v + 127) / 255;
}

// One pixel over another; a: of `over`, 0..255.
static void blend(uint8_t *colour, uint8_t *keep, const uint8_t *over, unsigned a, bool multiplied)
{
    for (int c = 0; c < 4; c++) {
        unsigned full = c == 3 ? 255 : over[c];
        unsigned add = multiplied ? least(over[c], (int)a) : (int)by_255(full * a);
        unsigned sum = add + by_255(colour[c] * (255 - a));

        keep[c] = (uint8_t)by_255(keep[c] * (255 - a));
        // what was rounded up here must not overflow where it is drawn
        colour[c] = (uint8_t)least((int)sum, 255 - keep[c]);
    }
}

static void stamp_row(const struct overlay_piece *p, const uint8_t *from, int count,
                      uint8_t *colour, uint8_t *keep)
{
    for (int x = 0; x < count; x++, colour += 4, keep += 4) {
        unsigned a = p->coverage ? by_255((unsigned)from[x] * p->colour[3]) : from[4 * x + 3];

        if (a > 0)
            blend(colour, keep, p->coverage ? p->colour : from + (size_t)x * 4, a, !p->coverage);
    }
}

static void stamp(struct overlay *o, const struct overlay_piece *p)
{
    struct rect r;
    struct box *b = o->boxes;

    if (!visible(o, p, &r))
        return;
    while (!near(&b->rect, &r, 0))
        b++;
    for (int y = r.top; y < r.bottom; y++) {
        uint8_t *colour = o->pixels + b->at +
                          ((size_t)(y - b->rect.top) * (size_t)(b->rect.right - b->rect.left) +
                           (size_t)(r.left - b->rect.left)) *
                              4;
        size_t skip = (size_t)(r.left - p->x) * (p->coverage ? 1 : 4);
        size_t row = (size_t)(y - p->y) * p->stride_bytes;

        stamp_row(p, (p->coverage ? p->coverage : p->rgba) + row + skip, r.right - r.left, colour,
                  colour + plane_bytes(b));
    }
}

// Boxes that lie where others lay before begin at their depth.
static void inherit(struct overlay *o, const struct box *old, int old_count)
{
    for (int i = 0; i < o->count; i++) {
        struct box *b = &o->boxes[i];

        for (int k = 0; k < old_count; k++) {
            if (!old[k].placed || !near(&b->rect, &old[k].rect, 0))
                continue;
            b->parallax_pct =
                b->placed ? fmaxf(b->parallax_pct, old[k].parallax_pct) : old[k].parallax_pct;
            b->placed = true;
        }
    }
}

bool overlay_set(struct overlay *o, const struct overlay_piece *pieces, int count, int width,
                 int height)
{
    struct box old[BOXES_MAX];
    int old_count = o->count;
    struct rect r;

    if (o->sent) // it may still be on its way
        o->gpu->device->wait();
    o->sent = false;
    memcpy(old, o->boxes, sizeof(old));
    o->width = width;
    o->height = height;
    o->count = 0;
    for (int i = 0; i < count; i++)
        if (visible(o, &pieces[i], &r))
            gather(o, r);
    if (!make_room(o)) {
        o->count = 0;
        return false;
    }
    for (int i = 0; i < count; i++)
        stamp(o, &pieces[i]);
    inherit(o, old, old_count);
    return true;
}

// --- drawing

static float wanted_pct(const struct overlay *o, const struct deep3d *converter,
                        const struct overlay_depth *depth, const struct rect *r)
{
    float w = (float)o->width, h = (float)o->height;
    struct deep3d_area area = {(float)r->left / w, (float)r->top / h, (float)r->right / w,
                               (float)r->bottom / h};

    if (depth->fixed)
        return depth->pct;
    return fmaxf(converter ? deep3d_parallax_over(converter, &area) : 0, depth->least_pct);
}

static void place(const struct overlay *o, struct box *b, float wanted, int64_t passed_ns)
{
    int total;

    if (!b->placed || passed_ns < 0 || passed_ns > BREAK_NS)
        b->parallax_pct = wanted;
    else
        b->parallax_pct +=
            (wanted - b->parallax_pct) *
            (1 - expf(-(float)passed_ns / (wanted > b->parallax_pct ? NEARER_NS : FARTHER_NS)));
    b->placed = true;
    total = (int)lroundf(b->parallax_pct / 100 * (float)o->width);
    b->move_px[0] = total - total / 2;
    b->move_px[1] = -(total / 2);
}

// The GPU that the calling thread works on has a copy of the pixels. False: it has not; logged the
// first time.
static bool send(struct overlay *o)
{
    char text[256];
    int index; // the thread works on the converter's already, and the column is the same for all

    if (o->sent)
        return o->gpu_pixels;
    if (!o->gpu)
        o->gpu = kernels_gpu(NULL, &index, text, sizeof(text));
    if (!o->gpu)
        return false;
    o->sent = true;
    if (o->bytes > o->gpu_room) {
        o->gpu->device->give(o->gpu_pixels);
        o->gpu_pixels = o->gpu->device->take(o->bytes);
        o->gpu_room = o->gpu_pixels ? o->bytes : 0;
        if (!o->gpu_pixels)
            log_error("no memory on the GPU for captions of %zu bytes", o->bytes);
    }
    if (o->gpu_pixels)
        o->gpu->device->upload(o->gpu_pixels, o->pixels, o->bytes);
    return o->gpu_pixels;
}

static void draw_box(const struct overlay *o, const struct box *b, const struct deep3d_eyes *eyes,
                     int eye)
{
    bool on_gpu = eyes->memory == DEEP3D_MEMORY_CUDA;
    const struct kernels *kernels = on_gpu ? o->gpu : kernels_best();
    const uint8_t *colour = (on_gpu ? o->gpu_pixels : o->pixels) + b->at;
    int width = b->rect.right - b->rect.left, x = b->rect.left + b->move_px[eye];
    int first = most(0, -x), end = least(width, o->width - x);
    size_t skip = (size_t)first * 4;
    struct overlay_job job = {
        .colour = colour + skip,
        .keep = colour + plane_bytes(b) + skip,
        .stride_bytes = (size_t)width * 4,
        .out_stride_bytes = eyes->stride_bytes,
        .width = end - first,
        .height = b->rect.bottom - b->rect.top,
    };

    if (first >= end)
        return;
    job.out =
        eyes->pixels[eye] + (size_t)b->rect.top * eyes->stride_bytes + (size_t)(x + first) * 4;
    kernels->overlay(&job);
}

void overlay_draw(struct overlay *o, const struct deep3d *converter,
                  const struct overlay_depth *depth, int64_t pts_ns, const struct deep3d_eyes *eyes)
{
    int64_t passed_ns = o->last_ns == CLOCK_NONE ? -1 : pts_ns - o->last_ns;

    o->last_ns = pts_ns;
    if (o->count == 0 || eyes->width != o->width || eyes->height != o->height || eyes->bits == 16)
        return;
    if (eyes->memory == DEEP3D_MEMORY_CUDA && !send(o))
        return;
    for (int i = 0; i < o->count; i++) {
        struct box *b = &o->boxes[i];

        place(o, b, wanted_pct(o, converter, depth, &b->rect), passed_ns);
        draw_box(o, b, eyes, 0);
        draw_box(o, b, eyes, 1);
    }
}

int overlay_box_count(const struct overlay *o)
{
    return o->count;
}

struct overlay_box overlay_box(const struct overlay *o, int index)
{
    const struct box *b = &o->boxes[index];

    assert(index >= 0 && index < o->count);
    return (struct overlay_box){b->rect.left,
                                b->rect.top,
                                b->rect.right - b->rect.left,
                                b->rect.bottom - b->rect.top,
                                b->parallax_pct,
                                {b->move_px[0], b->move_px[1]}};
}
