// Synthesis: the columns of the table against plain C, and the properties that its header promises.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kernels/guard.h"

// Both eyes of a picture whose nearness is given a pixel.
struct eyes {
    uint8_t *pixels[2];
    size_t stride;
};

// fine: the picture in 16 bits; NULL: none.
static struct eyes synthesise_of(const struct kernels *k, const struct image *picture,
                                 const struct image *fine, const float *near, float gain_left,
                                 float gain_right, float convergence, int soft_px, int bands)
{
    size_t count = (size_t)picture->width * (size_t)picture->height, row = (size_t)picture->width;
    size_t pixel_bytes = fine != NULL ? 8 : 4;
    // a grid whose cells are pixels and whose nearness is `low` whatever the colour
    float *cells = guard_new(count * REFINE_PLANES * sizeof(float));
    float *scratch =
        guard_new((size_t)bands * synth_scratch_floats(picture->width) * sizeof(float));
    struct eyes eyes = {.stride = row * pixel_bytes};

    memset(cells, 0, count * REFINE_PLANES * sizeof(float));
    for (int y = 0; y < picture->height; y++)
        memcpy(cells + ((size_t)y * REFINE_PLANES + 4) * row, near + (size_t)y * row,
               row * sizeof(float));
    for (int i = 0; i < 2; i++)
        eyes.pixels[i] = guard_new(count * pixel_bytes);
    struct synth_job job = {.picture = *picture,
                            .fine = fine != NULL ? *fine : (struct image){0},
                            .inner = {0, 0, picture->width, picture->height},
                            .grid = {cells, picture->width, picture->height, picture->width, 0},
                            .gain_px = {gain_left, gain_right},
                            .convergence = convergence,
                            .tear_px = 1,
                            .soft_px = soft_px,
                            .eye = {eyes.pixels[0], eyes.pixels[1]},
                            .stride_bytes = eyes.stride,
                            .bands = bands,
                            .scratch = scratch};
    k->synth(&job);
    guard_free(scratch);
    guard_free(cells);
    return eyes;
}

static struct eyes synthesise(const struct kernels *k, const struct image *picture,
                              const float *near, float gain_left, float gain_right,
                              float convergence, int soft_px, int bands)
{
    return synthesise_of(k, picture, NULL, near, gain_left, gain_right, convergence, soft_px,
                         bands);
}

static void eyes_free(struct eyes *e)
{
    guard_free(e->pixels[0]);
    guard_free(e->pixels[1]);
}

static const uint8_t *pixel(const struct image *image, int x, int y)
{
    return image->pixels + (size_t)y * image->stride_bytes + (ptrdiff_t)x * 4;
}

static const uint8_t *eye_pixel(const struct eyes *e, int eye, int x, int y)
{
    return e->pixels[eye] + (size_t)y * e->stride + (size_t)x * 4;
}

static float *flat(size_t count, float value)
{
    float *near = guard_new(count * sizeof(float));

    for (size_t i = 0; i < count; i++)
        near[i] = value;
    return near;
}

static void columns_agree(void **state)
{
    random_start("synth columns");
    for (int i = 0; i < guard_size_count * 8; i++) {
        const int *size = guard_sizes[i % guard_size_count];
        size_t count = (size_t)size[0] * (size_t)size[1];
        struct guarded_image picture = guarded_image_new(size[0], size[1]);
        float *near = guard_new(count * sizeof(float)), level = random_float();
        int soft = random_int(0, SYNTH_SOFT_MAX);
        float gain[2] = {random_float() * 40, random_float() * (float)(i % 3) * 5};
        guarded_image_fill(&picture);
        for (size_t k = 0; k < count; k++) {
            if (random_int(0, i % 5 * 10) == 0)
                level = random_float(); // anything from noise to long runs
            near[k] = level;
        }
        struct eyes want =
            synthesise(kernels_column(0), &picture.image, near, gain[0], gain[1], 0.4f, soft, 1);
        for (int column = 0; kernels_column(column) != NULL; column++) {
            struct eyes got = synthesise(kernels_column(column), &picture.image, near, gain[0],
                                         gain[1], 0.4f, soft, random_int(1, 3));
            for (int eye = 0; eye < 2; eye++)
                assert_memory_equal(got.pixels[eye], want.pixels[eye], count * 4);
            eyes_free(&got);
        }
        eyes_free(&want);
        guard_free(near);
        guarded_image_free(&picture);
    }
}

// 16 bits a sample: all columns agree, whatever the samples; and where they are those of 8 bits,
// the eyes are the 8-bit ones but for their rounding.
static void sixteen_bits_agree(void **state)
{
    random_start("synth of 16 bits");
    for (int i = 0; i < guard_size_count * 8; i++) {
        const int *size = guard_sizes[i % guard_size_count];
        size_t count = (size_t)size[0] * (size_t)size[1];
        struct guarded_image picture = guarded_image_new(size[0], size[1]);
        struct guarded_image fine = guarded_image_new16(size[0], size[1]);
        float *near = guard_new(count * sizeof(float)), gain = random_float() * 20;
        int soft = random_int(0, SYNTH_SOFT_MAX);
        bool same = i % 2 == 0;
        guarded_image_fill(&picture);
        guarded_image_fill16(&fine);
        for (size_t k = 0; same && k < picture.image.stride_bytes * (size_t)size[1]; k++)
            ((uint16_t *)fine.block)[k] = (uint16_t)(((uint8_t *)picture.block)[k] * 257);
        for (size_t k = 0; k < count; k++)
            near[k] = random_float();
        struct eyes narrow =
            synthesise(kernels_column(0), &picture.image, near, gain, 3, 0.4f, soft, 1);
        struct eyes want = synthesise_of(kernels_column(0), &picture.image, &fine.image, near, gain,
                                         3, 0.4f, soft, 1);
        for (int eye = 0; same && eye < 2; eye++)
            for (size_t k = 0; k < count * 4; k++)
                assert_true(abs(((uint16_t *)(void *)want.pixels[eye])[k] -
                                narrow.pixels[eye][k] * 257) <= 129);
        for (int column = 1; kernels_column(column) != NULL; column++) {
            struct eyes got = synthesise_of(kernels_column(column), &picture.image, &fine.image,
                                            near, gain, 3, 0.4f, soft, random_int(1, 3));
            for (int eye = 0; eye < 2; eye++)
                assert_memory_equal(got.pixels[eye], want.pixels[eye], count * 8);
            eyes_free(&got);
        }
        eyes_free(&narrow);
        eyes_free(&want);
        guard_free(near);
        guarded_image_free(&picture);
        guarded_image_free(&fine);
    }
}

// Every column's map for any places at all stays inside the row, and is the same.
static void maps_stay_inside(void **state)
{
    random_start("synth maps");
    for (int i = 0; i < 600; i++) {
        int width = random_int(1, 400), kind = i % 4, soft = random_int(0, SYNTH_SOFT_MAX);
        float *place = guard_new((size_t)width * sizeof(float)), spread = random_float() * 300,
              tear = random_float() * 4;
        int32_t *want = guard_new((size_t)width * sizeof(int32_t)),
                *got = guard_new((size_t)width * sizeof(int32_t));
        for (int x = 0; x < width; x++)
            place[x] = (float)x + spread * (kind == 0   ? random_float() - 0.5f
                                            : kind == 1 ? sinf((float)x * 0.05f)
                                            : kind == 2 ? (float)(x / 37 % 3) * 0.1f
                                                        : -1.0f);
        if (width > 1 && i % 3 == 0) // the first two at one whole place
            place[0] = place[1] = floorf(place[0]);
        kernels_column(0)->synth_map(place, width, tear, soft, want);
        for (int x = 0; x < width; x++)
            assert_in_range(want[x], 0, (width - 1) * SYNTH_UNIT);
        for (int column = 1; kernels_column(column) != NULL; column++) {
            kernels_column(column)->synth_map(place, width, tear, soft, got);
            assert_memory_equal(got, want, (size_t)width * sizeof(int32_t));
        }
        guard_free(place);
        guard_free(want);
        guard_free(got);
    }
}

static void no_strength_is_the_same_picture_twice(void **state)
{
    random_start("synth identity");
    for (int i = 0; i < guard_size_count; i++) {
        const int *size = guard_sizes[i];
        struct guarded_image picture = guarded_image_new(size[0], size[1]);
        float *near = guard_new((size_t)(size[0] * size[1]) * sizeof(float));
        guarded_image_fill(&picture);
        for (int k = 0; k < size[0] * size[1]; k++)
            near[k] = random_float();
        struct eyes eyes = synthesise(kernels_best(), &picture.image, near, 0, 0, 0.5f, 2, 2);
        for (int y = 0; y < size[1]; y++)
            for (int eye = 0; eye < 2; eye++)
                assert_memory_equal(eye_pixel(&eyes, eye, 0, y), pixel(&picture.image, 0, y),
                                    (size_t)size[0] * 4);
        eyes_free(&eyes);
        guard_free(near);
        guarded_image_free(&picture);
    }
}

// A plane moves by gain * (nearness - convergence): near to the right in the left eye and to the
// left in the right one.
static void a_plane_moves_as_documented(void **state)
{
    enum { WIDTH = 400, HEIGHT = 5 };
    static const struct {
        float nearness;
        int shift; // of the left eye, with a gain of 10
    } cases[] = {{1, 5}, {0.5f, 0}, {0, -5}, {0.7f, 2}};

    random_start("synth plane");
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct guarded_image picture = guarded_image_new(WIDTH, HEIGHT);
        float *near = flat(WIDTH * HEIGHT, cases[i].nearness);
        guarded_image_fill(&picture);
        struct eyes eyes = synthesise(kernels_best(), &picture.image, near, 10, 10, 0.5f, 2, 1);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 6; x < WIDTH - 6; x++) {
                assert_memory_equal(eye_pixel(&eyes, 0, x + cases[i].shift, y),
                                    pixel(&picture.image, x, y), 4);
                assert_memory_equal(eye_pixel(&eyes, 1, x - cases[i].shift, y),
                                    pixel(&picture.image, x, y), 4);
            }
        eyes_free(&eyes);
        guard_free(near);
        guarded_image_free(&picture);
    }
}

// Half a pixel: the value lies between, sharper than a mean (Catmull-Rom), exact for a ramp.
static void fractions_are_interpolated(void **state)
{
    enum { WIDTH = 64 };
    struct guarded_image picture = guarded_image_new(WIDTH, 1);
    float *near = flat(WIDTH, 1);

    for (int x = -IMAGE_PAD_PX; x < WIDTH + IMAGE_PAD_PX; x++)
        memset(picture.image.pixels + (ptrdiff_t)x * 4, x < 0 ? 0 : x * 4 > 255 ? 255 : x * 4, 4);
    struct eyes eyes = synthesise(kernels_best(), &picture.image, near, 0.5f, 0.25f, 0, 2, 1);
    for (int x = 4; x < WIDTH - 5; x++) {
        assert_int_equal(*eye_pixel(&eyes, 0, x, 0), x * 4 - 2);
        assert_int_equal(*eye_pixel(&eyes, 1, x, 0), x * 4 + 1);
    }
    eyes_free(&eyes);
    guard_free(near);
    guarded_image_free(&picture);
}

enum { SLANT_WIDTH = 140, SLANT_HEIGHT = 100 };
enum { SCENE_WIDTH = 300, SCENE_HEIGHT = 4, BOX_LEFT = 120, BOX_RIGHT = 180 };

// A white box at nearness 1 before a red and blue striped ground at 0.
static void draw_box(struct guarded_image *picture, float *near)
{
    for (int y = 0; y < SCENE_HEIGHT; y++)
        for (int x = -IMAGE_PAD_PX; x < SCENE_WIDTH + IMAGE_PAD_PX; x++) {
            int u = x < 0 ? 0 : x >= SCENE_WIDTH ? SCENE_WIDTH - 1 : x;
            bool box = u >= BOX_LEFT && u < BOX_RIGHT;
            uint8_t *p =
                picture->image.pixels + (size_t)y * picture->image.stride_bytes + (ptrdiff_t)x * 4;
            p[0] = box || (u / 3) % 2 ? 255 : 0;
            p[1] = box ? 255 : 0;
            p[2] = box || !((u / 3) % 2) ? 255 : 0;
            p[3] = 255;
            if (x == u)
                near[y * SCENE_WIDTH + x] = box ? 1 : 0;
        }
}

// The box stands whole in both eyes, in front, at its own place; what it uncovers is ground,
// without a trace of white further than a pixel from it.
static void near_things_stand_in_front(void **state)
{
    struct guarded_image picture = guarded_image_new(SCENE_WIDTH, SCENE_HEIGHT);
    float *near = flat(SCENE_WIDTH * SCENE_HEIGHT, 0);

    draw_box(&picture, near);
    // the ground stays, the box moves by 16
    struct eyes eyes = synthesise(kernels_best(), &picture.image, near, 16, 16, 0, 0, 1);
    for (int eye = 0; eye < 2; eye++)
        for (int x = 0; x < SCENE_WIDTH; x++) {
            int source = eye == 0 ? x - 16 : x + 16;
            bool box = source >= BOX_LEFT && source < BOX_RIGHT;
            const uint8_t *p = eye_pixel(&eyes, eye, x, 1);
            bool edge = abs(source - BOX_LEFT) <= 2 || abs(source - BOX_RIGHT) <= 2;
            if (box && !edge)
                assert_int_equal(p[1], 255);
            else if (!box && !edge)
                assert_in_range(p[1], 0, 24); // a tap of white at the hole's rim, no more
            // far from the box the ground has not moved
            if (x < BOX_LEFT - 20 || x > BOX_RIGHT + 20)
                assert_memory_equal(p, pixel(&picture.image, x, 1), 4);
        }
    eyes_free(&eyes);
    guard_free(near);
    guarded_image_free(&picture);
}

// A hole is filled with the ground beside it as in a mirror, there and back:
// stripes go on, nothing is smeared along the row.
static void holes_are_filled_from_the_ground(void **state)
{
    struct guarded_image picture = guarded_image_new(SCENE_WIDTH, SCENE_HEIGHT);
    float *near = flat(SCENE_WIDTH * SCENE_HEIGHT, 0);
    // in the left eye the box went right with a pixel of ground: the hole is 16 wide from here on
    const int hole = BOX_LEFT - 1;
    int changes = 0;

    draw_box(&picture, near);
    struct eyes eyes = synthesise(kernels_best(), &picture.image, near, 16, 16, 0, 0, 1);
    for (int x = hole + 2; x < hole + 14; x++) {
        int in = x - (hole - 1), back = 16 - in;
        const uint8_t *p = eye_pixel(&eyes, 0, x, 2),
                      *mirrored = pixel(&picture.image, hole - 1 - (in < back ? in : back), 2);
        assert_memory_equal(p, mirrored, 3);
        changes += abs(p[0] - p[-4]) > 100;
    }
    assert_true(changes >= 3);
    eyes_free(&eyes);
    guard_free(near);
    guarded_image_free(&picture);
}

// A near and dark thing with a slanted soft edge, a shadow beside it on the bright ground, and the
// texture of both.
static void draw_slant(struct guarded_image *picture, float *near)
{
    for (int y = 0; y < SLANT_HEIGHT; y++)
        for (int x = -IMAGE_PAD_PX; x < SLANT_WIDTH + IMAGE_PAD_PX; x++) {
            uint8_t *p =
                picture->image.pixels + (size_t)y * picture->image.stride_bytes + (ptrdiff_t)x * 4;
            float beyond = (float)x - 60 - (float)y * 0.25f; // px right of the edge
            float ground = 220 - 60 * expf(-fabsf(beyond) / 6);
            float part = fminf(fmaxf(beyond / 3 + 0.5f, 0), 1);
            float v = 40 + (ground - 40) * part;
            for (int c = 0; c < 3; c++)
                p[c] = (uint8_t)(v + 0.5f);
            p[3] = 255;
            // as the refinement finds it: the step of a mean of five pixels, six times steeper
            if (x >= 0 && x < SLANT_WIDTH)
                near[y * SLANT_WIDTH + x] = fminf(fmaxf(0.5f - beyond / 2, 0), 1);
        }
}

// How far a row is from lying half way between itself half a pixel to both sides, two rows above.
static float fraying(const uint8_t *pixels, size_t stride)
{
    float most = 0;

    for (int y = 10; y < SLANT_HEIGHT - 12; y++)
        for (int x = 20; x < SLANT_WIDTH - 20; x++) {
            const uint8_t *p = pixels + (size_t)y * stride + (size_t)x * 4, *below = p + 2 * stride;
            most = fmaxf(most, fabsf((float)below[1] - ((float)p[1] + (float)p[-3]) / 2));
        }
    return most;
}

// The hole beside a slanted edge, and the edge itself, go on from row to row as the picture does.
static void slanted_edges_do_not_fray(void **state)
{
    struct guarded_image picture = guarded_image_new(SLANT_WIDTH, SLANT_HEIGHT);
    float *near = flat(SLANT_WIDTH * SLANT_HEIGHT, 0);

    draw_slant(&picture, near);
    for (int gain = 0; gain <= 16; gain += 2) {
        struct eyes eyes =
            synthesise(kernels_best(), &picture.image, near, (float)gain, (float)gain, 0, 2, 1);
        for (int eye = 0; eye < 2; eye++) {
            float frays = fraying(eyes.pixels[eye], eyes.stride); // the picture itself: 11
            printf("gain %d, %s: %.1f\n", gain, eye == 0 ? "covering" : "uncovering", frays);
            assert_true(frays < (eye == 0 ? 36 : 13));
        }
        eyes_free(&eyes);
    }
    guard_free(near);
    guarded_image_free(&picture);
}

// Where the whole picture moves inwards its border goes on as a mirror image: no black, no smear.
static void borders_are_clean(void **state)
{
    enum { WIDTH = 100 };
    struct guarded_image picture = guarded_image_new(WIDTH, 1);
    float *near = flat(WIDTH, 1);

    random_start("synth borders");
    guarded_image_fill(&picture);
    struct eyes eyes = synthesise(kernels_best(), &picture.image, near, 8, 8, 0, 2, 1);
    for (int x = 0; x < 8; x++) {
        assert_memory_equal(eye_pixel(&eyes, 0, x, 0), pixel(&picture.image, 8 - x, 0), 4);
        assert_memory_equal(eye_pixel(&eyes, 1, WIDTH - 1 - x, 0),
                            pixel(&picture.image, WIDTH - 1 - (8 - x), 0), 4);
    }
    eyes_free(&eyes);
    guard_free(near);
    guarded_image_free(&picture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_agree),
        cmocka_unit_test(sixteen_bits_agree),
        cmocka_unit_test(maps_stay_inside),
        cmocka_unit_test(no_strength_is_the_same_picture_twice),
        cmocka_unit_test(a_plane_moves_as_documented),
        cmocka_unit_test(fractions_are_interpolated),
        cmocka_unit_test(near_things_stand_in_front),
        cmocka_unit_test(holes_are_filled_from_the_ground),
        cmocka_unit_test(slanted_edges_do_not_fray),
        cmocka_unit_test(borders_are_clean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
