// Levels, the filter over time, and the refinement to the picture's edges.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kernels/guard.h"

static void levels_are_the_expectation(void **state)
{
    random_start("levels");
    for (int i = 0; i < guard_size_count; i++) {
        int width = guard_sizes[i][0], height = guard_sizes[i][1], levels = random_int(2, 40);
        size_t plane = (size_t)width * (size_t)height, at = random_next() % plane;
        float *p = guard_new(plane * (size_t)levels * sizeof(float));
        float *plain[2] = {guard_new(plane * sizeof(float)), guard_new(plane * sizeof(float))};
        float *best[2] = {guard_new(plane * sizeof(float)), guard_new(plane * sizeof(float))};
        double sum = 0, mean = 0;
        for (size_t k = 0; k < plane * (size_t)levels; k++)
            p[k] = random_float() * random_float();
        struct levels_job job = {p, levels, width, height, plain[0], plain[1], 2, false};
        kernels_column(0)->levels(&job);
        job.nearness = best[0], job.sureness = best[1];
        kernels_best()->levels(&job);
        assert_memory_equal(plain[0], best[0], plane * sizeof(float));
        assert_memory_equal(plain[1], best[1], plane * sizeof(float));
        for (int k = 0; k < levels; k++) {
            sum += p[(size_t)k * plane + at];
            mean += (double)p[(size_t)k * plane + at] * k;
        }
        assert_float_equal(plain[0][at], mean / sum / (levels - 1), 1e-5);
        guard_free(p);
        for (int k = 0; k < 2; k++)
            guard_free(plain[k]), guard_free(best[k]);
    }
}

// One level certain: sure, and exactly that level. All alike: not sure at all, half way.
static void levels_know_how_sure_they_are(void **state)
{
    float p[5 * 3] = {0}, near[3], sure[3];
    struct levels_job job = {p, 5, 3, 1, near, sure, 1, false};

    p[4 * 3] = 1;     // pixel 0: the nearest level
    p[0 * 3 + 1] = 1; // pixel 1: the farthest
    for (int k = 0; k < 5; k++)
        p[k * 3 + 2] = 0.2f;
    kernels_best()->levels(&job);
    assert_float_equal(near[0], 1, 1e-6);
    assert_float_equal(near[1], 0, 1e-6);
    assert_float_equal(near[2], 0.5, 1e-6);
    assert_float_equal(sure[0], 1, 1e-6);
    assert_float_equal(sure[1], 1, 1e-6);
    assert_float_equal(sure[2], 0, 1e-3);
    memset(p, 0, sizeof(p)); // a broken network: nothing at all
    kernels_best()->levels(&job);
    assert_float_equal(near[0], 0, 0);
    assert_float_equal(sure[0], 0, 0);
}

static void steady_columns_agree(void **state)
{
    random_start("steady columns");
    for (int i = 0; i < guard_size_count; i++) {
        int width = guard_sizes[i][0], height = guard_sizes[i][1];
        size_t plane = (size_t)width * (size_t)height;
        float *in = guard_new(8 * plane * sizeof(float)), *past[2];
        for (size_t k = 0; k < 8 * plane; k++)
            in[k] = random_float() * (k < 5 * plane ? 1 : 0.1f);
        for (int k = 0; k < 2; k++) {
            past[k] = guard_new(plane * sizeof(float));
            memset(past[k], 0, plane * sizeof(float));
            struct steady_job job = {width,
                                     height,
                                     in,
                                     i % 2 ? in + plane : NULL,
                                     in + 2 * plane,
                                     in + 5 * plane,
                                     NULL,
                                     0,
                                     0.2f,
                                     0.3f,
                                     0.8f,
                                     past[k],
                                     2};
            (k == 0 ? kernels_column(0) : kernels_best())->steady(&job);
        }
        assert_memory_equal(past[0], past[1], plane * sizeof(float));
        for (int k = 0; k < 2; k++)
            guard_free(past[k]);
        guard_free(in);
    }
}

// What stands still goes a fifth of the way; what changed goes all of it.
static void steady_follows_what_moves(void **state)
{
    enum { WIDTH = 20, HEIGHT = 8, PLANE = WIDTH * HEIGHT };
    static float near[PLANE], guide[3 * PLANE], old[3 * PLANE], past[PLANE];
    struct steady_job job = {WIDTH, HEIGHT, near,  NULL, guide, old, NULL,
                             0,     0.2f,   0.02f, 0.1f, past,  1};

    for (int i = 0; i < PLANE; i++)
        near[i] = 1;
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 10; x < WIDTH; x++)
            guide[PLANE + y * WIDTH + x] = 0.5f; // the right half changed
    kernels_best()->steady(&job);
    for (int y = 0; y < HEIGHT; y++) {
        assert_float_equal(past[y * WIDTH + 4], 0.2, 1e-6);
        assert_float_equal(past[y * WIDTH + 15], 1, 1e-6);
    }
}

enum { SNAP_WIDTH = 40, SNAP_HEIGHT = 9, SNAP_PLANE = SNAP_WIDTH * SNAP_HEIGHT };

// A step from near to far, `soft` pixels wide, in the middle of each row.
static void soft_step(float near, float far, int soft, float *out)
{
    for (int i = 0; i < SNAP_PLANE; i++) {
        float part = ((float)(i % SNAP_WIDTH) - SNAP_WIDTH / 2.0f) / (float)soft + 0.5f;
        part = part < 0 ? 0 : part > 1 ? 1 : part;
        out[i] = near + (far - near) * part;
    }
}

// A soft step lies where the picture's colour changes, two pixels beside its own place.
static void snap_goes_to_the_edge(void **state)
{
    static float near[SNAP_PLANE], guide[3 * SNAP_PLANE], out[SNAP_PLANE];
    struct snap_job job = {SNAP_WIDTH, SNAP_HEIGHT, near, guide, out, 1};
    const int edge = SNAP_WIDTH / 2 + 2;

    random_start("snap");
    soft_step(0.8f, 0.2f, 6, near);
    for (int i = 0; i < 3 * SNAP_PLANE; i++)
        guide[i] = (i % SNAP_WIDTH < edge ? 0.3f : 0.7f) + 0.04f * random_float();
    kernels_best()->snap(&job);
    for (int y = 0; y < SNAP_HEIGHT; y++) {
        const float *row = out + y * SNAP_WIDTH;
        assert_true(near[edge - 1] < 0.45f && row[edge - 1] > 0.6f);
        assert_true(row[edge] < 0.3f);
        assert_float_equal(row[2], 0.8, 1e-6);
        assert_float_equal(row[SNAP_WIDTH - 3], 0.2, 1e-6);
    }
}

// Where colours do not tell two depths apart, or there is no step, all stays as it was.
static void snap_leaves_the_rest(void **state)
{
    static float near[SNAP_PLANE], guide[3 * SNAP_PLANE], out[SNAP_PLANE];
    struct snap_job job = {SNAP_WIDTH, SNAP_HEIGHT, near, guide, out, 1};

    random_start("snap leaves");
    soft_step(0.8f, 0.2f, 6, near);
    for (int i = 0; i < 3 * SNAP_PLANE; i++)
        guide[i] = random_float();
    kernels_best()->snap(&job);
    assert_memory_equal(out, near, sizeof(near));
    soft_step(0.8f, 0.2f, SNAP_WIDTH, near);
    for (int i = 0; i < 3 * SNAP_PLANE; i++)
        guide[i] = i % SNAP_WIDTH < SNAP_WIDTH / 2 ? 0.2f : 0.9f;
    kernels_best()->snap(&job);
    assert_memory_equal(out, near, sizeof(near));
}

struct luma {
    struct motion_plane plane;
    void *block;
};

// Smooth random texture that stands at (x, y), borders repeated.
static struct luma make_luma(int width, int height, int x, int y)
{
    ptrdiff_t stride = motion_stride(width);
    uint8_t *block = guard_new((size_t)stride * (size_t)(height + 2 * MOTION_PAD_PX));
    uint8_t *first = block + MOTION_PAD_PX * stride + MOTION_PAD_PX;

    for (int v = -MOTION_PAD_PX; v < height + MOTION_PAD_PX; v++)
        for (int u = -MOTION_PAD_PX; u < stride - MOTION_PAD_PX; u++) {
            int cu = u < 0        ? 0
                     : u >= width ? width - 1
                                  : u,
                cv = v < 0         ? 0
                     : v >= height ? height - 1
                                   : v;
            float a = (float)(cu - x), b = (float)(cv - y);
            first[v * stride + u] =
                (uint8_t)(128 + 50 * sinf(a * 0.31f + 0.2f * b) +
                          40 * cosf(b * 0.43f) * sinf(a * 0.17f) + 20 * sinf(a * b * 0.01f));
        }
    return (struct luma){{first, stride}, block};
}

static struct motion_vector *find_motion(const struct kernels *k, int width, int height,
                                         const struct luma *now, const struct luma *old)
{
    size_t blocks = (size_t)(motion_blocks(width) * motion_blocks(height));
    struct motion_vector *scratch = guard_new(blocks * sizeof(*scratch));
    struct motion_vector *cells =
        guard_new((size_t)(motion_cells(width) * motion_cells(height)) * sizeof(*cells));
    struct motion_job job = {width, height, now->plane, old->plane, scratch, cells};

    k->motion(&job);
    guard_free(scratch);
    return cells;
}

static void motion_is_found(void **state)
{
    static const int shifts[][2] = {{0, 0}, {3, 0}, {-7, 4}, {5, -3}, {1, 1}};
    enum { WIDTH = 192, HEIGHT = 112 };

    for (size_t i = 0; i < sizeof(shifts) / sizeof(*shifts); i++) {
        struct luma now = make_luma(WIDTH, HEIGHT, 0, 0),
                    old = make_luma(WIDTH, HEIGHT, shifts[i][0], shifts[i][1]);
        struct motion_vector *v = find_motion(kernels_best(), WIDTH, HEIGHT, &now, &old);
        for (int y = 4; y < motion_cells(HEIGHT) - 4; y++)
            for (int x = 4; x < motion_cells(WIDTH) - 4; x++) {
                assert_int_equal(v[y * motion_cells(WIDTH) + x].x, shifts[i][0]);
                assert_int_equal(v[y * motion_cells(WIDTH) + x].y, shifts[i][1]);
            }
        guard_free(v);
        guard_free(now.block);
        guard_free(old.block);
    }
}

static void motion_columns_agree(void **state)
{
    random_start("motion columns");
    for (int i = 0; i < guard_size_count; i++) {
        int width = guard_sizes[i][0], height = guard_sizes[i][1];
        struct luma now = make_luma(width, height, 0, 0),
                    old = make_luma(width, height, random_int(-9, 9), 2);
        struct motion_vector *want = find_motion(kernels_column(0), width, height, &now, &old);
        for (int column = 1; kernels_column(column) != NULL; column++) {
            struct motion_vector *got =
                find_motion(kernels_column(column), width, height, &now, &old);
            assert_memory_equal(
                got, want, (size_t)(motion_cells(width) * motion_cells(height)) * sizeof(*got));
            guard_free(got);
        }
        guard_free(want);
        guard_free(now.block);
        guard_free(old.block);
    }
}

struct refined {
    struct guarded_image small;
    struct refine_grid grid;
    float *rows; // [height][width + 2 * REFINE_SLACK]
};

static struct refined refine(const struct kernels *k, const struct guarded_image *picture,
                             const float *near, int near_width, int near_height, int log2_step,
                             int radius, int soft_px, int bands)
{
    int step = 1 << log2_step, w = (picture->image.width + step - 1) / step;
    int h = (picture->image.height + step - 1) / step, stride = (w + 15) / 16 * 16;
    size_t row = (size_t)picture->image.width + 2 * REFINE_SLACK;
    struct refined r = {.small = guarded_image_new(w, h)};
    float *scratch = guard_new((size_t)bands * refine_scratch_floats(w, radius) * sizeof(float));

    r.grid = (struct refine_grid){guard_new((size_t)(stride * h) * REFINE_PLANES * sizeof(float)),
                                  w, h, stride, log2_step};
    struct shrink_job shrink = {picture->image, r.small.image, log2_step, 1};
    k->shrink(&shrink);
    struct refine_job job = {.guide = r.small.image,
                             .picture_width = picture->image.width,
                             .picture_height = picture->image.height,
                             .nearness = near,
                             .near_width = near_width,
                             .near_height = near_height,
                             .radius = radius,
                             .smooth = 4e-4f,
                             .gain = 6,
                             .out = r.grid,
                             .bands = bands,
                             .scratch = scratch};
    int border = soft_px + 1, left = border * picture->image.width / 40,
        top = border * picture->image.height / 40;
    struct refine_look look = {
        &picture->image, left, top, picture->image.width - left, picture->image.height - top,
        soft_px};

    k->refine(&job);
    r.rows = guard_new(row * (size_t)picture->image.height * sizeof(float));
    for (int y = 0, rows; y < picture->image.height; y += rows) {
        float *out[9];
        rows = picture->image.height - y < bands + 2 ? picture->image.height - y : bands + 2;
        for (int i = 0; i < rows; i++)
            out[i] = r.rows + (size_t)(y + i) * row + REFINE_SLACK;
        k->refine_rows(&r.grid, &look, y, rows, out);
    }
    guard_free(scratch);
    return r;
}

static float refined_at(const struct refined *r, const struct guarded_image *picture, int x, int y)
{
    return r->rows[(size_t)y * ((size_t)picture->image.width + 2 * REFINE_SLACK) + REFINE_SLACK +
                   (size_t)x];
}

static void refined_free(struct refined *r)
{
    guarded_image_free(&r->small);
    guard_free(r->grid.cells);
    guard_free(r->rows);
}

static void refine_columns_agree(void **state)
{
    random_start("refine columns");
    for (int i = 0; i < guard_size_count * 4; i++) {
        const int *size = guard_sizes[i % guard_size_count];
        int nw = random_int(1, 40), nh = random_int(1, 30),
            radius = random_int(1, REFINE_RADIUS_MAX), soft = random_int(0, REFINE_SOFT_MAX);
        struct guarded_image picture = guarded_image_new(size[0], size[1]);
        float *near = guard_new((size_t)(nw * nh) * sizeof(float));
        guarded_image_fill(&picture);
        for (int k = 0; k < nw * nh; k++)
            near[k] = random_float();
        struct refined want =
            refine(kernels_column(0), &picture, near, nw, nh, i % 4, radius, soft, 1);
        for (int column = 0; kernels_column(column) != NULL; column++) {
            struct refined got = refine(kernels_column(column), &picture, near, nw, nh, i % 4,
                                        radius, soft, random_int(1, 3));
            for (int y = 0; y < size[1]; y++)
                for (int x = 0; x < size[0]; x++) {
                    float v = refined_at(&got, &picture, x, y);
                    assert_true(v >= -1e-4f && v <= 1.0001f);
                    if (v != refined_at(&want, &picture, x, y))
                        fail_msg("%dx%d step %d radius %d: column %d differs at %d,%d", size[0],
                                 size[1], 1 << i % 4, radius, column, x, y);
                }
            refined_free(&got);
        }
        refined_free(&want);
        guard_free(near);
        guarded_image_free(&picture);
    }
}

// A bright square before a dark ground, its depth given coarse and soft: the step must come to
// stand on the square's edge.
static void refine_finds_the_edge(void **state)
{
    enum { WIDTH = 640, HEIGHT = 360, NEAR_W = 96, NEAR_H = 54, LEFT = 213, RIGHT = 427 };
    static float near[NEAR_W * NEAR_H];
    struct guarded_image picture = guarded_image_new(WIDTH, HEIGHT);

    random_start("refine edge");
    guarded_image_fill(&picture);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = -IMAGE_PAD_PX; x < WIDTH + IMAGE_PAD_PX; x++) {
            uint8_t *p =
                picture.image.pixels + (size_t)y * picture.image.stride_bytes + (ptrdiff_t)x * 4;
            int base = x >= LEFT && x < RIGHT ? 190 : 60;
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)(base + (p[c] & 15));
        }
    for (int i = 0; i < NEAR_W * NEAR_H; i++) {
        // two cells of softness about each edge
        float x = ((float)(i % NEAR_W) + 0.5f) * WIDTH / NEAR_W, cell = (float)WIDTH / NEAR_W;
        float t = fminf((x - LEFT) / (2 * cell), (RIGHT - x) / (2 * cell)) + 0.5f;
        near[i] = 0.2f + 0.6f * fminf(fmaxf(t, 0), 1);
    }
    struct refined r = refine(kernels_best(), &picture, near, NEAR_W, NEAR_H, 1, 6, 1, 1);
    for (int y = 40; y < HEIGHT - 40; y += 7) {
        assert_float_equal(refined_at(&r, &picture, LEFT - 3, y), 0.2, 0.08);
        assert_float_equal(refined_at(&r, &picture, LEFT + 2, y), 0.8, 0.08);
        assert_float_equal(refined_at(&r, &picture, RIGHT - 3, y), 0.8, 0.08);
        assert_float_equal(refined_at(&r, &picture, RIGHT + 2, y), 0.2, 0.08);
        assert_float_equal(refined_at(&r, &picture, 20, y), 0.2, 0.02);
        assert_float_equal(refined_at(&r, &picture, WIDTH / 2, y), 0.8, 0.02);
    }
    refined_free(&r);
    guarded_image_free(&picture);
}

// Texture on a flat thing does not become relief.
static void refine_leaves_flat_things_flat(void **state)
{
    static float near[64 * 36];
    struct guarded_image picture = guarded_image_new(640, 360);

    random_start("refine flat");
    guarded_image_fill(&picture);
    for (int i = 0; i < 64 * 36; i++)
        near[i] = 0.37f;
    struct refined r = refine(kernels_best(), &picture, near, 64, 36, 1, 6, 2, 2);
    for (int i = 0; i < 2000; i++)
        assert_float_equal(refined_at(&r, &picture, random_int(0, 639), random_int(0, 359)), 0.37,
                           2e-3);
    refined_free(&r);
    guarded_image_free(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_the_expectation),
        cmocka_unit_test(levels_know_how_sure_they_are),
        cmocka_unit_test(steady_columns_agree),
        cmocka_unit_test(steady_follows_what_moves),
        cmocka_unit_test(snap_goes_to_the_edge),
        cmocka_unit_test(snap_leaves_the_rest),
        cmocka_unit_test(motion_is_found),
        cmocka_unit_test(motion_columns_agree),
        cmocka_unit_test(refine_columns_agree),
        cmocka_unit_test(refine_finds_the_edge),
        cmocka_unit_test(refine_leaves_flat_things_flat),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
