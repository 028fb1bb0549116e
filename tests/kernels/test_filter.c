// The small kernels between the network's answer and the eyes: each column against plain C, bit for
// bit, at odd sizes, with guard bytes all round. "gpu" as an argument: the GPU's column.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/range_math.h"
#include "tests/kernels/guard.h"

#define GUARD_BYTES 4096
#define COLUMNS_MAX 8

static const struct kernels *columns[COLUMNS_MAX]; // to be compared with plain C
static int column_count;

// Memory of a column's device between guard bytes, and the same on the host.
struct region {
    const struct device *device;
    uint8_t *block, *host;
    size_t bytes;
    void *data; // in the device
};

static struct region region_new(const struct device *device, const void *data, size_t bytes)
{
    struct region r = {.device = device, .bytes = bytes};

    r.block = device->take(bytes + 2 * GUARD_BYTES);
    r.host = device->take_host(bytes + 2 * GUARD_BYTES);
    assert_true(r.block != NULL && r.host != NULL);
    memset(r.host, 0xcd, bytes + 2 * GUARD_BYTES);
    memcpy(r.host + GUARD_BYTES, data, bytes);
    device->upload(r.block, r.host, bytes + 2 * GUARD_BYTES);
    assert_true(device->wait());
    r.data = r.block + GUARD_BYTES;
    return r;
}

// What lies there now is to be `expected`; frees.
static void region_same(struct region *r, const void *expected, const char *what)
{
    r->device->download(r->host, r->block, r->bytes + 2 * GUARD_BYTES);
    assert_true(r->device->wait());
    for (size_t i = 0; i < GUARD_BYTES; i++)
        if (r->host[i] != 0xcd || r->host[GUARD_BYTES + r->bytes + i] != 0xcd)
            fail_msg("%s: wrote outside its memory", what);
    if (memcmp(r->host + GUARD_BYTES, expected, r->bytes) != 0)
        fail_msg("%s: differs from plain C", what);
    r->device->give(r->block);
    r->device->give_host(r->host);
}

static float *random_nearness(size_t count)
{
    float *f = guard_new(count * sizeof(*f));

    for (size_t i = 0; i < count; i++)
        f[i] = random_int(0, 9) == 0 ? (float)random_int(0, 1) : random_float();
    return f;
}

static size_t image_bytes(const struct image *i)
{
    return i->stride_bytes * (size_t)(i->height - 1) + (size_t)(i->width + 2 * IMAGE_PAD_PX) * 4;
}

static struct image image_in(const struct device *device, const struct image *host,
                             struct region *out)
{
    struct image i = *host;

    *out = region_new(device, host->pixels - IMAGE_PAD_PX * 4, image_bytes(host));
    i.pixels = (uint8_t *)out->data + IMAGE_PAD_PX * 4;
    return i;
}

static void luma_of(const struct kernels *k, int width, int height)
{
    size_t plane = (size_t)width * (size_t)height;
    ptrdiff_t stride = motion_stride(width);
    // from the border's first pixel to its last
    size_t bytes = (size_t)(stride * (height + 2 * MOTION_PAD_PX - 1) + width + 2 * MOTION_PAD_PX);
    float *guide = random_nearness(3 * plane);
    uint8_t *out = guard_new(bytes);
    struct luma_job job = {.width = width, .height = height};
    struct region in = region_new(k->device, guide, 3 * plane * sizeof(*guide));
    struct region luma = region_new(k->device, out, bytes);
    ptrdiff_t first = MOTION_PAD_PX * stride + MOTION_PAD_PX;

    job.guide = in.data;
    job.out = (struct motion_plane){(uint8_t *)luma.data + first, stride};
    k->luma(&job);
    job.guide = guide;
    job.out.luma = out + first;
    kernels_column(0)->luma(&job);
    region_same(&in, guide, "luma's guide");
    region_same(&luma, out, "luma");
    guard_free(guide);
    guard_free(out);
}

static void grey_of(const struct kernels *k, int width, int height)
{
    struct guarded_image picture = guarded_image_new(width, height);
    size_t bytes = (size_t)width * (size_t)height;
    uint8_t *out = guard_new(bytes);
    struct region in, grey = region_new(k->device, out, bytes);

    guarded_image_fill(&picture);
    struct grey_job job = {image_in(k->device, &picture.image, &in), grey.data};
    k->grey(&job);
    job = (struct grey_job){picture.image, out};
    kernels_column(0)->grey(&job);
    region_same(&grey, out, "grey");
    region_same(&in, picture.image.pixels - IMAGE_PAD_PX * 4, "grey's picture");
    guard_free(out);
    guarded_image_free(&picture);
}

struct carried {
    size_t plane, cells;
    struct motion_vector *vectors;
    float *past, *old_guide, *now, *guide, *moved_past, *moved_guide;
    struct carry_sums *sums;
};

static struct carried carried_new(int width, int height)
{
    struct carried c = {.plane = (size_t)width * (size_t)height,
                        .cells = (size_t)(motion_cells(width) * motion_cells(height))};

    c.vectors = guard_new(c.cells * sizeof(*c.vectors));
    for (size_t i = 0; i < c.cells; i++)
        c.vectors[i] = (struct motion_vector){(int8_t)random_int(-MOTION_X, MOTION_X),
                                              (int8_t)random_int(-MOTION_Y, MOTION_Y)};
    c.past = random_nearness(c.plane);
    c.now = random_nearness(c.plane);
    c.old_guide = random_nearness(3 * c.plane);
    c.guide = random_nearness(3 * c.plane);
    // half of it like the old one
    for (size_t i = 0; i < 3 * c.plane; i += 2)
        c.guide[i] = c.old_guide[i];
    c.moved_past = guard_new(c.plane * sizeof(float));
    c.moved_guide = guard_new(3 * c.plane * sizeof(float));
    c.sums = guard_new(sizeof(*c.sums));
    return c;
}

// The past moved, the sums, and with them the filter.
static void carry_of(const struct kernels *k, int width, int height, bool compared)
{
    struct carried c = carried_new(width, height);
    size_t bytes = c.plane * sizeof(float);
    const void *host[] = {c.vectors, c.past,       c.old_guide,   c.now,
                          c.guide,   c.moved_past, c.moved_guide, c.sums};
    const size_t sizes[] = {c.cells * sizeof(*c.vectors),
                            bytes,
                            3 * bytes,
                            bytes,
                            3 * bytes,
                            bytes,
                            3 * bytes,
                            sizeof(*c.sums)};
    struct region r[8];

    for (int i = 0; i < 8; i++)
        r[i] = region_new(k->device, host[i], sizes[i]);
    struct carry_job job = {width,     height,    r[0].data, r[1].data,
                            r[2].data, r[5].data, r[6].data, compared ? r[3].data : NULL,
                            r[4].data, 0.3f,      r[7].data};
    struct steady_job steady = {.width = width,
                                .height = height,
                                .nearness = r[3].data,
                                .guide = r[4].data,
                                .old_guide = r[6].data,
                                .sums = r[7].data,
                                .breath = 0.8f,
                                .rest = 0.2f,
                                .still = 0.1f,
                                .moving = 0.5f,
                                .past = r[5].data,
                                .threads = 1};
    k->carry(&job);
    if (compared)
        k->steady(&steady);
    job = (struct carry_job){width,       height,       c.vectors,     c.past,
                             c.old_guide, c.moved_past, c.moved_guide, compared ? c.now : NULL,
                             c.guide,     0.3f,         c.sums};
    kernels_column(0)->carry(&job);
    steady.nearness = c.now, steady.guide = c.guide, steady.old_guide = c.moved_guide;
    steady.sums = c.sums, steady.past = c.moved_past;
    if (compared)
        kernels_column(0)->steady(&steady);
    for (int i = 7; i >= 0; i--)
        region_same(&r[i], host[i], "carry");
    for (int i = 0; i < 8; i++)
        guard_free((void *)host[i]);
}

static void spread_of(const struct kernels *k, int width, int height)
{
    size_t count = (size_t)width * (size_t)height;
    float *near = random_nearness(count);
    struct spread *plain = guard_new(sizeof(*plain));
    struct region in = region_new(k->device, near, count * sizeof(*near));
    struct region out = region_new(k->device, plain, sizeof(*plain));

    near[count / 2] = -0.25f; // as the filter leaves it now and then
    in.device->give(in.block);
    in.device->give_host(in.host);
    in = region_new(k->device, near, count * sizeof(*near));
    k->spread(&(struct spread_job){in.data, width, height, out.data});
    kernels_column(0)->spread(&(struct spread_job){near, width, height, plain});
    assert_true(order_value(plain->least) == 0.25f);
    region_same(&out, plain, "spread");
    region_same(&in, near, "spread's nearness");
    guard_free(plain);
    guard_free(near);
}

// Two pictures of any scale, with what is no number in them, one that is all the same, and such as
// leave no room for arithmetic: nearness is 0 to 1 whatever comes.
static void range_of(const struct kernels *k, int width, int height)
{
    int count = width * height;
    float *values = guard_new((size_t)count * sizeof(float)),
          *plain = guard_new((size_t)count * sizeof(float));
    struct range *state = guard_new(sizeof(*state));

    memset(state, 0, sizeof(*state));
    struct region kept = region_new(k->device, state, sizeof(*state));
    for (int picture = 0; picture < 7; picture++) {
        static const float least[] = {-5, -5, 3, -3e38f, 2.7e38f, 0, -5};
        static const float spans[] = {40, 40, 0, 3e37f, 3e37f, 1e-42f, 40};
        for (int i = 0; i < count; i++)
            values[i] = least[picture] + spans[picture] * random_float() * random_float();
        for (int i = 0; i < count / 50; i++)
            values[random_int(0, count - 1)] = i % 3 == 0   ? NAN
                                               : i % 3 == 1 ? INFINITY
                                                            : least[picture];
        struct region in = region_new(k->device, values, (size_t)count * sizeof(float));
        struct region out = region_new(k->device, plain, (size_t)count * sizeof(float));
        bool fresh = picture == 0 || picture == 3;
        struct range_job job = {in.data, count, fresh, kept.data, out.data};
        k->range(&job);
        job = (struct range_job){values, count, fresh, state, plain};
        kernels_column(0)->range(&job);
        for (int i = 0; i < count; i++)
            assert_true(plain[i] >= 0 && plain[i] <= 1);
        region_same(&out, plain, "range");
        region_same(&in, values, "range's values");
    }
    // what is kept; the bins are nobody's business
    kept.device->download(kept.host, kept.block, kept.bytes + 2 * GUARD_BYTES);
    assert_true(kept.device->wait());
    assert_memory_equal(kept.host + GUARD_BYTES, state, offsetof(struct range, ends));
    memcpy(state, kept.host + GUARD_BYTES, sizeof(*state));
    region_same(&kept, state, "range's state");
    guard_free(values);
    guard_free(plain);
    guard_free(state);
}

// One value far beyond all others, or a hundredth of them, takes nobody's depth away.
static void strays_do_not_change_the_range(void **state)
{
    enum { COUNT = 1000 };
    static const float strays[] = {1e30f, -1e30f, 1e6f, 12};
    float values[COUNT], out[COUNT];

    (void)state;
    for (size_t s = 0; s < sizeof(strays) / sizeof(*strays); s++)
        for (int many = 0; many < 2; many++) {
            struct range range = {0};
            for (int i = 0; i < COUNT; i++)
                values[i] = 10 + (float)i / COUNT;
            for (int i = 0; i < (many ? COUNT / 100 : 1); i++)
                values[i * 97] = strays[s];
            kernels_column(0)->range(&(struct range_job){values, COUNT, true, &range, out});
            for (int i = 1; i < COUNT; i += 10) // every one as without: 0.02 to 0.98 become 0 to 1
                assert_true(values[i] == strays[s] ||
                            fabsf(out[i] - fminf(fmaxf(((float)i / COUNT - 0.02f) / 0.96f, 0), 1)) <
                                0.013f);
        }
}

static void enlarge_of(const struct kernels *k, int width, int height)
{
    int in_width = random_int(1, width), in_height = random_int(1, height);
    size_t count = (size_t)in_width * (size_t)in_height;
    size_t bytes = (size_t)width * (size_t)height * sizeof(float);
    float *near = random_nearness(count), *plain = guard_new(bytes);
    struct region in = region_new(k->device, near, count * sizeof(*near));
    struct region out = region_new(k->device, plain, bytes);

    k->enlarge(&(struct enlarge_job){in.data, in_width, in_height, out.data, width, height});
    kernels_column(0)->enlarge(
        &(struct enlarge_job){near, in_width, in_height, plain, width, height});
    region_same(&out, plain, "enlarge");
    region_same(&in, near, "enlarge's input");
    guard_free(near);
    guard_free(plain);
}

// Two depths with colours of their own, whose edges do not quite agree, and noise in both.
static void snap_of(const struct kernels *k, int width, int height)
{
    size_t plane = (size_t)width * (size_t)height, bytes = plane * sizeof(float);
    float *near = random_nearness(plane), *guide = random_nearness(3 * plane);
    float *plain = guard_new(bytes), noise = 0.1f * random_float();
    int edge = random_int(0, width), off = random_int(-3, 3), slope = random_int(-2, 2);

    for (size_t i = 0; i < plane; i++) {
        int x = (int)(i % (size_t)width) + slope * (int)(i / (size_t)width);
        near[i] = noise * near[i] + (x < edge ? 0.2f : x < edge + 4 ? 0.5f : 0.7f);
        for (size_t c = 0; c < 3; c++)
            guide[c * plane + i] = noise * guide[c * plane + i] + (x < edge + off ? 0.3f : 0.8f);
    }
    struct region in[2] = {region_new(k->device, near, bytes),
                           region_new(k->device, guide, 3 * bytes)};
    struct region out = region_new(k->device, plain, bytes);
    k->snap(&(struct snap_job){width, height, in[0].data, in[1].data, out.data, 2});
    kernels_column(0)->snap(&(struct snap_job){width, height, near, guide, plain, 1});
    region_same(&out, plain, "snap");
    region_same(&in[0], near, "snap's nearness");
    region_same(&in[1], guide, "snap's guide");
    guard_free(near);
    guard_free(guide);
    guard_free(plain);
}

static void press_of(const struct kernels *k, int width, int height)
{
    size_t bytes = (size_t)width * (size_t)height * sizeof(float);
    float *near = random_nearness((size_t)width * (size_t)height), *plain = guard_new(bytes);
    struct region in = region_new(k->device, near, bytes),
                  out = region_new(k->device, plain, bytes);
    struct press_job job = {.in = in.data, .out = out.data, .width = width, .height = height};
    bool limited = random_int(0, 1) == 0;

    job.left = random_int(0, width - 1), job.right = random_int(job.left, width - 1);
    job.top = random_int(0, height - 1), job.bottom = random_int(job.top, height - 1);
    job.low = limited ? 0.2f : -INFINITY, job.high = limited ? 0.7f : INFINITY;
    k->press(&job);
    job.in = near, job.out = plain;
    kernels_column(0)->press(&job);
    region_same(&out, plain, "press");
    region_same(&in, near, "press's input");
    guard_free(near);
    guard_free(plain);
}

// A picture with black sides of any width, and a bright pixel here and there.
static void edges_of(const struct kernels *k, int width, int height)
{
    struct guarded_image picture = guarded_image_new(width, height);
    struct edges *plain = guard_new(sizeof(*plain));
    struct region in, out = region_new(k->device, plain, sizeof(*plain));
    int left = random_int(0, width / 2), top = random_int(0, height / 2);

    guarded_image_fill(&picture);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            if (x < left || y < top || x >= width - left || random_int(0, 40) == 0)
                memset(picture.image.pixels + (size_t)y * picture.image.stride_bytes +
                           (size_t)x * 4,
                       random_int(0, 60) == 0 ? 200 : 20, 4);
    struct edges_job job = {image_in(k->device, &picture.image, &in), out.data};
    k->edges(&job);
    job = (struct edges_job){picture.image, plain};
    kernels_column(0)->edges(&job);
    region_same(&out, plain, "edges");
    region_same(&in, picture.image.pixels - IMAGE_PAD_PX * 4, "edges' picture");
    guard_free(plain);
    guarded_image_free(&picture);
}

// Plates anywhere, one over the other, on blocks that have a past.
static void plates_of(const struct kernels *k, int width, int height)
{
    struct plates_job job = {.width = width, .height = height};
    job.picture_width = random_int(width, 3 * width);
    job.picture_height = random_int(height, 3 * height);
    job.columns = (job.picture_width + PLATES_BLOCK_PX - 1) / PLATES_BLOCK_PX;
    job.rows = (job.picture_height + PLATES_BLOCK_PX - 1) / PLATES_BLOCK_PX;
    job.count = random_int(0, PLATES_MAX);
    for (int i = 0; i < job.count; i++) {
        struct plate *p = &job.plate[i];
        p->left = random_int(0, job.columns - 1), p->right = random_int(p->left, job.columns - 1);
        p->top = random_int(0, job.rows - 1), p->bottom = random_int(p->top, job.rows - 1);
    }
    size_t blocks = (size_t)job.columns * (size_t)job.rows, count = (size_t)width * (size_t)height;
    float *near = random_nearness(count), *weight = random_nearness(blocks),
          *level = random_nearness(blocks);
    struct region r[3] = {region_new(k->device, near, count * sizeof(float)),
                          region_new(k->device, weight, blocks * sizeof(float)),
                          region_new(k->device, level, blocks * sizeof(float))};
    job.nearness = r[0].data, job.weight = r[1].data, job.level = r[2].data;
    k->plates(&job);
    job.nearness = near, job.weight = weight, job.level = level;
    kernels_column(0)->plates(&job);
    region_same(&r[2], level, "plates' levels");
    region_same(&r[0], near, "plates");
    region_same(&r[1], weight, "plates' weights");
    guard_free(near);
    guard_free(weight);
    guard_free(level);
}

// Two pictures that are alike in part, and marks that they find.
static void marks_of(const struct kernels *k, int width, int height)
{
    size_t count = (size_t)width * (size_t)height,
           blocks = (size_t)(marks_blocks(width) * marks_blocks(height));
    uint8_t *luma = guard_new(count), *old = guard_new(count), *marks = guard_new(count),
            *counts = guard_new(blocks);
    struct marks_edges edges = {0};
    int stay = random_int(0, 9);

    for (size_t i = 0; i < count; i++) {
        old[i] = (uint8_t)(random_int(0, 3) == 0 ? 200 : 40);
        luma[i] = (int)(i / 7 % 10) < stay ? old[i] : (uint8_t)random_next();
        marks[i] = (uint8_t)random_next();
    }
    struct region r[5] = {region_new(k->device, luma, count), region_new(k->device, old, count),
                          region_new(k->device, marks, count),
                          region_new(k->device, counts, blocks),
                          region_new(k->device, &edges, sizeof(edges))};
    struct marks_job job = {.luma = r[0].data,
                            .old = r[1].data,
                            .width = width,
                            .height = height,
                            .left = random_int(1, 3),
                            .top = random_int(1, 3),
                            .right = width - random_int(1, 3),
                            .bottom = height - random_int(1, 3),
                            .cut = random_int(0, 1) == 1,
                            .add = random_int(1, 60),
                            .marks = r[2].data,
                            .edges = r[4].data,
                            .counts = r[3].data};
    k->marks(&job);
    job.luma = luma, job.old = old, job.marks = marks, job.edges = &edges, job.counts = counts;
    kernels_column(0)->marks(&job);
    region_same(&r[4], &edges, "marks' edges");
    region_same(&r[3], counts, "marks' counts");
    region_same(&r[2], marks, "marks");
    region_same(&r[1], old, "marks' old luma");
    region_same(&r[0], luma, "marks' luma");
    guard_free(luma);
    guard_free(old);
    guard_free(marks);
    guard_free(counts);
}

static void strips_of(const struct kernels *k, int width, int height)
{
    bool fine = random_int(0, 1) == 0;
    size_t stride = (size_t)width * (fine ? 8 : 4), bytes = stride * (size_t)height;
    uint8_t *plain[2] = {guard_new(bytes), guard_new(bytes)};
    struct region r[2] = {region_new(k->device, plain[0], bytes),
                          region_new(k->device, plain[1], bytes)};
    struct strips_job job = {
        .eye = {r[0].data, r[1].data}, .stride_bytes = stride, .bits = fine ? 16 : 8};

    job.top = random_int(0, height), job.bottom = random_int(0, height);
    for (int eye = 0; eye < 2; eye++) {
        job.first[eye] = random_int(0, width - 1);
        job.count[eye] = random_int(0, width - job.first[eye]);
    }
    k->strips(&job);
    for (int eye = 0; eye < 2; eye++)
        job.eye[eye] = plain[eye];
    kernels_column(0)->strips(&job);
    for (int eye = 0; eye < 2; eye++) {
        region_same(&r[eye], plain[eye], "strips");
        guard_free(plain[eye]);
    }
}

// Semi-planar 4:2:0 of 8 or 10 bits.
static void glance_of(const struct kernels *k, int width, int height)
{
    enum { COPY_W = 33, COPY_H = 19 };
    bool wide = random_int(0, 1) == 0;
    size_t word = wide ? 2 : 1, half_w = (size_t)(width + 1) / 2, half_h = (size_t)(height + 1) / 2;
    size_t bytes[2] = {(size_t)width * (size_t)height * word, half_w * half_h * 2 * word};
    uint8_t *planes[2], *plain = guard_new(COPY_W * COPY_H * 4);
    struct region r[2], out = region_new(k->device, plain, COPY_W * COPY_H * 4);
    struct glance_job job = {.width = COPY_W, .height = COPY_H, .out = out.data};

    for (int i = 0; i < 2; i++) {
        planes[i] = guard_new(bytes[i]);
        for (size_t b = 0; b < bytes[i]; b++)
            planes[i][b] = (uint8_t)(wide && b % 2 ? random_next() & 3 : random_next());
        r[i] = region_new(k->device, planes[i], bytes[i]);
    }
    job.picture = (struct colour_job){
        .width = width,
        .height = height,
        .wide = wide,
        .matrix = colour_matrix_for(COLOUR_BT709, wide ? 10 : 8, 0, false, false)};
    for (int column = 0; column < 2; column++) {
        for (int i = 0; i < 3; i++) {
            const uint8_t *plane = column == 0 ? r[i > 0].data : planes[i > 0];
            job.picture.component[i] = (struct colour_component){
                plane + (i == 2 ? word : 0), (ptrdiff_t)((i ? 2 * half_w : (size_t)width) * word),
                i ? 2 : 1, i > 0, i > 0};
        }
        (column == 0 ? k : kernels_column(0))->glance(&job);
        job.out = plain;
    }
    region_same(&out, plain, "glance");
    for (int i = 0; i < 2; i++) {
        region_same(&r[i], planes[i], "glance's picture");
        guard_free(planes[i]);
    }
    guard_free(plain);
}

typedef void at_size(const struct kernels *k, int width, int height);

static void at_all_sizes(at_size *test, const char *name)
{
    random_start(name);
    for (int c = 0; c < column_count; c++)
        for (int i = 0; i < guard_size_count; i++)
            test(columns[c], guard_sizes[i][0], guard_sizes[i][1]);
}

static void luma(void **state)
{
    at_all_sizes(luma_of, "luma");
    at_all_sizes(grey_of, "grey");
}

static void carry_compared(const struct kernels *k, int width, int height)
{
    carry_of(k, width, height, true);
}

static void carry_alone(const struct kernels *k, int width, int height)
{
    carry_of(k, width, height, false);
}

static void carry(void **state)
{
    at_all_sizes(carry_compared, "carry");
    at_all_sizes(carry_alone, "carry without an answer");
}

static void spread(void **state)
{
    at_all_sizes(spread_of, "spread");
}

static void range(void **state)
{
    at_all_sizes(range_of, "range");
}

static void enlarge(void **state)
{
    at_all_sizes(enlarge_of, "enlarge");
}

static void snap(void **state)
{
    at_all_sizes(snap_of, "snap");
    at_all_sizes(snap_of, "snap again");
}

static void press(void **state)
{
    at_all_sizes(press_of, "press");
    at_all_sizes(press_of, "press again");
}

// Pictures that are alike in part, and strokes that came at any time before.
static void strokes_of(const struct kernels *k, int width, int height)
{
    size_t count = (size_t)width * (size_t)height,
           blocks = (size_t)(marks_blocks(width) * marks_blocks(height));
    uint8_t *luma = guard_new(count), *old = guard_new(count), *states = guard_new(count),
            *counts = guard_new(2 * blocks);
    struct marks_edges edges = {100, random_int(0, 1) == 0 ? 20 : 99};
    int right = width - STROKES_REACH_PX, left = STROKES_REACH_PX;

    for (size_t i = 0; i < count; i++) {
        int same = random_int(0, 2), last = random_int(0, 3);
        luma[i] = last == 0 ? (uint8_t)random_next() : i % 3 == 0 ? 200 : 20;
        old[i] = same == 0 ? luma[i] : same == 1 ? 60 : (uint8_t)random_next();
        states[i] = (uint8_t)random_int(0, random_int(0, 1) == 0 ? 10 : 255);
    }
    struct region r[5] = {region_new(k->device, luma, count), region_new(k->device, old, count),
                          region_new(k->device, states, count),
                          region_new(k->device, counts, 2 * blocks),
                          region_new(k->device, &edges, sizeof(edges))};
    struct strokes_job job = {.luma = r[0].data,
                              .old = r[1].data,
                              .width = width,
                              .height = height,
                              .left = left < right ? random_int(left, right) : width,
                              .top = random_int(0, height),
                              .right = right,
                              .bottom = random_int(0, height),
                              .cut = random_int(0, 3) == 0,
                              .edges = r[4].data,
                              .state = r[2].data,
                              .fresh = r[3].data,
                              .all = (uint8_t *)r[3].data + blocks};
    k->strokes(&job);
    job.luma = luma, job.old = old, job.state = states, job.edges = &edges, job.fresh = counts;
    job.all = counts + blocks;
    kernels_column(0)->strokes(&job);
    region_same(&r[4], &edges, "strokes' edges");
    region_same(&r[3], counts, "strokes' counts");
    region_same(&r[2], states, "strokes");
    region_same(&r[1], old, "strokes' old luma");
    region_same(&r[0], luma, "strokes' luma");
    guard_free(luma);
    guard_free(old);
    guard_free(states);
    guard_free(counts);
}

static void edges(void **state)
{
    at_all_sizes(edges_of, "edges");
}

static void plates(void **state)
{
    at_all_sizes(plates_of, "plates");
}

static void strokes(void **state)
{
    at_all_sizes(strokes_of, "strokes");
}

static void marks(void **state)
{
    at_all_sizes(marks_of, "marks");
}

static void strips(void **state)
{
    at_all_sizes(strips_of, "strips");
}

static void glance(void **state)
{
    at_all_sizes(glance_of, "glance");
}

// Which of the GPU's columns there are; false: none.
static bool find_columns(bool gpu)
{
    char text[256] = "";
    int index;
    const struct kernels *k;

    if (gpu) {
        k = kernels_gpu(NULL, &index, text, sizeof(text));
        printf("%s %s\n", k != NULL ? "on" : "SKIPPED: no GPU to test on:", text);
        if (k != NULL && k->device->enter(index))
            columns[column_count++] = k;
        return k != NULL;
    }
    for (int i = 0; (k = kernels_column(i)) != NULL; i++)
        columns[column_count++] = k;
    return true;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(luma),
        cmocka_unit_test(carry),
        cmocka_unit_test(spread),
        cmocka_unit_test(range),
        cmocka_unit_test(strays_do_not_change_the_range),
        cmocka_unit_test(enlarge),
        cmocka_unit_test(snap),
        cmocka_unit_test(press),
        cmocka_unit_test(edges),
        cmocka_unit_test(marks),
        cmocka_unit_test(strokes),
        cmocka_unit_test(plates),
        cmocka_unit_test(strips),
        cmocka_unit_test(glance),
    };

    if (!find_columns(argc > 1 && strcmp(argv[1], "gpu") == 0))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
