// Both eyes in one picture for red-cyan glasses.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/deep3d.h"
#include "viewer/anaglyph.h"

#define STEPS 256

static struct deep3d_eyes pair(void *left, void *right, int bits)
{
    return (struct deep3d_eyes){.width = STEPS,
                                .height = 1,
                                .pixels = {left, right},
                                .stride_bytes = (size_t)STEPS * 4 * (size_t)bits / 8,
                                .bits = bits};
}

// Rows of the matrix add up to 1: what both eyes see alike and without colour stays as it is.
static void test_grey_stays_grey(void **state)
{
    static uint8_t in[STEPS][4], out[STEPS][4];
    static uint16_t fine_in[STEPS][4], fine_out[STEPS][4];
    struct deep3d_eyes eyes = pair(in, in, 8), canvas = pair(out, NULL, 8);
    struct deep3d_eyes fine_eyes = pair(fine_in, fine_in, 16),
                       fine_canvas = pair(fine_out, NULL, 16);
    struct anaglyph *a = anaglyph_create(8), *fine = anaglyph_create(16);

    for (int i = 0; i < STEPS; i++)
        for (int c = 0; c < 3; c++) {
            in[i][c] = (uint8_t)i;
            fine_in[i][c] = (uint16_t)(i * 257);
        }
    anaglyph_draw(a, &eyes, &canvas);
    anaglyph_draw(fine, &fine_eyes, &fine_canvas);
    for (int i = 0; i < STEPS; i++)
        for (int c = 0; c < 3; c++) {
            assert_true(abs(out[i][c] - i) <= 1);
            assert_true(abs(fine_out[i][c] - i * 257) <= 64);
        }
    anaglyph_destroy(&a);
    anaglyph_destroy(&fine);
}

// Through the red glass the left eye alone is seen, through the cyan one the right.
static void test_each_glass_has_its_eye(void **state)
{
    static uint8_t white[STEPS][4], black[STEPS][4], out[STEPS][4];
    struct deep3d_eyes left = pair(white, black, 8), right = pair(black, white, 8),
                       canvas = pair(out, NULL, 8);
    struct anaglyph *a = anaglyph_create(0);

    for (int i = 0; i < STEPS; i++)
        for (int c = 0; c < 4; c++) {
            white[i][c] = 255;
            out[i][c] = 77;
        }
    anaglyph_draw(a, &left, &canvas);
    assert_int_equal(out[STEPS - 1][0], 255);
    assert_int_equal(out[STEPS - 1][1], 0);
    assert_int_equal(out[STEPS - 1][2], 0);
    assert_int_equal(out[STEPS - 1][3], 77);
    anaglyph_draw(a, &right, &canvas);
    assert_int_equal(out[0][0], 0);
    assert_int_equal(out[0][1], 255);
    assert_int_equal(out[0][2], 255);
    anaglyph_destroy(&a);
    assert_null(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grey_stays_grey),
        cmocka_unit_test(test_each_glass_has_its_eye),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
