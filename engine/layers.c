#include "engine/layers.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"

#define GAP_PX 2

struct layers {
    int width, height;
    uint8_t *maps; // [LAYERS][height][width], as displayed
    float *sum;    // [height][width]
};

struct layers *layers_create(void)
{
    return mem_new(1, sizeof(struct layers));
}

void layers_destroy(struct layers **layers)
{
    if (*layers == NULL)
        return;
    mem_free((*layers)->maps);
    mem_free((*layers)->sum);
    mem_free(*layers);
    *layers = NULL;
}

bool layers_resize(struct layers *l, int width, int height)
{
    size_t count = (size_t)width * (size_t)height;

    if (l->maps != NULL && l->width == width && l->height == height)
        return true;
    mem_free(l->maps);
    mem_free(l->sum);
    l->maps = mem_try_block(LAYERS * count);
    l->sum = mem_try_block(count * sizeof(*l->sum));
    l->width = width;
    l->height = height;
    if (l->maps != NULL && l->sum != NULL)
        return true;
    log_error("no memory for the layers of %dx%d points", width, height);
    mem_free(l->maps);
    l->maps = NULL;
    return false;
}

// sRGB's transfer curve (IEC 61966-2-1).
static uint8_t displayed(float light)
{
    light = light > 0 ? light < 1 ? light : 1 : 0; // also for NaN
    return (uint8_t)(255 * (light <= 0.0031308f ? 12.92f * light
                                                : 1.055f * powf(light, 1 / 2.4f) - 0.055f) +
                     0.5f);
}

// How much of level k of n, counted from the nearest, lies in a slice.
static float part_of(int k, int n, int slice)
{
    float low = fmaxf((float)k / (float)n, (float)slice / LAYERS);
    float high = fminf((float)(k + 1) / (float)n, (float)(slice + 1) / LAYERS);

    return high > low ? (high - low) * (float)n : 0;
}

static void add_levels(const struct depth_levels *levels, size_t count, int slice, float *sum)
{
    memset(sum, 0, count * sizeof(*sum));
    for (int k = 0; k < levels->count; k++) {
        float part = part_of(levels->near_first ? k : levels->count - 1 - k, levels->count, slice);
        const float *p = levels->probability + (size_t)k * count;
        for (size_t i = 0; part > 0 && i < count; i++)
            sum[i] += part * p[i];
    }
}

static int slice_of(float nearness)
{
    int slice = nearness > 0 ? (int)((1 - nearness) * LAYERS) : LAYERS - 1; // also for NaN

    return slice < 0 ? 0 : slice < LAYERS ? slice : LAYERS - 1;
}

void layers_set(struct layers *l, const struct depth_levels *levels, const float *nearness)
{
    size_t count = (size_t)l->width * (size_t)l->height;
    uint8_t curve[1024];

    for (int i = 0; i < 1024; i++)
        curve[i] = displayed((float)i / 1023);
    for (int slice = 0; slice < LAYERS; slice++) {
        uint8_t *map = l->maps + (size_t)slice * count;
        if (levels->probability != NULL)
            add_levels(levels, count, slice, l->sum);
        for (size_t i = 0; i < count; i++) {
            float p = levels->probability != NULL ? l->sum[i] : slice_of(nearness[i]) == slice;
            map[i] = curve[p > 0 ? p < 1 ? (int)(p * 1023 + 0.5f) : 1023 : 0];
        }
    }
}

// A drawing on its way.
struct sheet {
    const struct layers *layers;
    const struct canvas *canvas;
    int left, top, tile_width, tile_height; // tiles without the gaps between them
};

// Where point `at` of `size` lies among `count` samples: the one before it, and how far beyond.
static int sample_at(int at, int size, int count, float *out_part)
{
    float place = ((float)at + 0.5f) * (float)count / (float)size - 0.5f;

    place = place > 0 ? place < (float)(count - 1) ? place : (float)(count - 1) : 0;
    *out_part = place - floorf(place);
    return (int)place;
}

static void tile_row(const struct sheet *s, int slice, int y, uint8_t *out)
{
    const struct layers *l = s->layers;
    float part_y, part_x;
    int row = sample_at(y, s->tile_height, l->height, &part_y);
    const uint8_t *a =
        l->maps + ((size_t)slice * (size_t)l->height + (size_t)row) * (size_t)l->width;
    const uint8_t *b = row + 1 < l->height ? a + l->width : a;

    for (int x = 0; x < s->tile_width; x++, out += 4) {
        int i = sample_at(x, s->tile_width, l->width, &part_x), next = i + 1 < l->width ? i + 1 : i;
        float above = (float)a[i] * (1 - part_x) + (float)a[next] * part_x;
        float below = (float)b[i] * (1 - part_x) + (float)b[next] * part_x;
        memset(out, (int)(above * (1 - part_y) + below * part_y + 0.5f), 3);
        out[3] = 255;
    }
}

static void sheet_rows(void *user, int first, int end)
{
    static const uint8_t black[3] = {0, 0, 0}, grey[3] = {128, 128, 128};
    const struct sheet *s = user;
    int step_x = s->tile_width + GAP_PX, step_y = s->tile_height + GAP_PX;

    for (int y = first; y < end; y++) {
        int line = y - s->top;
        canvas_fill(s->canvas, 0, y, s->canvas->width, 1, black);
        if (line < 0 || line >= LAYERS_ROWS * step_y - GAP_PX)
            continue;
        canvas_fill(s->canvas, s->left, y, LAYERS_COLUMNS * step_x - GAP_PX, 1, grey);
        for (int column = 0; line % step_y < s->tile_height && column < LAYERS_COLUMNS; column++)
            tile_row(s, line / step_y * LAYERS_COLUMNS + column, line % step_y,
                     s->canvas->pixels + (size_t)y * s->canvas->stride_bytes +
                         (size_t)(s->left + column * step_x) * 4);
    }
}

static void label(const struct sheet *s, float strength, float convergence)
{
    int letters = s->tile_height / 12;

    for (int slice = 0; letters >= 7 && slice < LAYERS; slice++) {
        float nearness = 1 - ((float)slice + 0.5f) / LAYERS;
        char text[24];
        snprintf(text, sizeof(text), "%+.1f%%", (double)(strength * (nearness - convergence)));
        canvas_number(s->canvas,
                      s->left + slice % LAYERS_COLUMNS * (s->tile_width + GAP_PX) + letters / 2,
                      s->top + slice / LAYERS_COLUMNS * (s->tile_height + GAP_PX) + letters / 2,
                      letters, text);
    }
}

void layers_draw(const struct layers *l, const struct canvas *canvas, float aspect, float strength,
                 float convergence, int threads)
{
    struct sheet s = {.layers = l, .canvas = canvas};
    float widest = (float)((canvas->width + GAP_PX) / LAYERS_COLUMNS - GAP_PX);
    float highest = (float)((canvas->height + GAP_PX) / LAYERS_ROWS - GAP_PX);

    s.tile_width = (int)fminf(widest, highest * aspect + 0.5f);
    s.tile_height = (int)fminf(highest, widest / aspect + 0.5f);
    if (s.tile_width < 1 || s.tile_height < 1)
        s.tile_width = s.tile_height = 0; // no room: black
    s.left = (canvas->width - LAYERS_COLUMNS * (s.tile_width + GAP_PX) + GAP_PX) / 2;
    s.top = (canvas->height - LAYERS_ROWS * (s.tile_height + GAP_PX) + GAP_PX) / 2;
    parallel_rows(canvas->height, threads, sheet_rows, &s);
    label(&s, strength, convergence);
}
