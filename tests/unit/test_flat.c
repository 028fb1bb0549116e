// What is flat in a film: bars at its sides, captions and logos burnt into it - and what only looks
// like that.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/bars.h"
#include "engine/flat.h"

enum { WIDTH = 480, HEIGHT = 270, NEAR_W = 96, NEAR_H = 54 };

static uint8_t pixels[WIDTH * HEIGHT * 4];
static struct image image = {pixels, WIDTH, HEIGHT, WIDTH * 4};
static const struct synth_inner whole = {0, 0, WIDTH, HEIGHT};

static void put(int x, int y, int value)
{
    memset(pixels + (y * WIDTH + x) * 4, value < 0 ? 0 : value > 255 ? 255 : value, 4);
}

// A texture of strong edges, of each scene at other places, seen from `shift` pixels further right;
// light: 1 as it is.
static void draw_scene(unsigned scene, int shift, float light)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            unsigned column = ((unsigned)(x + shift) + scene * 4) / 9,
                     row = ((unsigned)y + scene * 5) / 11;
            unsigned cell = column * 2654435761u ^ row * 40503u ^ scene * 2246822519u;
            put(x, y, (int)((float)(40 + (cell >> 7) % 180) * light));
        }
}

// Lettering: dark strokes and light ones, close together.
static void draw_letters(int left, int top, int right, int bottom)
{
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            if ((y - top) % 12 < 9)
                put(x, y, (x - left) % 5 < 2 || (x * 7 + y / 3) % 13 < 2 ? 250 : 10);
}

static void draw_bars(int left, int top, int right, int bottom)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            if (x < left || y < top || x >= WIDTH - right || y >= HEIGHT - bottom)
                put(x, y, 8 + rand() % 12);
}

static void expect(struct synth_inner got, int left, int top, int right, int bottom)
{
    assert_int_equal(got.left, left);
    assert_int_equal(got.top, top);
    assert_int_equal(got.right, WIDTH - right);
    assert_int_equal(got.bottom, HEIGHT - bottom);
}

// What is inside the bars after one more picture.
static struct synth_inner bars_after(struct bars *bars)
{
    struct edges edges;

    kernels_best()->edges(&(struct edges_job){image, &edges});
    bars_feed(bars, WIDTH, HEIGHT, &edges);
    return bars_inner(bars, WIDTH, HEIGHT);
}

static void feed(struct flat *flat, bool cut)
{
    flat_look(flat, &image, whole, cut);
    flat_feed(flat, cut);
}

static void bars_are_found_to_the_pixel(void **state)
{
    struct bars bars = {0};
    struct synth_inner inner = {0};

    for (int i = 0; i < BARS_PICTURES + 2; i++) {
        draw_scene(1, i * 3, 1);
        draw_bars(0, 33, 0, 35);
        if (i > 5)
            draw_letters(150, HEIGHT - 30, 330, HEIGHT - 6); // a caption in the bar
        inner = bars_after(&bars);
        if (i < BARS_PICTURES - 1)
            expect(inner, 0, 0, 0, 0);
    }
    expect(inner, 0, 33, 0, 0); // the caption came before the lower one was sure
    for (int i = 0; i < BARS_PICTURES; i++) {
        draw_scene(1, i * 3, 1);
        draw_bars(0, 33, 0, 35);
        inner = bars_after(&bars);
    }
    expect(inner, 0, 33, 0, 35);
    draw_letters(150, HEIGHT - 30, 330, HEIGHT - 6);
    expect(bars_after(&bars), 0, 33, 0, 35);
    memset(pixels, 0, sizeof(pixels)); // black says nothing
    expect(bars_after(&bars), 0, 33, 0, 35);
    draw_scene(2, 0, 1); // the whole picture is lit
    expect(bars_after(&bars), 0, 0, 0, 0);
}

static void pillars_are_bars_too(void **state)
{
    struct bars bars = {0};
    struct synth_inner inner = {0};

    for (int i = 0; i < BARS_PICTURES; i++) {
        draw_scene(3, i, 1);
        draw_bars(60, 0, 60, 0);
        inner = bars_after(&bars);
    }
    expect(inner, 60, 0, 60, 0);
    float near[NEAR_W * NEAR_H];
    for (int i = 0; i < NEAR_W * NEAR_H; i++)
        near[i] = i % NEAR_W < 13 || i % NEAR_W >= NEAR_W - 13 ? 0.9f : 0.3f;
    float covered[NEAR_W * NEAR_H];
    struct press_job job = bars_cover(&bars, NEAR_W, NEAR_H);
    job.in = near;
    job.out = covered;
    kernels_best()->press(&job);
    for (int i = 0; i < NEAR_W * NEAR_H; i++)
        assert_float_equal(covered[i], 0.3f, 0);
}

static void a_night_has_no_bars(void **state)
{
    struct bars bars = {0};

    for (int i = 0; i < 40; i++) {
        draw_scene(4, i, 1);
        for (int y = 0; y < 120; y++) // a black sky over a skyline
            for (int x = 0; x < WIDTH; x++)
                if (y < 60 + (int)(30 * sinf((float)x * 0.05f)))
                    put(x, y, 5);
        expect(bars_after(&bars), 0, 0, 0, 0);
    }
}

static float share_after(struct flat *flat, int pictures, int speed, bool letters)
{
    for (int i = 0; i < pictures; i++) {
        draw_scene(5, i * speed, 1);
        if (letters)
            draw_letters(140, 220, 340, 244);
        feed(flat, i == 0);
    }
    return flat_share(flat);
}

static void captions_lie_in_one_plane(void **state)
{
    struct flat *flat = flat_create(kernels_best());
    static float near[NEAR_W * NEAR_H];

    assert_true(flat_resize(flat, WIDTH, HEIGHT));
    float share = share_after(flat, 45, 3, true);
    printf("a caption over a pan: %.4f of the picture, lettering is %.4f\n", (double)share,
           200.0 * 24 / (WIDTH * HEIGHT));
    assert_true(share > 0.03f && share < 0.12f);
    for (int i = 0; i < NEAR_W * NEAR_H; i++)
        near[i] = (float)(i % NEAR_W) / NEAR_W;
    flat_press(flat, near, NEAR_W, NEAR_H);
    for (int y = 220 / 5; y < 244 / 5; y++)
        for (int x = 140 / 5; x < 340 / 5; x++)
            assert_float_equal(near[y * NEAR_W + x], near[46 * NEAR_W + 48], 0.002);
    float level = near[46 * NEAR_W + 48]; // it covers 0.29 to 0.71
    assert_true(level > 0.6f && level < 0.73f);
    assert_float_equal(near[10 * NEAR_W + 30], 30.0 / NEAR_W, 1e-6);
    // gone when it goes
    assert_true(share_after(flat, 30, 3, false) < 0.001f);
    flat_destroy(&flat);
}

static void a_logo_outlives_cuts(void **state)
{
    struct flat *flat = flat_create(kernels_best());

    assert_true(flat_resize(flat, WIDTH, HEIGHT));
    for (int shot = 0; shot < 4; shot++)
        for (int i = 0; i < 10; i++) { // each shot stands still
            draw_scene(10 + (unsigned)shot, 0, 1);
            draw_letters(420, 20, 464, 44);
            feed(flat, i == 0);
        }
    assert_true(flat_share(flat) > 0.005f && flat_share(flat) < 0.05f);
    flat_destroy(&flat);
}

// One colour alone, over light shots and dark ones, so that none of its edges keeps its strength;
// and the same shots without it.
static void a_plain_logo_outlives_cuts(void **state)
{
    for (int logo = 1; logo >= 0; logo--) {
        struct flat *flat = flat_create(kernels_best());
        assert_true(flat_resize(flat, WIDTH, HEIGHT));
        for (int shot = 0; shot < 6; shot++)
            for (int i = 0; i < 6; i++) {
                draw_scene(20 + (unsigned)shot, 0, shot % 2 == 0 ? 0.4f : 0.1f);
                for (int k = 0; shot % 2 == 0 && k < WIDTH * HEIGHT; k++)
                    put(k % WIDTH, k / WIDTH, pixels[k * 4] + 100);
                for (int y = 20; logo && y < 44; y++)
                    for (int x = 420; x < 464; x++)
                        if ((x - 420) % 12 < 5 || (y - 20) % 14 < 4)
                            put(x, y, 255);
                feed(flat, i == 0);
            }
        if (logo)
            assert_true(flat_share(flat) > 0.005f && flat_share(flat) < 0.05f);
        else
            assert_float_equal(flat_share(flat), 0, 0);
        flat_destroy(&flat);
    }
}

// A camera that stands still before a still scene, lettering in it or not, with somebody walking
// through; a pan; a light that goes on: all of that has depth.
static void scenes_are_not_flattened(void **state)
{
    struct flat *flat = flat_create(kernels_best());

    assert_true(flat_resize(flat, WIDTH, HEIGHT));
    assert_float_equal(share_after(flat, 40, 0, true), 0, 0);
    for (int i = 0; i < 60; i++) {
        draw_scene(6, 0, 1);
        for (int y = 60; y < HEIGHT; y++)
            for (int x = 0; x < 120; x++)
                put((x + i * 6) % WIDTH, y, (x / 6 + y / 7 * 3 + x * 40 / 120) % 2 * 160 + 40);
        feed(flat, i == 0);
        assert_float_equal(flat_share(flat), 0, 0);
    }
    flat_reset(flat);
    assert_float_equal(share_after(flat, 40, 4, false), 0, 0);
    for (int i = 0; i < 40; i++) {
        draw_scene(6, 0, 0.4f + 0.6f * (float)i / 40);
        feed(flat, i == 0);
        assert_float_equal(flat_share(flat), 0, 0);
    }
    flat_destroy(&flat);
}

// Letters, and gaps between them: upright strokes two pixels wide, of any distance.
static void draw_words(int left, int top, int width)
{
    for (int y = top; y < top + 10; y++)
        for (int x = left; x < left + width; x++)
            put(x, y, (x - left) * 37 / 100 % 2 == 0 || y == top + 5 ? 240 : 15);
}

// Pictures of a camera that stands still: a sign in the scene, somebody who walks by before it, and
// a caption over both, as far as they are there.
static float still_after(struct flat *flat, int pictures, bool sign, bool walker, bool caption)
{
    for (int i = 0; i < pictures; i++) {
        draw_scene(30, 0, 0.7f);
        if (sign)
            draw_words(120, 230, 240);
        for (int y = 40; walker && y < HEIGHT; y++)
            for (int x = 0; x < 60; x++)
                put((x + i * 7) % WIDTH, y, 30 + (y / 9 + x / 8) % 3 * 40);
        if (caption)
            draw_words(120, 230, 240);
        feed(flat, false);
    }
    return flat_share(flat);
}

// Over a camera that stands still a caption is found when it comes, not when it is there from the
// first picture on; it is gone when it goes.
static void a_caption_comes_over_a_still_picture(void **state)
{
    struct flat *flat = flat_create(kernels_best());

    assert_true(flat_resize(flat, WIDTH, HEIGHT));
    assert_float_equal(still_after(flat, 40, false, false, true), 0, 0);
    assert_float_equal(still_after(flat, 40, false, false, false), 0, 0);
    float share = still_after(flat, 30, false, false, true);
    printf("a caption over a still picture: %.4f of it, lettering is %.4f\n", (double)share,
           240.0 * 10 / (WIDTH * HEIGHT));
    assert_true(share > 0.02f && share < 0.08f);
    assert_true(still_after(flat, 100, false, true, true) > 0.01f);
    assert_true(still_after(flat, 30, false, false, false) < 0.001f);
    flat_destroy(&flat);
}

// It fades in and out.
static void a_caption_fades_in(void **state)
{
    struct flat *flat = flat_create(kernels_best());
    static uint8_t words[sizeof(pixels)];

    assert_true(flat_resize(flat, WIDTH, HEIGHT));
    still_after(flat, 5, false, false, true);
    memcpy(words, pixels, sizeof(words));
    flat_reset(flat);
    still_after(flat, 5, false, false, false);
    for (int i = 0; i <= 40; i++) {
        draw_scene(30, 0, 0.7f);
        int part = i < 10 ? i : 10;
        for (size_t k = 0; k < sizeof(pixels); k++)
            pixels[k] = (uint8_t)((pixels[k] * (10 - part) + words[k] * part) / 10);
        feed(flat, false);
    }
    assert_true(flat_share(flat) > 0.02f && flat_share(flat) < 0.08f);
    flat_destroy(&flat);
}

// Lettering of the scene, that somebody uncovers, and that comes to rest with the camera.
static void lettering_of_the_scene_has_depth(void **state)
{
    struct flat *flat = flat_create(kernels_best());

    assert_true(flat_resize(flat, WIDTH, HEIGHT));
    still_after(flat, 1, true, true, false);
    assert_float_equal(still_after(flat, 140, true, true, false), 0, 0);
    flat_reset(flat);
    for (int i = 0; i < 60; i++) {
        int shift = i < 20 ? i * 7 : 140;
        draw_scene(30, shift, 1);
        draw_words(200 - shift, 200, 200);
        draw_words(220 - shift, 215, 200);
        feed(flat, i == 0);
        assert_float_equal(flat_share(flat), 0, 0);
    }
    flat_destroy(&flat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bars_are_found_to_the_pixel),
        cmocka_unit_test(pillars_are_bars_too),
        cmocka_unit_test(a_night_has_no_bars),
        cmocka_unit_test(captions_lie_in_one_plane),
        cmocka_unit_test(a_logo_outlives_cuts),
        cmocka_unit_test(a_plain_logo_outlives_cuts),
        cmocka_unit_test(scenes_are_not_flattened),
        cmocka_unit_test(a_caption_comes_over_a_still_picture),
        cmocka_unit_test(a_caption_fades_in),
        cmocka_unit_test(lettering_of_the_scene_has_depth),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
