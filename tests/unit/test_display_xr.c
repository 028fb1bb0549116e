// The pure parts of the headset display: the runtime's clock, late periods, the screen's place.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/clock.h"
#include "viewer/display_xr_pace.h"
#include "viewer/display_xr_rate.h"
#include "viewer/display_xr_screen.h"
#include "viewer/display_xr_time.h"

#define PERIOD_NS (NS_PER_S / 90)
#define IN_TIME_NS (6 * NS_PER_MS) // before the display: more than half a period
#define PI 3.14159265f

// --- clock

// Feeds frames of a runtime whose clock is offset_ns ahead of ours and that wakes us lead_ns before
// the display, with late wake-ups among them. Returns the error of the conversion after the last.
static int64_t conversion_error(int64_t offset_ns, int64_t lead_ns, int frames)
{
    struct xr_time t = {.count = 0};
    int64_t display_ns = 0, start_ns = 5000 * NS_PER_S;

    srand(7);
    for (int i = 0; i < frames; i++) {
        int64_t jitter_ns = rand() % (200 * NS_PER_US);

        display_ns = start_ns + i * PERIOD_NS;
        if (i % 10 == 9) // a late one
            jitter_ns += 5 * NS_PER_MS;
        if (i == 0) // not throttled
            jitter_ns = -2 * PERIOD_NS;
        xr_time_add(&t, display_ns + offset_ns, display_ns - lead_ns + jitter_ns);
    }
    return xr_time_convert(&t, display_ns + offset_ns, PERIOD_NS) - display_ns;
}

static void test_same_clock_is_recognised(void **state)
{
    assert_int_equal(conversion_error(0, PERIOD_NS, 1), 0);
    assert_int_equal(conversion_error(0, PERIOD_NS, 40), 0);
    assert_int_equal(conversion_error(0, 3 * PERIOD_NS, 500), 0);
}

static void test_unknown_offset_within_half_a_period(void **state)
{
    const int64_t offsets[] = {-4000 * NS_PER_S, 123456789 * NS_PER_S, -400 * NS_PER_MS, NS_PER_S};
    int64_t limit = PERIOD_NS / 2 + NS_PER_MS;

    for (int i = 0; i < 4; i++) {
        for (int lead = 2; lead <= 4; lead++) { // in half periods
            int64_t error = conversion_error(offsets[i], lead * PERIOD_NS / 2, 300);

            assert_in_range(error + limit, 0, 2 * limit);
        }
    }
}

static void test_calibration_follows_a_new_lead(void **state)
{
    struct xr_time t = {.count = 0};
    const int64_t offset_ns = 77 * NS_PER_S;

    for (int i = 0; i < 200; i++)
        xr_time_add(&t, offset_ns + i * PERIOD_NS, (i - 1) * PERIOD_NS);
    for (int i = 200; i < 264; i++)
        xr_time_add(&t, offset_ns + i * PERIOD_NS, (i - 2) * PERIOD_NS);
    // lead of two periods assumed to be one and a half: half a period too early
    assert_int_equal(xr_time_convert(&t, offset_ns, PERIOD_NS) / NS_PER_MS,
                     -(PERIOD_NS / 2) / NS_PER_MS);
}

// --- pace

static void test_periods_in_time(void **state)
{
    struct xr_pace p = {.periods = 0};

    for (int i = 1; i <= 100; i++) {
        xr_pace_begin(&p, i * PERIOD_NS, PERIOD_NS);
        xr_pace_end(&p, i * PERIOD_NS - IN_TIME_NS);
    }
    assert_int_equal(p.periods, 100);
    assert_int_equal(p.late, 0);
}

static void test_jumped_periods_are_late(void **state)
{
    struct xr_pace p = {.periods = 0};

    xr_pace_begin(&p, 10 * PERIOD_NS, PERIOD_NS);
    xr_pace_end(&p, 10 * PERIOD_NS - IN_TIME_NS);
    xr_pace_begin(&p, 13 * PERIOD_NS + NS_PER_US, PERIOD_NS);
    xr_pace_end(&p, 13 * PERIOD_NS - IN_TIME_NS);
    assert_int_equal(p.periods, 4);
    assert_int_equal(p.late, 2);
}

static void test_late_submit_counts_once(void **state)
{
    struct xr_pace p = {.periods = 0};

    xr_pace_begin(&p, 10 * PERIOD_NS, PERIOD_NS);
    xr_pace_end(&p, 10 * PERIOD_NS - 5 * NS_PER_MS);
    assert_int_equal(p.late, 1);
    xr_pace_begin(&p, 12 * PERIOD_NS, PERIOD_NS);
    xr_pace_end(&p, 12 * PERIOD_NS - IN_TIME_NS);
    assert_int_equal(p.periods, 3);
    assert_int_equal(p.late, 1);
}

static void test_rest_is_not_late(void **state)
{
    struct xr_pace p = {.periods = 0};

    xr_pace_begin(&p, 10 * PERIOD_NS, PERIOD_NS);
    xr_pace_end(&p, 10 * PERIOD_NS - IN_TIME_NS);
    xr_pace_rest(&p);
    xr_pace_begin(&p, 500 * PERIOD_NS, PERIOD_NS);
    xr_pace_end(&p, 500 * PERIOD_NS - IN_TIME_NS);
    assert_int_equal(p.periods, 2);
    assert_int_equal(p.late, 0);
}

// --- refresh rate

// Frames a second found in a film whose time stamps are multiples of unit_ns, of which only every
// step-th is shown; 0: none found.
static double rate_found(double fps, int64_t unit_ns, int step)
{
    struct xr_rate r = {.frames = 0};
    int64_t duration_ns = llround(1e9 / fps / (double)unit_ns) * unit_ns;
    double found = 0;
    int times = 0;

    for (int i = 0; i < 300; i += step)
        times += xr_rate_add(&r, llround(i * 1e9 / fps / (double)unit_ns) * unit_ns, duration_ns,
                             &found);
    assert_in_range(times, 0, 1);
    return found;
}

static void test_rate_of_films(void **state)
{
    const double films[] = {24000.0 / 1001, 24, 25, 30000.0 / 1001, 30, 50, 60, 120};

    for (int i = 0; i < 8; i++) {
        assert_float_equal(rate_found(films[i], 1, 1), films[i], 1e-6 * films[i]);
        if (films[i] > 60)
            continue; // milliseconds are too coarse
        assert_float_equal(rate_found(films[i], NS_PER_MS, 1), films[i], 1.5e-3 * films[i]);
        assert_float_equal(rate_found(films[i], NS_PER_MS, 3), films[i], 1.5e-3 * films[i]);
    }
    assert_float_equal(rate_found(0.2, 1, 1), 0, 0); // pictures
}

static void test_no_rate_without_rhythm(void **state)
{
    struct xr_rate r = {.frames = 0};
    int64_t pts_ns = 0;
    double fps;

    srand(3);
    for (int i = 0; i < 1000; i++) {
        pts_ns += (20 + 7 * (rand() % 5)) * NS_PER_MS;
        assert_false(xr_rate_add(&r, pts_ns, 33 * NS_PER_MS, &fps));
    }
}

static void test_refresh_rate_is_a_multiple(void **state)
{
    const float quest[] = {60, 72, 80, 90, 120};

    assert_float_equal(xr_rate_choose(quest, 5, 23.976, 90), 72, 0);
    assert_float_equal(xr_rate_choose(quest, 5, 24, 120), 0, 0); // already
    assert_float_equal(xr_rate_choose(quest, 5, 30, 72), 90, 0);
    assert_float_equal(xr_rate_choose(quest, 5, 60, 90), 120, 0); // 60 flickers
    assert_float_equal(xr_rate_choose(quest, 5, 25, 90), 0, 0);   // none
    assert_float_equal(xr_rate_choose(quest, 0, 25, 90), 0, 0);
    assert_float_equal(xr_rate_choose((const float[]){100}, 1, 25, 90), 100, 0);
}

// --- screen

static XrQuaternionf product(XrQuaternionf a, XrQuaternionf b)
{
    return (XrQuaternionf){
        a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
        a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w,
        a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
    };
}

static XrQuaternionf head(float yaw, float pitch, float roll)
{
    XrQuaternionf y = {0, sinf(yaw / 2), 0, cosf(yaw / 2)};
    XrQuaternionf p = {sinf(pitch / 2), 0, 0, cosf(pitch / 2)};
    XrQuaternionf r = {0, 0, sinf(roll / 2), cosf(roll / 2)};

    return product(product(y, p), r);
}

static void test_heading_ignores_nodding_and_tilting(void **state)
{
    for (float yaw = -3; yaw <= 3; yaw += 0.5f)
        for (float pitch = -1.2f; pitch <= 1.2f; pitch += 0.4f)
            for (float roll = -0.5f; roll <= 0.5f; roll += 0.5f)
                assert_float_equal(xr_screen_heading(head(yaw, pitch, roll)), yaw, 1e-4);
}

static void test_heading_looking_straight_up_and_down(void **state)
{
    for (float yaw = -3; yaw <= 3; yaw += 0.5f) {
        assert_float_equal(xr_screen_heading(head(yaw, PI / 2, 0)), yaw, 1e-4);
        assert_float_equal(xr_screen_heading(head(yaw, -PI / 2, 0)), yaw, 1e-4);
    }
}

static void test_screen_is_ahead_upright_and_faces_the_viewer(void **state)
{
    // turned to the left by a quarter: ahead is -x
    XrPosef pose = xr_screen_pose((XrVector3f){1, 1.6f, 2}, PI / 2, 3);

    assert_float_equal(pose.position.x, -2, 1e-5);
    assert_float_equal(pose.position.y, 1.6f, 1e-5);
    assert_float_equal(pose.position.z, 2, 1e-5);
    assert_float_equal(pose.orientation.x, 0, 1e-6);
    assert_float_equal(pose.orientation.z, 0, 1e-6);
    assert_float_equal(xr_screen_heading(pose.orientation), PI / 2, 1e-5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_clock_is_recognised),
        cmocka_unit_test(test_unknown_offset_within_half_a_period),
        cmocka_unit_test(test_calibration_follows_a_new_lead),
        cmocka_unit_test(test_periods_in_time),
        cmocka_unit_test(test_jumped_periods_are_late),
        cmocka_unit_test(test_late_submit_counts_once),
        cmocka_unit_test(test_rest_is_not_late),
        cmocka_unit_test(test_rate_of_films),
        cmocka_unit_test(test_no_rate_without_rhythm),
        cmocka_unit_test(test_refresh_rate_is_a_multiple),
        cmocka_unit_test(test_heading_ignores_nodding_and_tilting),
        cmocka_unit_test(test_heading_looking_straight_up_and_down),
        cmocka_unit_test(test_screen_is_ahead_upright_and_faces_the_viewer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
