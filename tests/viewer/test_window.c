// What a person sees in the window and does to it: the layouts, their colours and places, resizing,
// keys, timing, mirroring, and another Vulkan device under the same window. Without a word from the
// validation layer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/viewer/window_rig.h"
#include "viewer/media_clock.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"
#include "viewer/window_layout.h"

static struct rig rig;

// --- colours

// Quarters of the test picture: upper left, upper right, lower left, lower right; another set for
// each eye.
static const uint8_t quarters[2][4][3] = {
    {{255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {200, 200, 200}},
    {{255, 255, 0}, {0, 255, 255}, {255, 0, 255}, {60, 100, 140}},
};

#define PICTURE_WIDTH 320
#define PICTURE_HEIGHT 180

static void paint_quarters(int eye, int x, int y, uint8_t out_rgb[3])
{
    int quarter = (y >= PICTURE_HEIGHT / 2) * 2 + (x >= PICTURE_WIDTH / 2);

    memcpy(out_rgb, quarters[eye][quarter], 3);
}

// Any colour, another one for each pixel.
static void paint_noise(int eye, int x, int y, uint8_t out_rgb[3])
{
    uint32_t v = ((uint32_t)x * 2654435761u) ^ ((uint32_t)y * 40503u * 65537u) ^ (uint32_t)eye;

    v ^= v >> 15;
    v *= 2246822519u;
    v ^= v >> 13;
    for (int c = 0; c < 3; c++)
        out_rgb[c] = (uint8_t)(v >> (8 * c));
}

static void paint_checkers(int eye, int x, int y, uint8_t out_rgb[3])
{
    memset(out_rgb, (x + y) % 2 ? 255 : 0, 3);
}

static double to_linear(double srgb)
{
    srgb /= 255;
    return srgb <= 0.04045 ? srgb / 12.92 : pow((srgb + 0.055) / 1.055, 2.4);
}

static double to_srgb(double linear)
{
    linear = linear < 0 ? 0 : linear > 1 ? 1 : linear;
    return 255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055);
}

// The matrices as the paper prints them, to three places.
static void dubois(const uint8_t left[3], const uint8_t right[3], double out[3])
{
    static const double matrix[3][6] = {
        {0.456, 0.500, 0.176, -0.043, -0.088, -0.002},
        {-0.040, -0.038, -0.016, 0.378, 0.734, -0.018},
        {-0.015, -0.021, -0.005, -0.072, -0.113, 1.226},
    };

    for (int row = 0; row < 3; row++) {
        double sum = 0;

        for (int c = 0; c < 3; c++)
            sum += matrix[row][c] * to_linear(left[c]) + matrix[row][3 + c] * to_linear(right[c]);
        out[row] = to_srgb(sum);
    }
}

static void check_colour(const struct shot *shot, int x, int y, const double expected[3],
                         double tolerance)
{
    const uint8_t *is = shot_at(shot, x, y);

    for (int c = 0; c < 3; c++)
        if (fabs(is[c] - expected[c]) > tolerance)
            fail_msg("pixel %d, %d is %d %d %d, not %.1f %.1f %.1f", x, y, is[0], is[1], is[2],
                     expected[0], expected[1], expected[2]);
}

static void check_black(const struct shot *shot, int x, int y)
{
    check_colour(shot, x, y, (const double[]){0, 0, 0}, 0);
}

static void expected_colour(int eye, int quarter, double out[3])
{
    if (eye == 2)
        dubois(quarters[0][quarter], quarters[1][quarter], out);
    else
        for (int c = 0; c < 3; c++)
            out[c] = quarters[eye][quarter][c];
}

// The test picture fills this place: its corners, just inside; the pixels round the lines between
// quarters; black just outside. eye 2: the anaglyph of both.
static void check_place(const struct shot *shot, int x, int y, int width, int height, int eye)
{
    // a picture pixel's width at most is blurred by enlarging
    int blur_x = width / PICTURE_WIDTH + 2, blur_y = height / PICTURE_HEIGHT + 2;
    double tolerance = eye == 2 ? 3 : 1; // the paper rounds
    const int xs[4] = {x, x + width / 2 - blur_x, x + width / 2 + blur_x, x + width - 1};
    const int ys[4] = {y, y + height / 2 - blur_y, y + height / 2 + blur_y, y + height - 1};

    for (int row = 0; row < 4; row++)
        for (int column = 0; column < 4; column++) {
            double expected[3];

            expected_colour(eye, row / 2 * 2 + column / 2, expected);
            check_colour(shot, xs[column], ys[row], expected, tolerance);
        }
}

static struct shot show_layout(enum stereo_layout layout, double aspect)
{
    rig.options.layout = layout;
    rig_show(&rig, PICTURE_WIDTH, PICTURE_HEIGHT, aspect, paint_quarters);
    return rig_shoot(&rig);
}

// --- layouts; all places written down by hand, for a window of 800x600

static void test_one_eye(void **state)
{
    rig_resize(&rig, 800, 600);
    for (int eye = 0; eye < 2; eye++) {
        struct shot shot = show_layout(eye ? LAYOUT_RIGHT : LAYOUT_LEFT, 0);

        rig_keep(&rig, eye ? "right" : "left");
        check_place(&shot, 0, 75, 800, 450, eye);
        check_black(&shot, 400, 74);
        check_black(&shot, 400, 525);
        check_black(&shot, 0, 0);
        shot_free(&shot);
    }
}

static void test_side_by_side(void **state)
{
    struct shot shot = show_layout(LAYOUT_SIDE_BY_SIDE, 0);

    rig_keep(&rig, "side-by-side");
    check_place(&shot, 0, 187, 400, 225, 0);
    check_place(&shot, 400, 187, 400, 225, 1);
    check_black(&shot, 200, 186);
    check_black(&shot, 600, 412);
    shot_free(&shot);
}

static void test_half_side_by_side(void **state)
{
    struct shot shot = show_layout(LAYOUT_HALF_SIDE_BY_SIDE, 0);

    rig_keep(&rig, "half-side-by-side");
    check_place(&shot, 0, 75, 400, 450, 0);
    check_place(&shot, 400, 75, 400, 450, 1);
    check_black(&shot, 200, 74);
    check_black(&shot, 600, 525);
    shot_free(&shot);
}

// What the viewer sits before, on a monitor of known size: each picture's own width, and the whole
// one where the monitor pulls the halves apart.
static void test_screen_of_the_viewer(void **state)
{
    double one, side, half;
    struct shot shot;

    rig.options.monitor_width_m = 0.5;
    rig.options.monitor_distance_m = 0.7;
    rig_resize(&rig, 640, 600);
    shot = show_layout(LAYOUT_LEFT, 0);
    shot_free(&shot);
    one = display_screen(rig.display).width_m;
    rig_resize(&rig, 800, 600);
    shot = show_layout(LAYOUT_SIDE_BY_SIDE, 0);
    shot_free(&shot);
    side = display_screen(rig.display).width_m;
    shot = show_layout(LAYOUT_HALF_SIDE_BY_SIDE, 0);
    shot_free(&shot);
    half = display_screen(rig.display).width_m;
    assert_float_equal(display_screen(rig.display).distance_m, 0.7, 0);
    assert_true(one > 0.05 && one <= 0.5);
    assert_float_equal(side / one, 400.0 / 640, 1e-3);
    assert_float_equal(half / one, 800.0 / 640, 1e-3);
}

static void test_top_bottom(void **state)
{
    struct shot shot = show_layout(LAYOUT_TOP_BOTTOM, 0);

    rig_keep(&rig, "top-bottom");
    // 8:9 together
    check_place(&shot, 133, 0, 533, 300, 0);
    check_place(&shot, 133, 300, 533, 300, 1);
    check_black(&shot, 132, 100);
    check_black(&shot, 666, 500);
    shot_free(&shot);
}

static void test_anaglyph(void **state)
{
    struct shot shot = show_layout(LAYOUT_ANAGLYPH, 0);

    rig_keep(&rig, "anaglyph");
    check_place(&shot, 0, 75, 800, 450, 2);
    check_black(&shot, 400, 74);
    shot_free(&shot);
}

static void paint_left_white(int eye, int x, int y, uint8_t out_rgb[3])
{
    memset(out_rgb, eye == 0 ? 255 : 0, 3);
}

// Through the red glass, which is before the left eye, the right eye's picture is dark, and the
// other way round.
static void test_anaglyph_glasses(void **state)
{
    struct shot shot;
    const uint8_t *p;

    rig.options.layout = LAYOUT_ANAGLYPH;
    rig_show(&rig, 64, 48, 0, paint_left_white);
    shot = rig_shoot(&rig);
    p = shot_at(&shot, 400, 300);
    assert_true(p[0] == 255 && p[1] == 0 && p[2] == 0);
    shot_free(&shot);
}

// --- scaling

static void test_aspect(void **state)
{
    struct shot shot = show_layout(LAYOUT_LEFT, 1.0); // pixels that are not square

    check_place(&shot, 100, 0, 600, 600, 0);
    check_black(&shot, 99, 300);
    check_black(&shot, 700, 300);
    shot_free(&shot);
    shot = show_layout(LAYOUT_LEFT, 4.0);
    check_place(&shot, 0, 200, 800, 200, 0);
    check_black(&shot, 400, 199);
    check_black(&shot, 400, 400);
    shot_free(&shot);
}

static void test_same_size_is_exact(void **state)
{
    struct shot shot;

    rig_resize(&rig, 333, 217);
    rig.options.layout = LAYOUT_RIGHT;
    rig_show(&rig, 333, 217, 0, paint_noise);
    shot = rig_shoot(&rig);
    for (int y = 0; y < 217; y++)
        for (int x = 0; x < 333; x++) {
            uint8_t rgb[3];

            paint_noise(1, x, y, rgb);
            check_colour(&shot, x, y, (const double[]){rgb[0], rgb[1], rgb[2]}, 1);
        }
    shot_free(&shot);
}

// Fine black and white is grey from afar, of half the light: no moire.
static void test_shrinking_does_not_alias(void **state)
{
    static const int widths[] = {1000, 640, 400, 320, 300, 217};
    double grey = to_srgb(0.5);
    const double expected[3] = {grey, grey, grey};

    rig.options.layout = LAYOUT_LEFT;
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        int width = widths[i], height = width * 9 / 16;
        struct shot shot;

        rig_resize(&rig, width, height);
        rig_show(&rig, 1280, 720, 0, paint_checkers);
        shot = rig_shoot(&rig);
        // even a perfect filter leaves some pattern where a pixel is hardly shrunk
        for (int y = 20; y < height - 20; y++)
            for (int x = 20; x < width - 20; x++)
                check_colour(&shot, x, y, expected, width > 640 ? 80 : 24);
        shot_free(&shot);
    }
}

static void test_resizing(void **state)
{
    struct shot shot;

    rig.options.layout = LAYOUT_LEFT;
    rig_show(&rig, PICTURE_WIDTH, PICTURE_HEIGHT, 0, paint_quarters);
    // the film stands still: the same frame is drawn again
    rig_resize(&rig, 400, 700);
    shot = rig_shoot(&rig);
    check_place(&shot, 0, 237, 400, 225, 0);
    check_black(&shot, 200, 236);
    check_black(&shot, 200, 462);
    shot_free(&shot);
    rig_resize(&rig, 1280, 300);
    shot = rig_shoot(&rig);
    check_place(&shot, 373, 0, 533, 300, 0);
    check_black(&shot, 372, 150);
    shot_free(&shot);
    for (int i = 0; i < 8; i++)
        rig_resize(&rig, 300 + 60 * i, 700 - 50 * i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_eye),
        cmocka_unit_test(test_side_by_side),
        cmocka_unit_test(test_half_side_by_side),
        cmocka_unit_test(test_screen_of_the_viewer),
        cmocka_unit_test(test_top_bottom),
        cmocka_unit_test(test_anaglyph),
        cmocka_unit_test(test_anaglyph_glasses),
        cmocka_unit_test(test_aspect),
        cmocka_unit_test(test_same_size_is_exact),
        cmocka_unit_test(test_shrinking_does_not_alias),
        cmocka_unit_test(test_resizing),
    };
    int failed;

    rig_open(&rig, true);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_close(&rig);
    if (vk_validation_messages() != 0) {
        fprintf(stderr, "%d messages of the validation layer\n", vk_validation_messages());
        failed++;
    }
    return failed;
}
