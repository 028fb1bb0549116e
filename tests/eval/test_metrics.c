// The figures of the quality program, where the right answer is known.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/eval/eval_metrics.h"
#include "tests/eval/eval_swim.h"

enum { WIDTH = 200, HEIGHT = 80, COUNT = WIDTH * HEIGHT };

static uint8_t left[COUNT * 4], right[COUNT * 4], flat[COUNT * 4];

// Random blocks, the right view `shift` px further left.
static void draw(int shift)
{
    static uint8_t texture[HEIGHT][WIDTH + 64];

    srand(3);
    for (int y = 0; y < HEIGHT; y += 4)
        for (int x = 0; x < WIDTH + 64; x += 4) {
            uint8_t v = (uint8_t)(rand() & 255);
            for (int i = 0; i < 16; i++)
                if (y + i / 4 < HEIGHT && x + i % 4 < WIDTH + 64)
                    texture[y + i / 4][x + i % 4] = v;
        }
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            memset(left + (y * WIDTH + x) * 4, texture[y][x + 16], 4);
            memset(right + (y * WIDTH + x) * 4, texture[y][x + 16 + shift], 4);
            memset(flat + (y * WIDTH + x) * 4, 128, 4);
        }
}

static void the_same_is_perfect(void **state)
{
    draw(5);
    assert_float_equal(eval_ssim(right, right, WIDTH, HEIGHT), 1, 1e-9);
    assert_float_equal(eval_siou(right, right, left, WIDTH, HEIGHT), 1, 1e-9);
    assert_float_equal(eval_edge_error(right, right, WIDTH, HEIGHT), 0, 0);
}

static void doing_nothing_does_not_pay(void **state)
{
    draw(5);
    double nothing = eval_siou(left, right, left, WIDTH, HEIGHT);
    assert_true(nothing < 0.4);
    assert_true(eval_siou(flat, right, left, WIDTH, HEIGHT) < 0.3);
    assert_true(eval_ssim(left, right, WIDTH, HEIGHT) < 0.3);
    assert_true(eval_edge_error(left, right, WIDTH, HEIGHT) > 20);
}

static void disparity_is_matched(void **state)
{
    static uint8_t a[COUNT], b[COUNT];
    static float d[COUNT];
    int valid = 0, right_ones = 0;

    draw(7);
    eval_luma(left, WIDTH, HEIGHT, WIDTH, HEIGHT, a);
    eval_luma(right, WIDTH, HEIGHT, WIDTH, HEIGHT, b);
    eval_match(a, b, WIDTH, HEIGHT, 20, d);
    for (int i = 0; i < COUNT; i++)
        if (!isnan(d[i])) {
            valid++;
            right_ones += fabsf(d[i] - 7) < 0.5f;
        }
    assert_true(valid > COUNT / 2);
    assert_true(right_ones > valid * 99 / 100);
}

static void order_is_what_it_says(void **state)
{
    static float truth[COUNT], ramp[COUNT], inverse[COUNT];

    for (int i = 0; i < COUNT; i++) {
        int x = i % WIDTH, y = i / WIDTH;
        ramp[i] = (float)y;
        truth[i] = (float)y * 0.1f + (x % 40 < 20 ? 0.0f : 6.0f);
        inverse[i] = -truth[i];
        if (i % 3 == 0)
            truth[i] = NAN;
    }
    struct eval_order o = eval_order_of(ramp, truth, WIDTH, HEIGHT);
    assert_true(o.rank > 0.2);
    assert_float_equal(o.row, 0, 1e-6);
    assert_float_equal(o.order, 0.5, 1e-6);
    o = eval_order_of(inverse, truth, WIDTH, HEIGHT);
    assert_float_equal(o.rank, -1, 1e-6);
    assert_float_equal(o.row, -1, 0.01);
    assert_float_equal(o.order, 0, 1e-6);
}

// The right half lies nearer than the left one; nothing else has an edge of depth.
static struct eval_swim *swim_after(bool film_moves, bool eye_moves)
{
    static const float near[4] = {0, 0, 1, 1};
    struct eval_swim *swim = eval_swim_create(WIDTH, HEIGHT, 8);

    for (int i = 0; i < 4; i++) {
        draw(0);
        memcpy(flat, left, sizeof(flat));
        draw(i % 2);
        eval_swim_add(swim,
                      &(struct eval_swim_picture){
                          film_moves ? right : flat, {flat, eye_moves ? right : flat}, near, 4, 1},
                      false);
    }
    return swim;
}

static void swimming_is_what_the_film_does_not_do(void **state)
{
    struct eval_swim *still = swim_after(false, false), *swimming = swim_after(false, true),
                     *moving = swim_after(true, true);

    assert_true(eval_swim_share(still) > 0.3 && eval_swim_share(still) < 0.6);
    assert_float_equal(eval_swim_steps(still), 0, 0);
    assert_true(eval_swim_steps(swimming) > 5); // one eye's texture, every other picture by 1 px
    assert_float_equal(eval_swim_share(moving), 0, 0);
    eval_swim_destroy(&still);
    eval_swim_destroy(&swimming);
    eval_swim_destroy(&moving);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_is_perfect),
        cmocka_unit_test(doing_nothing_does_not_pay),
        cmocka_unit_test(disparity_is_matched),
        cmocka_unit_test(order_is_what_it_says),
        cmocka_unit_test(swimming_is_what_the_film_does_not_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
