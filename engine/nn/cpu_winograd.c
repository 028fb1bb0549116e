#include "engine/nn/cpu_winograd.h"

#include <string.h>

#include "base/parallel.h"

#define LANES 8
#define POINTS 36 // of a tile of 6x6
#define TILE 4    // results of a tile, a side

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));
typedef int mask __attribute__((vector_size(LANES * sizeof(int))));

// How the work is cut: a job makes one of `parts` shares of the channels of one of `blocks` runs of
// tiles.
struct cut {
    int in_blocks, out_blocks; // of 8 channels
    int tiles_y, tiles_x, tiles;
    int blocks, parts;
    size_t in_stride, out_stride; // floats between two points of a run of tiles
};

// Transformed tiles stay in the second level of the cache; but weights come from the third, and
// are to be used for so many tiles at least.
#define RUN_BYTES (512 << 10)
#define RUN_TILES 24

static int divide_up(int a, int b)
{
    return (a + b - 1) / b;
}

static struct cut cut_of(const struct cpu_winograd *w)
{
    struct cut c = {.in_blocks = divide_up(w->in_channels, LANES),
                    .out_blocks = divide_up(w->out_channels, LANES),
                    .tiles_y = divide_up(w->out_height, TILE),
                    .tiles_x = divide_up(w->out_width, TILE),
                    .parts = 1};
    int tile_bytes = (c.in_blocks + c.out_blocks) * LANES * POINTS * (int)sizeof(float);
    int fit = RUN_BYTES / tile_bytes > RUN_TILES ? RUN_BYTES / tile_bytes : RUN_TILES;
    size_t run;

    c.tiles = w->images * c.tiles_y * c.tiles_x;
    c.blocks = divide_up(c.tiles, fit);
    if (c.blocks < w->threads && c.out_blocks / 2 >= w->threads)
        c.parts = w->threads;
    else
        c.blocks = divide_up(c.blocks, w->threads) * w->threads;
    // a line more, so that points do not share one set of the cache
    run = (size_t)divide_up(c.tiles, c.blocks) * LANES;
    c.in_stride = (size_t)c.in_blocks * run + 16;
    c.out_stride = (size_t)c.out_blocks * run + 16;
    return c;
}

// Cycles, roughly. oneDNN sums three pixels of up to four blocks of channels at once, and only
// eight sums fill two pipelines of four steps.
bool cpu_winograd_pays(const struct cpu_winograd *w)
{
    struct cut c = cut_of(w);
    double pairs = (double)c.in_blocks * LANES * c.out_blocks * LANES, tiles = (double)c.tiles;
    double pixels = (double)w->images * w->out_height * w->out_width;
    double sums = c.out_blocks < 3 ? 3.0 * c.out_blocks : 8, bytes = 4.0 * pairs;
    double direct = pixels * 9 * pairs / 16 * 8 / sums + 9 * bytes / 4;
    double tiled = tiles * POINTS * pairs / 16 + tiles * (c.in_blocks + c.out_blocks) * 350.0 +
                   POINTS * bytes / 4;

    return w->in_channels >= LANES && tiled < 0.8 * direct;
}

size_t cpu_winograd_weights(const struct cpu_winograd *w)
{
    struct cut c = cut_of(w);

    return (size_t)POINTS * (size_t)c.in_blocks * (size_t)c.out_blocks * LANES * LANES;
}

size_t cpu_winograd_scratch(const struct cpu_winograd *w)
{
    struct cut c = cut_of(w);

    return (c.in_stride + c.out_stride) * POINTS * (size_t)w->threads;
}

// Blocks of channels that are multiplied together, of those left: 6 tiles of 2 or 4 of 3 fill the
// registers with sums.
static inline int panel(int left)
{
    return left == 3 ? 3 : left >= 2 ? 2 : 1;
}

// One filter: G g G^T.
static void arrange_filter(const float *g, double u[6][6])
{
    static const double G[6][3] = {{0.25, 0, 0},
                                   {-1.0 / 6, -1.0 / 6, -1.0 / 6},
                                   {-1.0 / 6, 1.0 / 6, -1.0 / 6},
                                   {1.0 / 24, 1.0 / 12, 1.0 / 6},
                                   {1.0 / 24, -1.0 / 12, 1.0 / 6},
                                   {0, 0, 1}};
    double half[6][3];

    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 3; k++)
            half[i][k] =
                G[i][0] * (double)g[k] + G[i][1] * (double)g[3 + k] + G[i][2] * (double)g[6 + k];
    for (int i = 0; i < 6; i++)
        for (int k = 0; k < 6; k++)
            u[i][k] = half[i][0] * G[k][0] + half[i][1] * G[k][1] + half[i][2] * G[k][2];
}

// [POINTS][panels of up to 3 blocks][in][panel's channels]
void cpu_winograd_arrange(const struct cpu_winograd *w, const float *from, float *to)
{
    struct cut c = cut_of(w);
    size_t in = (size_t)c.in_blocks * LANES, point = in * (size_t)c.out_blocks * LANES;

    memset(to, 0, cpu_winograd_weights(w) * sizeof(float));
    for (int first = 0, wide; first < c.out_blocks; first += wide) {
        wide = panel(c.out_blocks - first);
        for (int o = first * LANES; o < (first + wide) * LANES && o < w->out_channels; o++)
            for (int i = 0; i < w->in_channels; i++) {
                float *at = to + (size_t)first * LANES * in + (size_t)i * (size_t)wide * LANES +
                            (size_t)(o - first * LANES);
                double u[6][6];

                arrange_filter(from + ((size_t)o * (size_t)w->in_channels + (size_t)i) * 9, u);
                for (int p = 0; p < POINTS; p++)
                    at[(size_t)p * point] = (float)u[p / 6][p % 6];
            }
    }
}

// B^T d of a line of 6 points.
static inline void transform_in(const vec *d, int step, vec *v, int out_step)
{
    vec d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step],
        d5 = d[5 * step];
    vec even = d4 - 4 * d2, odd = d3 - 4 * d1, near = d4 - d2, far = 2 * (d3 - d1);

    v[0] = 4 * d0 - 5 * d2 + d4;
    v[out_step] = even + odd;
    v[2 * out_step] = even - odd;
    v[3 * out_step] = near + far;
    v[4 * out_step] = near - far;
    v[5 * out_step] = 4 * d1 - 5 * d3 + d5;
}

// A^T m of a line of 6 points: 4 results.
static inline void transform_out(const vec *m, int step, vec *y, int out_step)
{
    vec s1 = m[step] + m[2 * step], d1 = m[step] - m[2 * step];
    vec s2 = m[3 * step] + m[4 * step], d2 = m[3 * step] - m[4 * step];

    y[0] = m[0] + s1 + s2;
    y[out_step] = d1 + 2 * d2;
    y[2 * out_step] = s1 + 4 * s2;
    y[3 * out_step] = d1 + 8 * d2 + m[5 * step];
}

// Where a tile's results begin.
struct place {
    int image, y, x;
};

static inline struct place place_of(const struct cut *c, int tile)
{
    int rest = tile % (c->tiles_y * c->tiles_x);

    return (struct place){tile / (c->tiles_y * c->tiles_x), rest / c->tiles_x * TILE,
                          rest % c->tiles_x * TILE};
}

// 6x6 pixels from (y, x) on of a plane of blocks; what lies outside is zero.
static inline void load_tile(const struct cpu_winograd *w, const float *plane, int y, int x,
                             vec d[POINTS])
{
    const vec *from = (const vec *)plane + (ptrdiff_t)y * w->in_width + x;
    bool inside = y >= 0 && x >= 0 && y + 6 <= w->in_height && x + 6 <= w->in_width;

    for (int i = 0; i < 6; i++, from += w->in_width)
        for (int k = 0; k < 6; k++)
            d[i * 6 + k] =
                inside || (y + i >= 0 && y + i < w->in_height && x + k >= 0 && x + k < w->in_width)
                    ? from[k]
                    : (vec){0};
}

// v: [POINTS][in_blocks][tiles][8]
static void take(const struct cpu_winograd *w, const struct cut *c, const float *x, int first,
                 int count, float *v)
{
    size_t plane = (size_t)w->in_height * (size_t)w->in_width * LANES;

    for (int b = 0; b < c->in_blocks; b++)
        for (int t = 0; t < count; t++) {
            struct place at = place_of(c, first + t);
            float *to = v + ((size_t)b * (size_t)count + (size_t)t) * LANES;
            vec d[POINTS], half[POINTS], full[6];

            load_tile(w, x + ((size_t)at.image * (size_t)c->in_blocks + (size_t)b) * plane,
                      at.y - w->begin_y, at.x - w->begin_x, d);
            for (int i = 0; i < 6; i++)
                transform_in(d + i, 6, half + i, 6);
            for (int i = 0; i < 6; i++) {
                transform_in(half + i * 6, 1, full, 1);
                for (int k = 0; k < 6; k++)
                    *(vec *)(to + (size_t)(i * 6 + k) * c->in_stride) = full[k];
            }
        }
}

// m[wide][.][rows][8] = sum over in of v[in / 8][.][rows][8] u[in][wide][8]
static inline __attribute__((always_inline)) void multiply(const float *v, size_t v_step,
                                                           const float *u, int in_blocks, float *m,
                                                           size_t m_step, int rows, int wide)
{
    vec sum[12];

#pragma GCC unroll 12
    for (int i = 0; i < rows * wide; i++)
        sum[i] = (vec){0};
    for (int b = 0; b < in_blocks; b++, v += v_step)
        for (int k = 0; k < LANES; k++, u += wide * LANES)
            for (int r = 0; r < rows; r++)
                for (int o = 0; o < wide; o++)
                    sum[r * wide + o] += v[r * LANES + k] * ((const vec *)u)[o];
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < wide; o++)
            *(vec *)(m + (size_t)o * m_step + r * LANES) = sum[r * wide + o];
}

#define ROWS(r, wide)                                                                              \
    case r:                                                                                        \
        multiply(v, step, u, in_blocks, m, step, r, wide);                                         \
        break;

static void multiply1(const float *v, size_t step, const float *u, int in_blocks, float *m,
                      int rows)
{
    switch (rows) {
        ROWS(1, 1) ROWS(2, 1) ROWS(3, 1) ROWS(4, 1) ROWS(5, 1) ROWS(6, 1)
    }
}

static void multiply2(const float *v, size_t step, const float *u, int in_blocks, float *m,
                      int rows)
{
    switch (rows) {
        ROWS(1, 2) ROWS(2, 2) ROWS(3, 2) ROWS(4, 2) ROWS(5, 2) ROWS(6, 2)
    }
}

static void multiply3(const float *v, size_t step, const float *u, int in_blocks, float *m,
                      int rows)
{
    switch (rows) {
        ROWS(1, 3) ROWS(2, 3) ROWS(3, 3) ROWS(4, 3)
    }
}

// m: [POINTS][out_blocks][tiles][8], of the blocks from `begin` to `end`
static void multiply_all(const struct cpu_winograd *w, const struct cut *c, const float *v,
                         int count, int begin, int end, float *m)
{
    static void (*const by_width[])(const float *, size_t, const float *, int, float *,
                                    int) = {NULL, multiply1, multiply2, multiply3};
    size_t in = (size_t)c->in_blocks * LANES, step = (size_t)count * LANES;

    for (int p = 0; p < POINTS; p++)
        for (int o = begin, wide; o < end; o += wide) {
            const float *u =
                w->weights + ((size_t)p * (size_t)c->out_blocks + (size_t)o) * LANES * in;

            wide = panel(c->out_blocks - o);
            for (int t = 0, rows; t < count; t += rows) {
                int most = wide == 3 ? 4 : 6;

                rows = (count - t) / divide_up(count - t, most);
                by_width[wide](
                    v + (size_t)p * c->in_stride + (size_t)t * LANES, step, u, c->in_blocks,
                    m + (size_t)p * c->out_stride + (size_t)o * step + (size_t)t * LANES, rows);
            }
        }
}

static inline vec choose(mask yes, vec a, vec b)
{
    return (vec)(((mask)a & yes) | ((mask)b & ~yes));
}

// Results out of m, where they lie in the picture.
static void give(const struct cpu_winograd *w, const struct cut *c, const float *m, int first,
                 int count, int begin, int end, float *y)
{
    size_t plane = (size_t)w->out_height * (size_t)w->out_width * LANES;

    for (int b = begin; b < end; b++) {
        vec bias = {0}, low = bias + w->low, high = bias + w->high;

        for (int i = 0; i < LANES && w->bias && b * LANES + i < w->out_channels; i++)
            bias[i] = w->bias[b * LANES + i];
        for (int t = 0; t < count; t++) {
            struct place at = place_of(c, first + t);
            const float *from = m + ((size_t)b * (size_t)count + (size_t)t) * LANES;
            float *to = y + ((size_t)at.image * (size_t)c->out_blocks + (size_t)b) * plane;
            int rows = w->out_height - at.y, columns = w->out_width - at.x;
            vec points[6], half[24], row[TILE];

            for (int i = 0; i < 6; i++) {
                for (int k = 0; k < 6; k++)
                    points[k] = *(const vec *)(from + (size_t)(k * 6 + i) * c->out_stride);
                transform_out(points, 1, half + i, 6);
            }
            for (int i = 0; i < TILE && i < rows; i++) {
                vec *out = (vec *)(to + ((size_t)(at.y + i) * (size_t)w->out_width + (size_t)at.x) *
                                            LANES);

                transform_out(half + i * 6, 1, row, 1);
                for (int k = 0; k < TILE && k < columns; k++) {
                    vec sum = row[k] + bias;

                    if (w->adds)
                        sum += out[k];
                    sum = choose(sum < low, low, sum);
                    out[k] = choose(sum > high, high, sum);
                }
            }
        }
    }
}

struct job {
    const struct cpu_winograd *w;
    struct cut cut;
    const float *x;
    float *y, *scratch;
};

static void some_jobs(void *user, int first, int end)
{
    const struct job *j = user;
    const struct cut *c = &j->cut;
    int jobs = c->blocks * c->parts;
    // parallel_rows gives thread t the rows from rows * t / threads on
    int threads = j->w->threads < jobs ? j->w->threads : jobs;
    size_t thread = ((size_t)first * (size_t)threads + (size_t)jobs - 1) / (size_t)jobs;
    float *v = j->scratch + thread * (c->in_stride + c->out_stride) * POINTS,
          *m = v + c->in_stride * POINTS;

    for (int i = first; i < end; i++) {
        int block = i % c->blocks, part = i / c->blocks;
        int tile = (int)((long long)c->tiles * block / c->blocks);
        int count = (int)((long long)c->tiles * (block + 1) / c->blocks) - tile;
        int begin = c->out_blocks / 2 * part / c->parts * 2;
        int stop =
            part + 1 == c->parts ? c->out_blocks : c->out_blocks / 2 * (part + 1) / c->parts * 2;

        take(j->w, c, j->x, tile, count, v);
        multiply_all(j->w, c, v, count, begin, stop, m);
        give(j->w, c, m, tile, count, begin, stop, j->y);
    }
}

void cpu_winograd_run(const struct cpu_winograd *w, const float *x, float *y, float *scratch)
{
    struct job j = {w, cut_of(w), x, y, scratch};

    parallel_rows(j.cut.blocks * j.cut.parts, w->threads, some_jobs, &j);
}
