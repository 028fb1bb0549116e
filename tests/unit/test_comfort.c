// Comfort: budgets in the units of eyes, and that they hold in every picture whatever happens.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/comfort.h"
#include "kernels/kernels.h"

enum { WIDTH = 64, HEIGHT = 36, COUNT = WIDTH * HEIGHT };

static const struct deep3d_settings strong = {.strength = 8, .convergence = 0.5f};

static void fill(float *near, float low, float high)
{
    for (int i = 0; i < COUNT; i++)
        near[i] = low + (high - low) * (float)(i / WIDTH) / (HEIGHT - 1);
}

static const struct spread *seen(const float *near)
{
    static struct spread spread;

    kernels_best()->spread(&(struct spread_job){near, WIDTH, HEIGHT, &spread});
    return &spread;
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
    struct comfort_view v = comfort_update(&c, &none, &strong, seen(near), true);
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
        struct comfort_view v = comfort_update(&c, &cinema, &strong, seen(near), cut || i == 200);
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

// The subject of a near shot has left, and the next shot is near again: to show it as far as what
// was seen last would take it beyond the budget.
static void the_budget_holds_after_a_cut(void **state)
{
    static const struct {
        float low, high;
        int pictures;
    } shots[] = {{0.9f, 0.95f, 50}, {0.05f, 0.1f, 2}, {0.9f, 0.95f, 40}, {0.05f, 0.1f, 40}};
    const struct deep3d_settings most = {.strength = 10};
    struct deep3d_comfort cinema = {.screen_width_m = 3, .distance_m = 3, .auto_convergence = true};
    struct comfort_limits l = comfort_limits_for(&cinema);
    static float near[COUNT];
    struct comfort c = {0};

    for (int shot = 0; shot < 4; shot++) {
        fill(near, shots[shot].low, shots[shot].high);
        for (int i = 0; i < shots[shot].pictures; i++) {
            struct comfort_view v =
                comfort_update(&c, &cinema, &most, seen(near), i == 0 && shot != 1);
            assert_true(v.low <= v.high && v.low >= 0 && v.high <= 1);
            assert_true(front_pct(&v, near[0]) >= -l.back_pct * 1.0001f);
            assert_true(front_pct(&v, near[COUNT - 1]) <= l.front_pct * 1.0001f);
            assert_float_equal(v.parallax.uncrossed_pct, fmaxf(-front_pct(&v, near[0]), 0), 0.05);
        }
    }
}

// A near thing enters and leaves: depth shrinks soon and grows back slowly.
static void depth_is_eased(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort cinema = {.screen_width_m = 4, .distance_m = 4};
    struct comfort c = {0};

    fill(near, 0.45f, 0.55f);
    struct comfort_view flat = comfort_update(&c, &cinema, &strong, seen(near), true);
    assert_float_equal(flat.strength, 8, 1e-4);
    fill(near, 0, 1);
    struct comfort_view first = comfort_update(&c, &cinema, &strong, seen(near), false), v = first;
    assert_true(first.strength < 8 && first.strength > 6.5f);
    for (int i = 0; i < 60; i++)
        v = comfort_update(&c, &cinema, &strong, seen(near), false);
    float least = v.strength;
    assert_true(least < 4);
    fill(near, 0.45f, 0.55f);
    v = comfort_update(&c, &cinema, &strong, seen(near), false);
    assert_true(v.strength > least && v.strength < least + 0.2f);
}

static void fill_subject(float *near, float subject)
{
    for (int i = 0; i < COUNT; i++)
        near[i] = i < COUNT / 2 ? 0.1f : subject;
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
        fill_subject(near, subject);
        struct comfort_view v = comfort_update(&c, &on, &strong, seen(near), true);
        assert_float_equal(v.convergence, subject, 0.01);
    }
}

// A subject that has come nearer lies before the screen when the shot ends: the next one begins
// with the same parallax, whatever its depth and the budget, and comes to the screen.
static void cuts_are_matched(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort on = {.auto_convergence = true, .screen_width_m = 3, .distance_m = 3};
    struct comfort c = {0};

    fill_subject(near, 0.4f);
    comfort_update(&c, &on, &strong, seen(near), true);
    fill_subject(near, 0.6f);
    struct comfort_view v = comfort_update(&c, &on, &strong, seen(near), false);
    float before = front_pct(&v, 0.6f);
    assert_true(before > 0.1f);
    fill_subject(near, 0.3f);
    v = comfort_update(&c, &on, &strong, seen(near), true);
    assert_float_equal(front_pct(&v, 0.3f), before, 0.02);
    for (int i = 0; i < 200; i++)
        v = comfort_update(&c, &on, &strong, seen(near), false);
    assert_float_equal(front_pct(&v, 0.3f), 0, 0.03);
}

// A subject that breathes does not move the screen; one that goes is followed.
static void convergence_is_on_a_leash(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort on = {.auto_convergence = true};
    struct comfort c = {0};
    struct comfort_view v = {0};

    for (int i = 0; i < 60; i++) {
        fill_subject(near, 0.5f + 0.04f * sinf((float)i));
        v = comfort_update(&c, &on, &strong, seen(near), i == 0);
        assert_float_equal(v.convergence, 0.5f, 0.01);
    }
    for (int i = 0; i < 300; i++) {
        fill_subject(near, 0.8f);
        v = comfort_update(&c, &on, &strong, seen(near), false);
    }
    assert_float_equal(v.convergence, 0.74f, 0.01);
}

// What the person turns is followed soon, but never as a jolt.
static void settings_are_eased(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort comfort = {.screen_width_m = 0.6f, .distance_m = 0.6f};
    struct deep3d_settings set = {.strength = 1, .convergence = 0.5f};
    struct comfort c = {0};

    fill_subject(near, 0.6f);
    struct comfort_view last = comfort_update(&c, &comfort, &set, seen(near), true), v;
    set = (struct deep3d_settings){.strength = 3, .convergence = 0.2f};
    comfort.floating_window = true;
    for (int i = 0; i < 40; i++) {
        v = comfort_update(&c, &comfort, &set, seen(near), false);
        assert_true(v.strength >= last.strength && v.strength - last.strength < 0.5f);
        assert_true(last.convergence - v.convergence < 0.08f);
        assert_true(fabsf(v.window_pct[0] - last.window_pct[0]) < 0.2f);
        last = v;
    }
    assert_float_equal(v.strength, 3, 0.01);
    assert_float_equal(v.convergence, 0.2, 0.01);
    assert_float_equal(v.window_pct[0], 3 * 0.4, 0.05);
    comfort.auto_convergence = true;
    v = comfort_update(&c, &comfort, &set, seen(near), false);
    assert_true(v.convergence > 0.2f && v.convergence < 0.24f);
}

// What is reported is what pixels get, in every unit.
static void parallax_is_measured(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort screen = {.screen_width_m = 2, .distance_m = 3, .no_budget = true};
    struct comfort c = {0};

    fill(near, 0.1f, 0.9f);
    struct deep3d_parallax p = comfort_update(&c, &screen, &strong, seen(near), true).parallax;
    assert_float_equal(p.crossed_pct, 8 * 0.4, 1e-4);
    assert_float_equal(p.uncrossed_m, 0.02 * 8 * 0.4, 1e-5);
    assert_float_equal(p.crossed_deg, 360 / M_PI * (atan((0.063 + 0.064) / 6) - atan(0.063 / 6)),
                       1e-3);
    assert_float_equal(p.uncrossed_deg, 360 / M_PI * (atan(0.063 / 6) - atan(-0.001 / 6)), 1e-3);
    assert_false(p.comfortable); // the eyes turn outwards
    screen.no_budget = false;
    c = (struct comfort){0};
    p = comfort_update(&c, &screen, &strong, seen(near), true).parallax;
    assert_true(p.comfortable && p.uncrossed_m <= 0.0631f && p.crossed_deg <= 1.001f);
}

// Any scene, screen, eyes, strength and history: the eyes never turn outwards, nor inwards beyond
// the budget.
static void never_divergent(void **state)
{
    static float near[COUNT];
    struct comfort c = {0};

    srand(11);
    for (int i = 0; i < 4000; i++) {
#define RANDOM(low, high) ((low) + ((high) - (low)) * (float)rand() / (float)RAND_MAX)
        struct deep3d_comfort any = {.screen_width_m = powf(10, RANDOM(-1.0f, 2.5f)),
                                     .distance_m = powf(10, RANDOM(-0.7f, 2.0f)),
                                     .eye_distance_m = RANDOM(0.05f, 0.08f),
                                     .crossed_max_deg = RANDOM(0.1f, 3.0f),
                                     .auto_convergence = rand() & 1,
                                     .floating_window = rand() & 1};
        struct deep3d_settings set = {.strength = RANDOM(0.0f, 10.0f),
                                      .convergence = RANDOM(0.0f, 1.0f)};
        float low = RANDOM(0.0f, 1.0f), high = RANDOM(0.0f, 1.0f);
        for (int k = 0; k < COUNT; k++)
            near[k] = rand() % 50 == 0 ? RANDOM(0.0f, 1.0f) : RANDOM(low, high);
        struct comfort_view v = comfort_update(&c, &any, &set, seen(near), rand() % 10 == 0);
        for (int k = 0; k < COUNT; k++) {
            float parallax_m = front_pct(&v, near[k]) / 100 * any.screen_width_m;
            assert_true(parallax_m >= -any.eye_distance_m * 1.001f);
            assert_true(comfort_angle_deg(&any, parallax_m) <= any.crossed_max_deg * 1.002f);
        }
        assert_true(v.parallax.comfortable);
    }
}

// Something near at the left border only: a strip at the left of the left eye, as wide as its
// parallax.
static void windows_hide_what_is_cut_off(void **state)
{
    static float near[COUNT];
    struct deep3d_comfort on = {.floating_window = true};
    struct deep3d_settings usual = {.strength = 2, .convergence = 0.5f};
    struct comfort c = {0};

    for (int i = 0; i < COUNT; i++)
        near[i] = i % WIDTH < 6 ? 0.9f : 0.3f;
    struct comfort_view v = comfort_update(&c, &on, &usual, seen(near), true);
    assert_float_equal(v.window_pct[0], 0.8, 0.02);
    assert_float_equal(v.window_pct[1], 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_are_those_of_the_formulas),
        cmocka_unit_test(off_means_off),
        cmocka_unit_test(the_budget_always_holds),
        cmocka_unit_test(the_budget_holds_after_a_cut),
        cmocka_unit_test(depth_is_eased),
        cmocka_unit_test(subjects_stay_on_the_screen),
        cmocka_unit_test(cuts_are_matched),
        cmocka_unit_test(convergence_is_on_a_leash),
        cmocka_unit_test(settings_are_eased),
        cmocka_unit_test(parallax_is_measured),
        cmocka_unit_test(never_divergent),
        cmocka_unit_test(windows_hide_what_is_cut_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
