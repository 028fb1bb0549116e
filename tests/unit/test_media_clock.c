// The media clock follows a jittering sound output closely and never jumps backwards.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/thread.h"
#include "viewer/media_clock.h"

#define T0 (1000 * NS_PER_S)
#define SEED 20261122u

static void stopped_clock_knows_nothing(void **state)
{
    struct media_clock *c = media_clock_create();

    assert_true(media_clock_at(c, T0) == CLOCK_NONE);
    media_clock_correct(c, 5, T0);
    assert_true(media_clock_at(c, T0) == CLOCK_NONE);
    media_clock_start(c, 7 * NS_PER_S, T0);
    media_clock_stop(c);
    assert_true(media_clock_at(c, T0) == CLOCK_NONE);
    media_clock_destroy(&c);
    assert_null(c);
    media_clock_destroy(&c);
}

static void runs_by_itself(void **state)
{
    struct media_clock *c = media_clock_create();

    media_clock_start(c, 7 * NS_PER_S, T0);
    assert_int_equal(media_clock_at(c, T0), 7 * NS_PER_S);
    assert_int_equal(media_clock_at(c, T0 + 3 * NS_PER_S), 10 * NS_PER_S);
    assert_int_equal(media_clock_at(c, T0 - NS_PER_S), 6 * NS_PER_S);
    media_clock_destroy(&c);
}

static double jitter(double most)
{
    return most * (2.0 * rand() / RAND_MAX - 1);
}

struct run {
    double speed;     // of the sound card's clock
    double offset_ms; // where it is at the beginning
    double jitter_ms; // of its reports
    double seconds;
    double wanted; // by the viewer, of the film
};

// Corrects every 21 ms as an audio callback would; returns the largest difference in the last
// second, in ms, and checks that the clock never goes back nor runs at another speed than it may.
static double follow(const struct run *r)
{
    struct media_clock *c = media_clock_create();
    double speed = r->speed * r->wanted, worst = 0;
    int64_t last = INT64_MIN;

    media_clock_set_speed(c, r->wanted);
    media_clock_start(c, 0, T0);
    for (int64_t t = 0; t < (int64_t)(r->seconds * NS_PER_S); t += 21 * NS_PER_MS) {
        double truth = (double)t * speed + r->offset_ms * 1e6;
        double report = truth + jitter(r->jitter_ms) * 1e6;

        media_clock_correct(c, (int64_t)report, T0 + t);
        for (int64_t step = 0; step < 21 * NS_PER_MS; step += 3 * NS_PER_MS) {
            int64_t now = media_clock_at(c, T0 + t + step);
            double error = ((double)now - truth - (double)step * speed) / 1e6;

            assert_true(now >= last);
            if (last != INT64_MIN)
                assert_true((double)(now - last) < 2 * 3e6 * r->wanted);
            last = now;
            if (t > (int64_t)((r->seconds - 1) * NS_PER_S) && fabs(error) > worst)
                worst = fabs(error);
        }
    }
    media_clock_destroy(&c);
    return worst;
}

static void follows_the_sound(void **state)
{
    static const struct {
        struct run run;
        double within_ms;
    } cases[] = {
        {{1, 0, 0, 3, 1}, 0.001},    {{1, 50, 0, 8, 1}, 0.5},       {{1, -90, 0, 10, 1}, 0.5},
        {{1, 0, 5, 5, 1}, 2},        {{1, 30, 10, 10, 1}, 3},       {{1.0001, 0, 5, 10, 1}, 2},
        {{1.016, 0, 2, 10, 1}, 1.5}, {{0.985, -60, 5, 12, 1}, 2.5}, {{1, 0, 0, 3, 3}, 0.001},
        {{1, 200, 10, 10, 4}, 4},    {{1, 20, 2, 10, 0.25}, 1},
    };

    srand(SEED);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double worst = follow(&cases[i].run);

        printf("speed %.4f x %.2f, offset %.0f ms, jitter %.0f ms: within %.3f ms\n",
               cases[i].run.speed, cases[i].run.wanted, cases[i].run.offset_ms,
               cases[i].run.jitter_ms, worst);
        assert_true(worst <= cases[i].within_ms);
    }
}

static void a_large_difference_is_another_place(void **state)
{
    struct media_clock *c = media_clock_create();

    media_clock_start(c, 0, T0);
    media_clock_correct(c, 60 * NS_PER_S, T0 + NS_PER_S);
    assert_int_equal(media_clock_at(c, T0 + NS_PER_S), 60 * NS_PER_S);
    media_clock_correct(c, 5 * NS_PER_S, T0 + 2 * NS_PER_S);
    assert_int_equal(media_clock_at(c, T0 + 3 * NS_PER_S), 6 * NS_PER_S);
    media_clock_destroy(&c);
}

// What remains to be worked off ends, even where no further correction comes.
static void the_last_correction_comes_to_rest(void **state)
{
    struct media_clock *c = media_clock_create();

    media_clock_start(c, 0, T0);
    media_clock_correct(c, 20 * NS_PER_MS, T0);
    assert_int_equal(media_clock_at(c, T0), 0);
    assert_int_equal(media_clock_at(c, T0 + 60 * NS_PER_S), 60 * NS_PER_S + 20 * NS_PER_MS);
    media_clock_destroy(&c);
}

static void paused_clock_stands(void **state)
{
    struct media_clock *c = media_clock_create();
    int64_t at;

    media_clock_start(c, 0, clock_now_ns());
    assert_false(media_clock_paused(c));
    media_clock_pause(c, true);
    assert_true(media_clock_paused(c));
    at = media_clock_at(c, clock_now_ns());
    assert_int_equal(media_clock_at(c, clock_now_ns() + NS_PER_S), at);
    media_clock_correct(c, 3 * NS_PER_S, clock_now_ns());
    assert_int_equal(media_clock_at(c, clock_now_ns()), at);
    // a start while paused (a seek) moves it, but it does not run
    media_clock_start(c, 9 * NS_PER_S, clock_now_ns());
    assert_int_equal(media_clock_at(c, clock_now_ns() + NS_PER_S), 9 * NS_PER_S);
    media_clock_pause(c, false);
    at = media_clock_at(c, clock_now_ns()) - 9 * NS_PER_S;
    assert_true(at >= 0 && at < 100 * NS_PER_MS);
    media_clock_destroy(&c);
}

static void another_speed_begins_where_the_clock_is(void **state)
{
    struct media_clock *c = media_clock_create();
    int64_t before, now_ns;

    assert_true(media_clock_speed(c) == 1);
    media_clock_start(c, 0, clock_now_ns() - 5 * NS_PER_S);
    before = media_clock_at(c, clock_now_ns());
    media_clock_set_speed(c, 2);
    now_ns = clock_now_ns();
    assert_true(media_clock_at(c, now_ns) >= before);
    assert_true(media_clock_at(c, now_ns) < before + NS_PER_S);
    assert_int_equal(media_clock_at(c, now_ns + NS_PER_S) - media_clock_at(c, now_ns),
                     2 * NS_PER_S);
    assert_true(media_clock_speed(c) == 2);
    media_clock_destroy(&c);
}

#define READS 20000

struct reader {
    struct media_clock *clock;
    struct thread thread;
    atomic_bool done;
    long wrong;
};

// The writer below keeps media time == time: any mixture of two states would show.
static void read_it(void *user)
{
    struct reader *r = user;

    for (int i = 0; i < READS; i++) {
        int64_t now = (int64_t)i * 12345;

        r->wrong += media_clock_at(r->clock, now) != now;
    }
    r->done = true;
}

static void readers_get_consistent_states(void **state)
{
    struct media_clock *c = media_clock_create();
    struct reader r[2] = {{.clock = c}, {.clock = c}};
    long writes = 0;

    media_clock_start(c, T0, T0);
    for (int i = 0; i < 2; i++)
        assert_true(thread_start(&r[i].thread, "reader", THREAD_NORMAL, read_it, &r[i]));
    for (; !r[0].done || !r[1].done; writes++) {
        int64_t at = (int64_t)rand() * 1000;

        media_clock_start(c, at, at);
    }
    for (int i = 0; i < 2; i++) {
        thread_join(&r[i].thread);
        assert_int_equal(r[i].wrong, 0);
    }
    printf("%ld writes during 2 x %d reads\n", writes, READS);
    media_clock_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_clock_knows_nothing),
        cmocka_unit_test(runs_by_itself),
        cmocka_unit_test(follows_the_sound),
        cmocka_unit_test(a_large_difference_is_another_place),
        cmocka_unit_test(the_last_correction_comes_to_rest),
        cmocka_unit_test(paused_clock_stands),
        cmocka_unit_test(another_speed_begins_where_the_clock_is),
        cmocka_unit_test(readers_get_consistent_states),
    };

    printf("seed %u\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
