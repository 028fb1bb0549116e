// The governor against machines of every kind, on a clock that the test makes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "engine/governor.h"

static const struct deep3d_size sizes[] = {{384, 224}, {320, 192}, {256, 160}};
#define FILM_NS (33 * NS_PER_MS)

// A machine that plays a film.
struct machine {
    struct governor governor;
    double network_ms, other_ms; // at full size; of a picture
    double noise;                // so much more or less, as a part
    int64_t now_ns, film_ns;     // the clock, and the moment of the film's next picture
    int size;                    // of the network's input
    int64_t planning_ns;         // how long another size takes to be there
    int64_t there_ns;            // when the one that is asked for is; 0: it is not asked for
    int pictures, late, changes;
};

static double noisy(const struct machine *m, double ms)
{
    return ms * (1 + m->noise * (2.0 * rand() / RAND_MAX - 1));
}

// The input of the network, which is another one a while after that was asked for.
static int input_size(struct machine *m, int asked)
{
    if (asked == m->size)
        m->there_ns = 0;
    else if (m->there_ns == 0)
        m->there_ns = m->now_ns + m->planning_ns;
    if (m->there_ns != 0 && m->now_ns >= m->there_ns)
        m->size = asked;
    return m->size;
}

// One picture of the film: converted, or left out where the last one took too long.
static void picture(struct machine *m)
{
    struct deep3d_effort effort = governor_effort(&m->governor);
    int size = input_size(m, effort.size);
    double part =
        (double)sizes[size].width * sizes[size].height / (sizes[0].width * sizes[0].height);
    struct governor_picture p = {.interval_ns = FILM_NS, .network_size = size};

    m->film_ns += FILM_NS;
    if (m->now_ns > m->film_ns + 2 * FILM_NS) { // what lies ready is used up
        m->late++;
        m->changes += governor_late(&m->governor, m->now_ns);
        return;
    }
    if (m->pictures++ % effort.every == 0)
        p.network_ns = (int64_t)(noisy(m, m->network_ms * part) * NS_PER_MS);
    p.other_ns = (int64_t)(noisy(m, m->other_ms) * NS_PER_MS);
    m->now_ns = m->now_ns > m->film_ns ? m->now_ns : m->film_ns;
    m->now_ns += p.network_ns + p.other_ns;
    p.now_ns = m->now_ns;
    m->changes += governor_add(&m->governor, &p);
}

static void play(struct machine *m, double seconds)
{
    int64_t end_ns = m->film_ns + (int64_t)(seconds * NS_PER_S);

    while (m->film_ns < end_ns)
        picture(m);
}

static struct machine machine(double network_ms, double other_ms)
{
    struct machine m = {
        .network_ms = network_ms, .other_ms = other_ms, .noise = 0.1, .now_ns = NS_PER_S};

    srand(3);
    m.film_ns = m.now_ns;
    governor_init(&m.governor, sizes, 3);
    return m;
}

static void a_fast_machine_is_left_alone(void **state)
{
    struct machine m = machine(10, 15);

    play(&m, 600);
    assert_int_equal(m.changes, 0);
    assert_int_equal(m.late, 0);
}

// It finds the step that suffices, soon, and stays there.
static void a_slow_machine_keeps_real_time(void **state)
{
    static const struct {
        double network_ms, other_ms;
        struct deep3d_effort effort;
    } cases[] = {{14, 17.5, {1, 1}}, {13, 20, {2, 1}}, {18, 19, {2, 1}},
                 {25, 20, {2, 2}},   {40, 20, {2, 3}}, {60, 2, {2, 2}}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct machine m = machine(cases[i].network_ms, cases[i].other_ms);
        play(&m, 2);
        int soon = m.changes;
        m.late = 0;
        play(&m, 600);
        assert_true(soon >= 1 && soon <= 2);
        assert_int_equal(m.changes, soon);
        assert_int_equal(m.late, 0);
        assert_int_equal(governor_effort(&m.governor).size, cases[i].effort.size);
        assert_int_equal(governor_effort(&m.governor).every, cases[i].effort.every);
    }
}

// The input that suffices takes its time to be there: what the larger one costs until then is not
// what it costs.
static void sizes_may_come_late(void **state)
{
    for (int seconds = 0; seconds <= 3; seconds++) {
        struct machine m = machine(44, 4);
        m.planning_ns = seconds * NS_PER_S;
        play(&m, 30);
        assert_int_equal(m.changes, 1);
        assert_int_equal(governor_effort(&m.governor).size, 2);
        assert_int_equal(governor_effort(&m.governor).every, 1);
    }
}

static void too_slow_is_the_last_step(void **state)
{
    struct machine m = machine(100, 60);

    play(&m, 60);
    assert_int_equal(m.governor.step, m.governor.steps - 1);
    assert_true(m.changes <= 3);
}

// Something else takes half of the machine for a while: down at once, up again later.
static void a_busy_time_passes(void **state)
{
    struct machine m = machine(8, 12);

    play(&m, 20);
    assert_int_equal(m.governor.step, 0);
    m.network_ms *= 2;
    m.other_ms *= 2;
    play(&m, 3);
    assert_true(m.governor.step > 0);
    m.late = 0;
    play(&m, 30);
    assert_int_equal(m.late, 0);
    m.network_ms /= 2;
    m.other_ms /= 2;
    play(&m, 30);
    assert_int_equal(m.governor.step, 0);
    assert_true(m.changes <= 2 * m.governor.steps);
}

// A machine on which the better step never lasts, though it is foretold to: the tries get rare.
static void mistakes_are_learnt_from(void **state)
{
    struct machine m = machine(13, 22);
    int tries = 0;

    for (int second = 0; second < 600; second++) {
        // as if the network needed far more than its share at full size
        m.network_ms = m.governor.step == 0 ? 20 : 6;
        m.other_ms = m.governor.step == 0 ? 22 : 14;
        int before = m.governor.step;
        play(&m, 1);
        tries += before > 0 && m.governor.step == 0;
    }

    assert_true(tries >= 3 && tries <= 15);
    assert_true(m.late < 600);
}

// One picture in fifty takes ten times as long: no reason to change anything.
static void jolts_are_ignored(void **state)
{
    struct machine m = machine(8, 12);

    for (int i = 0; i < 600; i++) {
        m.other_ms = 120;
        picture(&m);
        m.other_ms = 12;
        for (int k = 0; k < 50; k++)
            picture(&m);
    }
    assert_int_equal(m.changes, 0);
}

// Cheap, and yet too late again and again: the decoder needs the processor.
static void late_pictures_count(void **state)
{
    struct machine m = machine(10, 10);

    play(&m, 5);
    for (int i = 0; i < 2; i++)
        assert_false(governor_late(&m.governor, m.now_ns + i * 100 * NS_PER_MS));
    assert_true(governor_late(&m.governor, m.now_ns + 200 * NS_PER_MS));
    assert_int_equal(m.governor.step, 1);
    play(&m, 2);
    for (int i = 0; i < 20; i++) // one now and then
        assert_false(governor_late(&m.governor, m.now_ns + (i + 1) * NS_PER_S));
}

// A network of one size only: it sees fewer pictures.
static void one_size_leaves_the_rate(void **state)
{
    struct governor g;

    governor_init(&g, sizes, 1);
    assert_int_equal(g.steps, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(g.efforts[i].size, 0);
        assert_int_equal(g.efforts[i].every, i + 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fast_machine_is_left_alone),
        cmocka_unit_test(a_slow_machine_keeps_real_time),
        cmocka_unit_test(sizes_may_come_late),
        cmocka_unit_test(too_slow_is_the_last_step),
        cmocka_unit_test(a_busy_time_passes),
        cmocka_unit_test(mistakes_are_learnt_from),
        cmocka_unit_test(jolts_are_ignored),
        cmocka_unit_test(late_pictures_count),
        cmocka_unit_test(one_size_leaves_the_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
