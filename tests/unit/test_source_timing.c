// Time stamps that are missing, doubled or wrong still give every picture its place.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "viewer/source_timing.h"

#define MS NS_PER_MS
#define NONE CLOCK_NONE
#define PICTURES 6

struct timing_case {
    const char *what;
    int64_t pts[PICTURES], duration_ns;
    int64_t want[PICTURES], last_ns; // how long the last one is shown
};

static void pictures_get_their_places(void **state)
{
    static const struct timing_case cases[] = {
        {"all is well", {0, 40, 80, 120, 160, 200}, 40, {0, 40, 80, 120, 160, 200}, 40},
        {"no durations", {0, 40, 80, 120, 160, 200}, 0, {0, 40, 80, 120, 160, 200}, 40},
        {"no stamps", {-1, -1, -1, -1, -1, -1}, 0, {0, 33, 66, 99, 132, 165}, 33},
        {"no stamps, durations", {-1, -1, -1, -1, -1, -1}, 50, {0, 50, 100, 150, 200, 250}, 50},
        {"one missing", {0, 40, -1, 120, 160, 200}, 40, {0, 40, 80, 120, 160, 200}, 40},
        {"one doubled", {0, 40, 40, 120, 160, 200}, 40, {0, 20, 40, 120, 160, 200}, 40},
        {"one far ahead", {0, 40, 9000, 120, 160, 200}, 40, {0, 40, 80, 120, 160, 200}, 40},
        {"starting anew", {500, 540, 580, 0, 40, 80}, 40, {500, 540, 580, 620, 660, 700}, 40},
        {"varied", {0, 100, 110, 1000, 1001, 3000}, 0, {0, 100, 110, 1000, 1001, 3000}, 1999},
        {"hours away",
         {0, 40, 36000000, 36000040, 36000080, 36000120},
         40,
         {0, 40, 80, 120, 160, 200},
         40},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct timing_case *c = &cases[i];
        struct timing t;
        int64_t pts[PICTURES], duration[PICTURES];
        int n = 0;

        printf("%s\n", c->what);
        timing_init(&t, 33 * MS);
        for (int k = 0; k < PICTURES; k++)
            n += timing_next(&t, c->pts[k] < 0 ? NONE : c->pts[k] * MS, c->duration_ns * MS,
                             &pts[n], &duration[n]);
        assert_int_equal(n, PICTURES - 1);
        assert_true(timing_last(&t, &pts[n], &duration[n]));
        assert_false(timing_last(&t, &pts[n], &duration[n]));
        for (int k = 0; k < PICTURES; k++) {
            assert_int_equal(pts[k] / MS, c->want[k]);
            assert_true(duration[k] > 0);
        }
        assert_int_equal(duration[n] / MS, c->last_ns);
    }
}

static void one_picture_alone(void **state)
{
    struct timing t;
    int64_t pts, duration;

    timing_init(&t, 33 * MS);
    assert_true(timing_held_ns(&t) == NONE);
    assert_false(timing_last(&t, &pts, &duration));
    assert_false(timing_next(&t, 5 * MS, 0, &pts, &duration));
    assert_int_equal(timing_held_ns(&t), 5 * MS);
    assert_true(timing_last(&t, &pts, &duration));
    assert_int_equal(pts, 5 * MS);
    assert_int_equal(duration, 33 * MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_get_their_places),
        cmocka_unit_test(one_picture_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
