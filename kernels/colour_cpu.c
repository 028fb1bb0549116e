#include "kernels/colour.h"

#include <string.h>

#include "base/parallel.h"
#include "kernels/columns.h"
#include "kernels/variant.h"

// A picture is converted in tiles of this many pixels of this many rows: small enough for the first
// cache, tall enough that a turned tile fills whole cache lines of its column.
#define TILE_PX 512
#define TILE_ROWS 16

// Widens samples first..first+count-1 of a row to floats. The step is a constant in each call, so
// that each becomes a vector loop of its own.
static inline void widen_bytes(const uint8_t *row, int step, int count, float *restrict out)
{
    for (int i = 0; i < count; i++)
        out[i] = row[i * step];
}

static inline void widen_words(const uint8_t *row, int step, int count, float *restrict out)
{
    const uint16_t *words = (const uint16_t *)(const void *)row;

    for (int i = 0; i < count; i++)
        out[i] = words[i * step];
}

static void widen(const struct colour_component *c, bool wide, int y, int first, int count,
                  float *restrict out)
{
    const uint8_t *row =
        c->samples + y * c->stride_bytes + (ptrdiff_t)first * c->step * (wide ? 2 : 1);

    switch ((wide ? 8 : 0) + c->step) {
    case 1:
        widen_bytes(row, 1, count, out);
        break;
    case 2:
        widen_bytes(row, 2, count, out);
        break;
    case 4:
        widen_bytes(row, 4, count, out);
        break;
    case 8 + 1:
        widen_words(row, 1, count, out);
        break;
    case 8 + 2:
        widen_words(row, 2, count, out);
        break;
    default:
        widen_words(row, 4, count, out);
        break;
    }
}

// Chroma samples first..first+count-1 on the line of full-size row y.
static void chroma_line(const struct colour_component *c, const struct colour_job *job, int y,
                        int first, int count, float *restrict out)
{
    int rows = (job->height + (1 << c->shift_y) - 1) >> c->shift_y;
    int near = y >> c->shift_y, far = (y & 1) != 0 ? near + 1 : near - 1;
    float other[TILE_PX + 2];

    widen(c, job->wide, near, first, count, out);
    if (c->shift_y == 0 || far < 0 || far >= rows)
        return;
    widen(c, job->wide, far, first, count, other);
    for (int i = 0; i < count; i++)
        out[i] = colour_between_rows(out[i], other[i]);
}

static inline void spread(const float *restrict in, int shift, int cells, float *restrict out)
{
    int n = 1 << shift;

    for (int i = 0; i < cells; i++)
        for (int k = 0; k < n; k++)
            out[i * n + k] = colour_between_columns(in[i], in[i + 1], k, n);
}

// Component samples for pixels x..x+count-1 of row y. x is a multiple of 4; out has room for 4
// more.
static void component_line(const struct colour_component *c, const struct colour_job *job, int y,
                           int x, int count, float *restrict out)
{
    int columns = (job->width + (1 << c->shift_x) - 1) >> c->shift_x;
    int first = x >> c->shift_x,
        last = ((x + count - 1) >> c->shift_x) + 1; // the last is the right neighbour
    int readable = last < columns ? last : columns - 1;
    float line[TILE_PX + 2];

    if (c->shift_x == 0) {
        chroma_line(c, job, y, x, count, out);
        return;
    }
    chroma_line(c, job, y, first, readable - first + 1, line);
    for (int i = readable + 1; i <= last; i++)
        line[i - first] = line[readable - first];
    if (c->shift_x == 1)
        spread(line, 1, last - first, out);
    else
        spread(line, 2, last - first, out);
}

// A loop each, without a condition in it: so that it becomes a vector loop.
static void pack(struct colour_matrix matrix, float s[3][TILE_PX + 4], int count,
                 uint8_t *restrict out)
{
    for (int i = 0; i < count; i++) {
        uint32_t pixel = colour_pixel(&matrix, s[0][i], s[1][i], s[2][i]);
        memcpy(out + (size_t)i * 4, &pixel, 4);
    }
}

static void pack16(struct colour_matrix matrix, float s[3][TILE_PX + 4], int count,
                   uint8_t *restrict out)
{
    for (int i = 0; i < count; i++) {
        uint64_t pixel = colour_pack16(colour_rgb(&matrix, s[0][i], s[1][i], s[2][i]));
        memcpy(out + (size_t)i * 8, &pixel, 8);
    }
}

// From samples to R, G, B that a screen shows, in place.
static void tone_line(const struct colour_tone *tone, struct colour_matrix matrix,
                      float s[3][TILE_PX + 4], int count)
{
    for (int i = 0; i < count; i++) {
        struct colour_rgb v = colour_tone_rgb(&matrix, tone, s[0][i], s[1][i], s[2][i]);
        s[0][i] = v.r;
        s[1][i] = v.g;
        s[2][i] = v.b;
    }
}

static void convert_line(const struct colour_job *job, int y, int x, int count,
                         uint8_t *restrict out)
{
    static const struct colour_matrix same = {{{1, 0, 0, 0}, {0, 1, 0, 0}, {0, 0, 1, 0}}};
    struct colour_matrix matrix = job->matrix;
    float s[3][TILE_PX + 4];

    for (int i = 0; i < 3; i++)
        component_line(&job->component[i], job, y, x, count, s[i]);
    if (job->tone != NULL) {
        tone_line(job->tone, matrix, s, count);
        matrix = same;
    }
    if (job->out_bits == 16)
        pack16(matrix, s, count, out);
    else
        pack(matrix, s, count, out);
}

static int pixel_bytes(const struct colour_job *job)
{
    return job->out_bits == 16 ? 8 : 4;
}

// Where stored pixel (x, y) goes, and how far its right neighbour lies from it in the output.
static uint8_t *target(const struct colour_job *job, int x, int y, ptrdiff_t *out_step)
{
    int column, row, bytes = pixel_bytes(job);
    ptrdiff_t step, stride = (ptrdiff_t)job->out.stride_bytes;

    switch (job->quarter_turns) {
    case 0:
        column = x, row = y, step = bytes;
        break;
    case 1:
        column = job->height - 1 - y, row = x, step = stride;
        break;
    case 2:
        column = job->width - 1 - x, row = job->height - 1 - y, step = -bytes;
        break;
    default:
        column = y, row = job->width - 1 - x, step = -stride;
        break;
    }
    if (job->mirrored) {
        column = job->out.width - 1 - column;
        step = step == bytes || step == -bytes ? -step : step;
    }
    *out_step = step;
    return job->out.pixels + row * stride + (ptrdiff_t)column * bytes;
}

// A tile that does not stay as it lies: converted aside, then written along its columns.
KERNEL_INLINE void turned_tile(const struct colour_job *job, int x, int y, int count, int rows,
                               size_t bytes)
{
    uint64_t tile[TILE_ROWS][TILE_PX]; // a row's pixels lie one after the other, `bytes` each
    ptrdiff_t step = 0;
    uint8_t *to[TILE_ROWS];

    for (int r = 0; r < rows; r++) {
        convert_line(job, y + r, x, count, (uint8_t *)tile[r]);
        to[r] = target(job, x, y + r, &step);
    }
    for (size_t i = 0; i < (size_t)count; i++)
        for (int r = 0; r < rows; r++)
            memcpy(to[r] + (ptrdiff_t)i * step, (const uint8_t *)tile[r] + i * bytes, bytes);
}

static void pad_rows(void *user, int first, int end)
{
    const struct colour_job *job = user;
    const struct image *out = &job->out;
    size_t bytes = (size_t)pixel_bytes(job);

    for (int y = first; y < end && !job->bare; y++) {
        uint8_t *row = out->pixels + (size_t)y * out->stride_bytes,
                *right = row + (size_t)out->width * bytes;
        for (size_t i = 1; i <= IMAGE_PAD_PX; i++) {
            memcpy(row - i * bytes, row, bytes);
            memcpy(right + (i - 1) * bytes, right - bytes, bytes);
        }
    }
}

static void bands(void *user, int first, int end)
{
    const struct colour_job *job = user;
    struct image out = job->out;
    bool straight = job->quarter_turns == 0 && !job->mirrored;

    for (int band = first; band < end; band++) {
        int y = band * TILE_ROWS, rows = job->height - y < TILE_ROWS ? job->height - y : TILE_ROWS;
        for (int x = 0; x < job->width; x += TILE_PX) {
            int count = job->width - x < TILE_PX ? job->width - x : TILE_PX;
            if (!straight && job->out_bits == 16)
                turned_tile(job, x, y, count, rows, 8);
            else if (!straight)
                turned_tile(job, x, y, count, rows, 4);
            for (int r = y; straight && r < y + rows; r++)
                convert_line(job, r, x, count,
                             out.pixels + (size_t)r * out.stride_bytes +
                                 (size_t)(x * pixel_bytes(job)));
        }
        if (straight)
            pad_rows(user, y, y + rows);
    }
}

void KERNEL(colour)(const struct colour_job *job)
{
    parallel_rows((job->height + TILE_ROWS - 1) / TILE_ROWS, job->threads, bands, (void *)job);
    if (job->quarter_turns != 0 || job->mirrored)
        parallel_rows(job->out.height, job->threads, pad_rows, (void *)job);
}
