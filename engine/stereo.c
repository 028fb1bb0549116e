#include "engine/stereo.h"

#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"

// The refinement works on a grid at least this wide: finer than networks answer, and small enough
// for the second cache.
#define GRID_WIDTH 320
// Half the width of the refinement's window, in pixels of the network's answer.
#define WINDOW_NEAR_PX 2.0f
// Colours nearer to each other than this part of the range are noise.
#define COLOUR_NOISE 0.02f
#define EDGE_GAIN 6.0f
// Picture width for which an edge's soft pixels reach one to either side.
#define SOFT_EDGE_WIDTH 640
// Steps of so many times an edge's softness are stretched, wider ones torn.
#define TEAR 1.5f

// Runs of rows that each thread draws: few, as some rows at the border of two are worked on twice.
#define DRAW_BANDS 4

struct stereo {
    const struct kernels *kernels;
    const struct device *device;
    int threads;
    int width, height; // 0: no room
    struct image picture, fine, small;
    struct refine_grid grid;
    uint8_t *picture_block, *fine_block, *small_block;
    float *cells, *refine_scratch, *synth_scratch;
    uint8_t *rows_here; // see stereo_rows(); NULL: not asked for yet
};

struct stereo *stereo_create(const struct kernels *kernels, int threads)
{
    struct stereo *s = mem_new(1, sizeof(*s));

    s->kernels = kernels;
    s->device = kernels->device;
    s->threads = threads > 0 ? threads : parallel_cores();
    return s;
}

static void release(struct stereo *s)
{
    s->device->give(s->picture_block);
    s->device->give(s->fine_block);
    s->device->give(s->small_block);
    s->device->give(s->cells);
    s->device->give(s->refine_scratch);
    s->device->give(s->synth_scratch);
    s->device->give_host(s->rows_here);
    s->picture_block = s->fine_block = s->small_block = s->rows_here = NULL;
    s->fine = (struct image){0};
    s->cells = s->refine_scratch = s->synth_scratch = NULL;
    s->width = s->height = 0;
}

void stereo_destroy(struct stereo **stereo)
{
    if (*stereo == NULL)
        return;
    release(*stereo);
    mem_free(*stereo);
    *stereo = NULL;
}

static uint8_t *image_init(const struct device *device, struct image *image, int width, int height,
                           size_t pixel_bytes)
{
    size_t stride =
        (((size_t)width + 2 * IMAGE_PAD_PX) * pixel_bytes + MEM_ALIGN - 1) / MEM_ALIGN * MEM_ALIGN;
    // taps of the last row reach past it
    uint8_t *block = device->take(stride * (size_t)height + MEM_ALIGN);

    if (block != NULL)
        *image = (struct image){block + IMAGE_PAD_PX * pixel_bytes, width, height, stride};
    return block;
}

static int log2_step_for(int width)
{
    int step = 0;

    while (step < 3 && width >> (step + 1) >= GRID_WIDTH)
        step++;
    return step;
}

bool stereo_resize(struct stereo *s, int width, int height)
{
    int log2_step = log2_step_for(width), step = 1 << log2_step;
    int grid_width = (width + step - 1) / step, grid_height = (height + step - 1) / step;
    size_t stride = ((size_t)grid_width + 15) / 16 * 16;

    if (s->width == width && s->height == height)
        return true;
    release(s);
    s->picture_block = image_init(s->device, &s->picture, width, height, 4);
    s->small_block = image_init(s->device, &s->small, grid_width, grid_height, 4);
    s->cells = s->device->take(stride * REFINE_PLANES * (size_t)grid_height * sizeof(float));
    s->refine_scratch =
        s->device->take(s->kernels->refine_scratch_bytes(grid_width, grid_height, s->threads));
    s->synth_scratch =
        s->device->take(s->kernels->synth_scratch_bytes(width, height, s->threads * DRAW_BANDS));
    if (s->picture_block == NULL || s->small_block == NULL || s->cells == NULL ||
        s->refine_scratch == NULL || s->synth_scratch == NULL) {
        log_error("no memory to convert pictures of %dx%d pixels; use a smaller video", width,
                  height);
        release(s);
        return false;
    }
    s->grid = (struct refine_grid){s->cells, grid_width, grid_height, (int)stride, log2_step};
    s->width = width;
    s->height = height;
    return true;
}

bool stereo_keep_fine(struct stereo *s, bool wanted)
{
    if (wanted == (s->fine_block != NULL))
        return true;
    s->device->give(s->fine_block);
    s->fine_block = wanted ? image_init(s->device, &s->fine, s->width, s->height, 8) : NULL;
    if (s->fine_block == NULL)
        s->fine = (struct image){0};
    if (wanted && s->fine_block == NULL)
        log_error("no memory to convert pictures of %dx%d pixels with more than 8 bits a sample",
                  s->width, s->height);
    return wanted == (s->fine_block != NULL);
}

const struct image *stereo_picture(const struct stereo *s)
{
    return &s->picture;
}

const struct image *stereo_fine(const struct stereo *s)
{
    return &s->fine;
}

const struct image *stereo_shrink(struct stereo *s)
{
    struct shrink_job job = {s->picture, s->small, s->grid.log2_step, s->threads};

    s->kernels->shrink(&job);
    return &s->small;
}

const struct image *stereo_small(const struct stereo *s)
{
    return &s->small;
}

static int window_radius(const struct stereo *s, int near_width)
{
    int radius = (int)(WINDOW_NEAR_PX * (float)s->grid.width / (float)near_width + 0.5f);

    return radius < 2 ? 2 : radius > REFINE_RADIUS_MAX ? REFINE_RADIUS_MAX : radius;
}

void stereo_refine(struct stereo *s, const float *nearness, int near_width, int near_height)
{
    struct refine_job job = {
        .guide = s->small,
        .picture_width = s->width,
        .picture_height = s->height,
        .nearness = nearness,
        .near_width = near_width,
        .near_height = near_height,
        .radius = window_radius(s, near_width),
        .smooth = COLOUR_NOISE * COLOUR_NOISE,
        .gain = EDGE_GAIN,
        .out = s->grid,
        .bands = s->threads,
        .scratch = s->refine_scratch,
    };

    s->kernels->refine(&job);
}

static struct synth_inner inner_of(const struct stereo *s, const struct stereo_view *view)
{
    return view->inner.right > 0 ? view->inner : (struct synth_inner){0, 0, s->width, s->height};
}

static int look_px(const struct stereo *s)
{
    int soft = (s->width + SOFT_EDGE_WIDTH / 2) / SOFT_EDGE_WIDTH;

    return soft < REFINE_SOFT_MAX ? soft : REFINE_SOFT_MAX;
}

void stereo_draw(struct stereo *s, const struct stereo_view *view)
{
    struct synth_job synth = {
        .picture = s->picture,
        .fine = s->fine,
        .inner = inner_of(s, view),
        .grid = s->grid,
        .gain_px = {view->gain_px[0], view->gain_px[1]},
        .convergence = view->convergence,
        .tear_px = TEAR * (s->width > SOFT_EDGE_WIDTH ? (float)s->width / SOFT_EDGE_WIDTH : 1.0f),
        .look_px = look_px(s),
        .soft_px = look_px(s) - 1 > 0 ? look_px(s) - 1 : 0,
        .eye = {view->eye[0], view->eye[1]},
        .stride_bytes = view->stride_bytes,
        .bands = s->threads * DRAW_BANDS,
        .threads = s->threads,
        .scratch = s->synth_scratch,
    };

    if (!view->refined && (synth.gain_px[0] != 0 || synth.gain_px[1] != 0))
        stereo_refine(s, view->nearness, view->near_width, view->near_height);
    s->kernels->synth(&synth);
}

struct rows {
    struct stereo *stereo;
    struct refine_grid grid; // on the host, as all of this
    struct image picture;
    struct refine_look look; // at that picture
    float *near;             // a row for each band
    size_t near_floats;
    stereo_row *row;
    void *user;
};

static void bands_of_rows(void *user, int first, int end)
{
    const struct rows *r = user;
    const struct stereo *s = r->stereo;

    for (int band = first; band < end; band++) {
        float *near = r->near + (size_t)band * r->near_floats + REFINE_SLACK;
        int begin = (int)((long long)s->height * band / s->threads);
        int stop = (int)((long long)s->height * (band + 1) / s->threads);
        for (int y = begin; y < stop; y++) {
            s->kernels->refine_rows(&r->grid, &r->look, y, 1, &near);
            r->row(r->user, y, near);
        }
    }
}

// Brings what a GPU has to the host.
static bool bring(struct stereo *s, struct rows *r)
{
    size_t picture = s->picture.stride_bytes * (size_t)s->height + MEM_ALIGN;
    size_t cells = (size_t)s->grid.stride * REFINE_PLANES * (size_t)s->grid.height * sizeof(float);

    r->near_floats = ((size_t)s->width + 2 * REFINE_SLACK + 15) / 16 * 16;
    if (s->rows_here == NULL)
        s->rows_here = s->device->take_host(picture + cells +
                                            (size_t)s->threads * r->near_floats * sizeof(float));
    if (s->rows_here == NULL) {
        log_error("no memory to show pictures of %dx%d pixels in this view", s->width, s->height);
        return false;
    }
    r->picture.pixels = s->rows_here + (s->picture.pixels - s->picture_block);
    r->grid.cells = (float *)(void *)(s->rows_here + picture);
    r->near = (float *)(void *)(s->rows_here + picture + cells);
    s->device->download(s->rows_here, s->picture_block, picture);
    s->device->download(r->grid.cells, s->grid.cells, cells);
    return s->device->wait();
}

bool stereo_rows(struct stereo *s, const struct stereo_view *view, stereo_row *row, void *user)
{
    struct synth_inner inner = inner_of(s, view);
    // synthesis has more room than a row with its slack
    struct rows rows = {.stereo = s,
                        .grid = s->grid,
                        .picture = s->picture,
                        .near = s->synth_scratch,
                        .near_floats = synth_scratch_floats(s->width),
                        .row = row,
                        .user = user};

    rows.look = (struct refine_look){&rows.picture, inner.left,   inner.top,
                                     inner.right,   inner.bottom, look_px(s)};
    stereo_refine(s, view->nearness, view->near_width, view->near_height);
    if (s->device->gpu && !bring(s, &rows))
        return false;
    parallel_rows(s->threads, s->threads, bands_of_rows, &rows);
    return true;
}
