// Nearness as 16-bit grey.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/deep3d.h"
#include "viewer/disparity.h"

static uint16_t words[8][8];

static void draw(const float *nearness, int near_width, int near_height, int width, int height)
{
    struct deep3d_eyes eyes = {.width = width,
                               .height = height,
                               .pixels = {(uint8_t *)words},
                               .stride_bytes = sizeof(words[0])};

    memset(words, 0xee, sizeof(words));
    disparity_draw(nearness, near_width, near_height, &eyes);
}

static void test_between_samples_it_is_interpolated(void **state)
{
    static const uint16_t want[] = {0, 16384, 49151, 65535};

    draw((const float[]){0, 1}, 2, 1, 4, 3);
    for (int y = 0; y < 3; y++)
        assert_memory_equal(words[y], want, sizeof(want));
    draw((const float[]){0, 1}, 1, 2, 3, 4);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 3; x++)
            assert_int_equal(words[y][x], want[y]);
    // nothing beside the picture
    assert_int_equal(words[0][3], 0xeeee);
    assert_int_equal(words[4][0], 0xeeee);
}

static void test_one_sample_fills_the_picture(void **state)
{
    draw((const float[]){0.5f}, 1, 1, 5, 5);
    for (int i = 0; i < 25; i++)
        assert_int_equal(words[i / 5][i % 5], 32768);
}

static void test_what_is_beyond_is_cut_off(void **state)
{
    draw((const float[]){-0.5f, 1.5f}, 2, 1, 2, 1);
    assert_int_equal(words[0][0], 0);
    assert_int_equal(words[0][1], 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_between_samples_it_is_interpolated),
        cmocka_unit_test(test_one_sample_fills_the_picture),
        cmocka_unit_test(test_what_is_beyond_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
