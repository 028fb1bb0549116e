// Nearness over time: relative answers brought to 0..1, and the filter that keeps a shot steady.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/steady.h"

enum { WIDTH = 96, HEIGHT = 56, COUNT = WIDTH * HEIGHT, SMALL_W = 192, SMALL_H = 112 };

static float uniform(void)
{
    return (float)rand() / (float)RAND_MAX;
}

static void normalise(struct range *r, bool fresh, const float *in, float *out)
{
    kernels_best()->range(&(struct range_job){in, 1000, fresh, r, out});
}

static void ranges_ignore_outliers(void **state)
{
    static float in[1000], out[1000];
    struct range r = {0};

    for (int i = 0; i < 1000; i++)
        in[i] = 5 + (float)i / 100; // 5..15
    in[0] = -1e6f;
    in[999] = 1e6f;
    in[500] = NAN;
    normalise(&r, false, in, out);
    // two outliers of such a size make the histogram useless; they must at least do no harm
    for (int i = 0; i < 1000; i++)
        assert_true(out[i] >= 0 && out[i] <= 1);
    in[0] = 5, in[999] = 15;
    normalise(&r, true, in, out);
    assert_float_equal(out[20], 0, 0.01);
    assert_float_equal(out[250], 0.24, 0.01);
    assert_float_equal(out[980], 1, 0.01);
    assert_float_equal(out[500], 0, 0);
}

static void ranges_follow_slowly(void **state)
{
    static float in[1000], out[1000];
    struct range r = {0};

    for (int i = 0; i < 1000; i++)
        in[i] = (float)i;
    normalise(&r, false, in, out);
    float before = out[500];
    for (int i = 900; i < 1000; i++)
        in[i] = 3000; // something enters, much nearer
    normalise(&r, false, in, out);
    assert_true(out[500] < before && out[500] > before * 0.8f);
    for (int i = 0; i < 1000; i++)
        in[i] = 7;
    normalise(&r, true, in, out);
    assert_float_equal(out[3], 0.5, 0);
}

// A still scene with an object; the network's answer breathes and is noisy.
static void make_answer(float *near, float breath, float noise)
{
    for (int i = 0; i < COUNT; i++) {
        float truth = 0.2f + 0.5f * (float)(i / WIDTH) / HEIGHT +
                      (i % WIDTH > 40 && i % WIDTH < 60 ? 0.2f : 0);
        near[i] = 0.5f + (truth - 0.5f) * (1 + breath) + breath * 0.2f + noise * (uniform() - 0.5f);
    }
}

static void make_small(uint8_t *pixels, int seed)
{
    srand((unsigned)seed);
    for (int i = 0; i < SMALL_W * SMALL_H * 4; i++)
        pixels[i] = (uint8_t)(rand() & 255);
}

static double difference(const float *a, const float *b)
{
    double sum = 0;

    for (int i = 0; i < COUNT; i++)
        sum += fabs((double)a[i] - (double)b[i]);
    return sum / COUNT;
}

static void still_scenes_stand_still(void **state)
{
    static float near[COUNT], old_raw[COUNT], old[COUNT];
    static uint8_t pixels[SMALL_W * SMALL_H * 4];
    struct image small = {pixels, SMALL_W, SMALL_H, SMALL_W * 4};
    struct steady *s = steady_create(kernels_best());
    struct depth_answer answer = {WIDTH, HEIGHT, near, NULL};
    double raw = 0, filtered = 0;

    make_small(pixels, 1);
    assert_true(steady_resize(s, WIDTH, HEIGHT));
    for (int i = 0; i < 40; i++) {
        make_answer(near, 0.1f * sinf((float)i * 2.1f), 0.03f);
        const float *out = steady_run(s, &answer, &small, i == 0);
        if (i > 0) {
            raw += difference(near, old_raw) / 39;
            filtered += difference(out, old) / 39;
        }
        memcpy(old_raw, near, sizeof(near));
        memcpy(old, out, sizeof(old));
    }
    printf("change from picture to picture: %.5f raw, %.5f filtered\n", raw, filtered);
    assert_true(filtered < raw * 0.15);
    steady_destroy(&s);
}

// A pan over a landscape whose answers are noisy: what is seen moves, and takes its past along.
static void what_pans_is_steady_too(void **state)
{
    static float near[COUNT];
    static float old[COUNT], old_raw[COUNT];
    static uint8_t pixels[SMALL_W * SMALL_H * 4];
    struct image small = {pixels, SMALL_W, SMALL_H, SMALL_W * 4};
    struct steady *s = steady_create(kernels_best());
    struct depth_answer answer = {WIDTH, HEIGHT, near, NULL};
    double raw = 0, filtered = 0;

    assert_true(steady_resize(s, WIDTH, HEIGHT));
    for (int i = 0; i < 20; i++) {
        for (int y = 0; y < SMALL_H; y++)
            for (int x = 0; x < SMALL_W; x++) {
                float u = (float)(x + 4 * i); // two pixels of the answer a picture
                memset(pixels + (y * SMALL_W + x) * 4,
                       (int)(128 + 60 * sinf(u * 0.13f) * cosf((float)y * 0.11f) +
                             40 * sinf(u * 0.41f)),
                       4);
            }
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++)
                near[y * WIDTH + x] =
                    0.5f + 0.3f * sinf((float)(x + 2 * i) * 0.1f) + 0.05f * (uniform() - 0.5f);
        const float *out = steady_run(s, &answer, &small, i == 0);
        for (int y = 5; i > 0 && y < HEIGHT - 5; y++)
            for (int x = 8; x < WIDTH - 8; x++) {
                raw += fabs((double)near[y * WIDTH + x] - (double)old_raw[y * WIDTH + x + 2]);
                filtered += fabs((double)out[y * WIDTH + x] - (double)old[y * WIDTH + x + 2]);
            }
        memcpy(old, out, sizeof(old));
        memcpy(old_raw, near, sizeof(near));
    }
    printf("along the pan: %.0f raw, %.0f filtered\n", raw, filtered);
    assert_true(filtered < raw * 0.35);
    steady_destroy(&s);
}

static void nothing_of_the_old_shot_remains(void **state)
{
    static float near[COUNT];
    static uint8_t pixels[SMALL_W * SMALL_H * 4];
    struct image small = {pixels, SMALL_W, SMALL_H, SMALL_W * 4};
    struct steady *s = steady_create(kernels_best());
    struct depth_answer answer = {WIDTH, HEIGHT, near, NULL};

    assert_true(steady_resize(s, WIDTH, HEIGHT));
    for (int i = 0; i < 5; i++) {
        make_small(pixels, i < 3 ? 1 : 2);
        make_answer(near, i < 3 ? 0 : -0.5f, 0.2f);
        const float *out = steady_run(s, &answer, &small, i == 0 || i == 3);
        if (i == 3)
            assert_memory_equal(out, near, sizeof(near));
    }
    steady_destroy(&s);
}

// Even without a cut: where the whole picture changes, the filter follows at once, but for the
// breathing it takes out.
static void what_moves_is_followed(void **state)
{
    static float near[COUNT];
    static uint8_t pixels[SMALL_W * SMALL_H * 4];
    struct image small = {pixels, SMALL_W, SMALL_H, SMALL_W * 4};
    struct steady *s = steady_create(kernels_best());
    struct depth_answer answer = {WIDTH, HEIGHT, near, NULL};

    assert_true(steady_resize(s, WIDTH, HEIGHT));
    make_small(pixels, 1);
    make_answer(near, 0, 0);
    steady_run(s, &answer, &small, true);
    memset(pixels, 200, sizeof(pixels));
    for (int i = 0; i < COUNT; i++)
        near[i] = 1 - near[i];
    const float *out = steady_run(s, &answer, &small, false);
    assert_true(difference(out, near) < 0.01);
    steady_destroy(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_ignore_outliers),
        cmocka_unit_test(ranges_follow_slowly),
        cmocka_unit_test(still_scenes_stand_still),
        cmocka_unit_test(what_pans_is_steady_too),
        cmocka_unit_test(nothing_of_the_old_shot_remains),
        cmocka_unit_test(what_moves_is_followed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
