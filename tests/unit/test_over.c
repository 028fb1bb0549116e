// The depth of what is laid over the picture: in front of what it covers, within the budget.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/over.h"

#define WIDTH 64
#define HEIGHT 36

static const struct comfort_view view = {.strength = 4, .convergence = 0.5f, .low = 0, .high = 1};

// Far, but for one near point.
static void make_scene(float *nearness, int x, int y, float near)
{
    for (int i = 0; i < WIDTH * HEIGHT; i++)
        nearness[i] = 0.25f;
    nearness[y * WIDTH + x] = near;
}

static float over(const struct comfort_view *v, float front, const float *nearness, float left,
                  float top, float right, float bottom)
{
    struct deep3d_area area = {left, top, right, bottom};

    return over_parallax_pct(v, front, nearness, WIDTH, HEIGHT, &area);
}

static void in_front_of_the_nearest(void **state)
{
    float nearness[WIDTH * HEIGHT], parallax, far;

    make_scene(nearness, 32, 30, 0.9f);
    // the point's own parallax is 4 * (0.9 - 0.5)
    parallax = over(&view, INFINITY, nearness, 0.2f, 0.8f, 0.8f, 0.95f);
    assert_true(parallax > 1.6f && parallax < 2.0f);
    far = over(&view, INFINITY, nearness, 0.2f, 0.1f, 0.8f, 0.3f);
    assert_true(far > -1.0f && far < -0.6f);
}

// A thing beside the box is covered by one eye's picture of it.
static void beside_counts_as_far_as_it_moves(void **state)
{
    float nearness[WIDTH * HEIGHT];

    make_scene(nearness, 31, 18, 1);
    // 4 % of the width are 2.56 points
    assert_true(over(&view, INFINITY, nearness, 33.0f / WIDTH, 0.4f, 0.9f, 0.6f) > 2);
    assert_true(over(&view, INFINITY, nearness, 36.0f / WIDTH, 0.4f, 0.9f, 0.6f) < 0);
}

static void stays_within_the_budget(void **state)
{
    struct comfort_view pressed = view;
    float nearness[WIDTH * HEIGHT];

    make_scene(nearness, 32, 18, 1);
    assert_float_equal(over(&view, 1.5f, nearness, 0, 0, 1, 1), 1.5f, 1e-6);
    // what the view presses flat is no nearer than that
    pressed.high = 0.6f;
    assert_true(over(&pressed, INFINITY, nearness, 0, 0, 1, 1) < 0.4f + 0.3f);
}

static void any_area_is_fine(void **state)
{
    static const float odd[][4] = {
        {0.5f, 0.5f, 0.5f, 0.5f}, {1, 1, 1, 1}, {-3, -3, -2, -2}, {2, 2, 3, 3}, {0, 0, 0, 0},
        {NAN, NAN, NAN, NAN}};
    float nearness[WIDTH * HEIGHT];

    make_scene(nearness, 0, 0, 0.25f);
    for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        float parallax =
            over(&view, INFINITY, nearness, odd[i][0], odd[i][1], odd[i][2], odd[i][3]);
        assert_true(parallax > -1 && parallax < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_front_of_the_nearest),
        cmocka_unit_test(beside_counts_as_far_as_it_moves),
        cmocka_unit_test(stays_within_the_budget),
        cmocka_unit_test(any_area_is_fine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
