// Comfort: budgets in the units of eyes, and that they hold in every picture whatever happens.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/comfort.h"

enum { WIDTH = 64, HEIGHT = 36, COUNT = WIDTH * HEIGHT };

static const struct deep3d_settings strong = {8, 0.5f};

static void fill(float *near, float low, float high)
{
    for (int i = 0; i < COUNT; i++)
        near[i] = low + (high - low) * (float)(i / WIDTH) / (HEIGHT - 1);
}

static float front_pct(const struct comfort_view *v, float near)
{
    near = near < v->low ? v->low : near > v->high ? v->high : near;
    return v->strength * (near - v->convergence);
}

// 2 m wide at 3 m: 63 mm are 3.15 %. One degree in front: fused at 1 / (1/3 + angle / 0.063) m.
static void limits_are_those_of_the_formulas(void **state)
{
    struct comfort_limits l =
        comfort_limits_for(&(struct deep3d_comfort){.screen_width_m = 2, .distance_m = 3});
    double depth = 0.063 / 2 / tan(M_PI / 360 + atan(0.063 / 6)); // of a point one degree in front
    double parallax = 0.063 * (3 - depth) / depth;

    assert_float_equal(l.back_pct, 3.15, 1e-3);
    assert_float_equal(l.front_pct, parallax / 2 * 100, 1e-3);
    l = comfort_limits_for(
        &(struct deep3d_comfort){.screen_width_m = 1, .distance_m = 1, .eye_distance_m = 0.07f});
    assert_float_equal(l.back_pct, 7, 1e-3);
    l = comfort_limits_for(&(struct deep3d_comfort){0});
    assert_true(isinf(l.front_pct) && isinf(l.back_pct));
}

// No budget: what the person set is what is drawn.
static void off_means_off(void **state)
{
    static float near[COUNT];
    struct comfort c = {0};
    struct deep3d_comfort none = {0};

    fill(near, 0, 1);
    struct comfort_view v = comfort_update(&c, &none, &strong, near, WIDTH, HEIGHT, true);
    assert_float_equal(v.strength, strong.strength, 0);
    assert_float_equal(v.convergence, strong.convergence, 0);
    assert_float_equal(v.low, 0, 0);
    assert_float_equal(v.high, 1, 0);
    assert_float_equal(v.window_pct[0] + v.window_pct[1], 0, 0);
}

// Scenes that change in any way, cuts or not: never beyond the budget, and no jump inside a shot.
static void the_budget_always_holds(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort cinema = {.screen_width_m = 10, .distance_m = 12};
    struct comfort_limits l = comfort_limits_for(&cinema);
    struct comfort c = {0};
    struct comfort_view last = {0};

    srand(7);
    for (int i = 0; i < 400; i++) {
        float low = (float)(rand() % 100) / 200, high = low + (float)(rand() % 100) / 200;
        bool cut = i % 40 == 0;
        cinema.auto_convergence = i >= 200;
        fill(near, low, high);
        struct comfort_view v =
            comfort_update(&c, &cinema, &strong, near, WIDTH, HEIGHT, cut || i == 200);
        for (int k = 0; k < COUNT; k += 7) {
            assert_true(front_pct(&v, near[k]) <= l.front_pct * 1.0001f);
            assert_true(front_pct(&v, near[k]) >= -l.back_pct * 1.0001f);
        }
        if (!cut && i != 200) {
            assert_true(fabsf(v.strength - last.strength) <= 0.16f * strong.strength);
            assert_true(fabsf(v.convergence - last.convergence) < 0.04f);
        }
        last = v;
    }
}

// A near thing enters and leaves: depth shrinks soon and grows back slowly.
static void depth_is_eased(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort cinema = {.screen_width_m = 4, .distance_m = 4};
    struct comfort c = {0};

    fill(near, 0.45f, 0.55f);
    struct comfort_view flat = comfort_update(&c, &cinema, &strong, near, WIDTH, HEIGHT, true);
    assert_float_equal(flat.strength, 8, 1e-4);
    fill(near, 0, 1);
    struct comfort_view first = comfort_update(&c, &cinema, &strong, near, WIDTH, HEIGHT, false),
                        v = first;
    assert_true(first.strength < 8 && first.strength > 6.5f);
    for (int i = 0; i < 60; i++)
        v = comfort_update(&c, &cinema, &strong, near, WIDTH, HEIGHT, false);
    float least = v.strength;
    assert_true(least < 4);
    fill(near, 0.45f, 0.55f);
    v = comfort_update(&c, &cinema, &strong, near, WIDTH, HEIGHT, false);
    assert_true(v.strength > least && v.strength < least + 0.2f);
}

// The subject of a shot lies on the screen from its first picture on: the eyes need not move at a
// cut.
static void subjects_stay_on_the_screen(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort on = {.auto_convergence = true};
    struct comfort c = {0};

    for (int shot = 0; shot < 4; shot++) {
        float subject = 0.3f + 0.2f * (float)shot;
        for (int i = 0; i < COUNT; i++)
            near[i] = i < COUNT / 2 ? 0.1f : subject;
        struct comfort_view v = comfort_update(&c, &on, &strong, near, WIDTH, HEIGHT, true);
        assert_float_equal(v.convergence, subject, 0.01);
    }
}

// Something near at the left border only: a strip at the left of the left eye, as wide as its
// parallax.
static void windows_hide_what_is_cut_off(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort on = {.floating_window = true};
    struct deep3d_settings usual = {2, 0.5f};
    struct comfort c = {0};

    for (int i = 0; i < COUNT; i++)
        near[i] = i % WIDTH < 6 ? 0.9f : 0.3f;
    struct comfort_view v = comfort_update(&c, &on, &usual, near, WIDTH, HEIGHT, true);
    assert_float_equal(v.window_pct[0], 0.8, 0.02);
    assert_float_equal(v.window_pct[1], 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_those_of_the_formulas),
        cmocka_unit_test(off_means_off),
        cmocka_unit_test(the_budget_always_holds),
        cmocka_unit_test(depth_is_eased),
        cmocka_unit_test(subjects_stay_on_the_screen),
        cmocka_unit_test(windows_hide_what_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
