// A floor under each figure of quality, on scenes drawn here whose depth and other views are known.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/deep3d.h"
#include "engine/stereo.h"
#include "tests/eval/eval_flicker.h"
#include "tests/eval/eval_metrics.h"
#include "tests/golden/scene.h"

enum { WIDTH = 640, HEIGHT = 360, NEAR_W = 192, NEAR_H = 112, PICTURES = 24, CUT = 12 };

static const struct scene scene = {WIDTH, HEIGHT, 6.4f, 0.5f};
static uint8_t middle[WIDTH * HEIGHT * 4], truth[WIDTH * HEIGHT * 4], eyes[2][WIDTH * HEIGHT * 4];
static float near[NEAR_W * NEAR_H];

static void draw_eyes(void)
{
    struct stereo *stereo = stereo_create(kernels_best(), 0);

    assert_true(stereo_resize(stereo, WIDTH, HEIGHT));
    struct colour_job job = {.width = WIDTH,
                             .height = HEIGHT,
                             .matrix = colour_matrix_for(COLOUR_IDENTITY, 8, 0, true, false),
                             .out = *stereo_picture(stereo)};
    for (int i = 0; i < 3; i++)
        job.component[i] = (struct colour_component){middle + i, WIDTH * 4, 4, 0, 0};
    kernels_best()->colour(&job);
    stereo_shrink(stereo);
    stereo_draw(stereo, &(struct stereo_view){.nearness = near,
                                              .near_width = NEAR_W,
                                              .near_height = NEAR_H,
                                              .gain_px = {scene.gain_px, scene.gain_px},
                                              .convergence = scene.convergence,
                                              .eye = {eyes[0], eyes[1]},
                                              .stride_bytes = WIDTH * 4});
    stereo_destroy(&stereo);
}

static void views_are_near_the_truth(void **state)
{
    scene_draw(&scene, 0, middle);
    scene_draw(&scene, 1, truth);
    scene_coarse(&scene, NEAR_W, NEAR_H, near);
    draw_eyes();
    double siou = eval_siou(eyes[1], truth, middle, WIDTH, HEIGHT);
    double nothing = eval_siou(middle, truth, middle, WIDTH, HEIGHT);
    double ssim = eval_ssim(eyes[1], truth, WIDTH, HEIGHT);
    double edge = eval_edge_error(eyes[1], truth, WIDTH, HEIGHT);
    printf("SIoU %.3f (the picture itself %.3f), SSIM %.4f, edge error %.2f (%.2f)\n", siou,
           nothing, ssim, edge, eval_edge_error(middle, truth, WIDTH, HEIGHT));
    assert_true(siou > 0.5 && siou > nothing + 0.3);
    assert_true(ssim > 0.97);
    assert_true(edge < 3);
}

static void order_is_kept(void **state)
{
    static float exact[NEAR_W * NEAR_H];

    scene_coarse(&scene, NEAR_W, NEAR_H, near);
    for (int i = 0; i < NEAR_W * NEAR_H; i++)
        exact[i] = 60 * scene_nearness(&scene, ((float)(i % NEAR_W) + 0.5f) * WIDTH / NEAR_W,
                                       ((float)(i / NEAR_W) + 0.5f) * HEIGHT / NEAR_H);
    struct eval_order o = eval_order_of(near, exact, NEAR_W, NEAR_H);
    printf("rank %.3f, row %.3f, order %.3f\n", o.rank, o.row, o.order);
    assert_true(o.rank > 0.95 && o.row > 0.9 && o.order > 0.97);
}

static double difference(const float *a, const float *b, int count)
{
    double sum = 0;

    for (int i = 0; i < count; i++)
        sum += a[i] > b[i] ? a[i] - b[i] : b[i] - a[i];
    return sum / count;
}

// Two shots through the whole converter, noise on both; the second is the first upside down
// and in other colours.
static void draw_picture(int n)
{
    static uint8_t still[WIDTH * HEIGHT * 4];
    struct scene flat = {WIDTH, HEIGHT, 0, 0};

    if (n == 0)
        scene_draw(&flat, 0, still);
    for (int y = 0; y < HEIGHT; y++)
        memcpy(middle + y * WIDTH * 4, still + (n < CUT ? y : HEIGHT - 1 - y) * WIDTH * 4,
               WIDTH * 4);
    for (int i = 0; n >= CUT && i < WIDTH * HEIGHT * 4; i++)
        middle[i] = (uint8_t)(255 - middle[i]) / (uint8_t)(1 + i % 2);
    for (int i = 0; i < WIDTH * HEIGHT * 4; i++)
        middle[i] = (uint8_t)(middle[i] < 8     ? 8
                              : middle[i] > 247 ? 247
                                                : middle[i]) +
                    (uint8_t)(rand() % 9) - 4;
}

static const struct deep3d_picture picture = {.width = WIDTH,
                                              .height = HEIGHT,
                                              .plane = {middle},
                                              .stride_bytes = {WIDTH * 4},
                                              .layout = DEEP3D_RGBA,
                                              .matrix = DEEP3D_MATRIX_RGB,
                                              .bits = 8,
                                              .full_range = true};

static const float *convert(struct deep3d *converter, int *out_width, int *out_height)
{
    struct deep3d_settings settings = {.strength = 6, .convergence = 0.5f};
    struct deep3d_eyes out = {
        .width = WIDTH, .height = HEIGHT, .pixels = {eyes[0], eyes[1]}, .stride_bytes = WIDTH * 4};

    assert_true(deep3d_convert(converter, &picture, &settings, &out));
    return deep3d_nearness(converter, out_width, out_height);
}

static void shots_are_steady_and_apart(void **state)
{
    struct deep3d_params params = {.model = DEEP3D_MODEL};
    struct deep3d *converter = deep3d_create(&params), *fresh = deep3d_create(&params);
    struct deep3d_comfort screen = {.screen_width_m = 3, .distance_m = 3};
    struct eval_flicker *steady = NULL, *raw = NULL;
    int width, height, comfortable = 0;

    srand(1);
    deep3d_set_comfort(converter, &screen);
    for (int n = 0; n < PICTURES; n++) {
        draw_picture(n);
        const float *now = convert(converter, &width, &height);
        deep3d_reset(fresh);
        const float *alone = convert(fresh, &width, &height);
        if (n == 0) {
            steady = eval_flicker_create(width, height);
            raw = eval_flicker_create(width, height);
        }
        eval_flicker_add(steady, middle, WIDTH, HEIGHT, now, n % CUT == 0);
        eval_flicker_add(raw, middle, WIDTH, HEIGHT, alone, n % CUT == 0);
        comfortable += deep3d_last_parallax(converter).comfortable;
        if (n == CUT) // no lag: it is what the picture says by itself
            assert_true(difference(now, alone, width * height) < 1e-6);
    }
    printf("flicker %.3f %%, unfiltered %.3f %%; comfortable %d of %d\n",
           eval_flicker_percent(steady), eval_flicker_percent(raw), comfortable, PICTURES);
    assert_true(eval_flicker_percent(steady) < 0.35 * eval_flicker_percent(raw));
    assert_int_equal(comfortable, PICTURES);
    eval_flicker_destroy(&steady);
    eval_flicker_destroy(&raw);
    deep3d_destroy(&converter);
    deep3d_destroy(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_are_near_the_truth),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(shots_are_steady_and_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
