// How a GPU's jobs walk over their tensors: tidied up, they still meet the same elements.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/nn/cuda_walk.h"

#define SEED 20261127u
#define MOST 4096

static void expect(const int *is, const int *want, int count)
{
    for (int i = 0; i < count; i++)
        assert_int_equal(is[i], want[i]);
}

static void test_steps_of_dense_tensors(void **state)
{
    struct nn_shape shape = {.rank = 4, .dims = {2, 3, 4, 5}};
    int steps[NN_MAX_RANK];

    cuda_steps(&shape, false, steps);
    expect(steps, (const int[]){60, 20, 5, 1}, 4);
    cuda_steps(&shape, true, steps);
    expect(steps, (const int[]){60, 1, 15, 3}, 4);
}

static void test_what_lies_in_one_run_becomes_one_dimension(void **state)
{
    struct job j = {.rank = 4, .outer = 4, .dims = {2, 1, 4, 5}};

    for (int t = 0; t < 2; t++)
        memcpy(j.t[t].step, (const int[]){20, 20, 5, 1}, 4 * sizeof(int));
    cuda_tidy(&j, 0, 4, 0);
    assert_int_equal(j.rank, 1);
    assert_int_equal(j.outer, 1);
    assert_int_equal(j.dims[0], 40);
    assert_int_equal(j.t[1].step[0], 1);
    cuda_count(&j, j.rank);
    assert_int_equal(j.count, 40);
}

static void test_what_is_broadcast_stays_apart(void **state)
{
    struct job j = {.rank = 3, .dims = {2, 4, 5}};

    memcpy(j.t[0].step, (const int[]){20, 5, 1}, 3 * sizeof(int));
    memcpy(j.t[1].step, (const int[]){0, 5, 1}, 3 * sizeof(int));
    cuda_tidy(&j, 0, 3, 0);
    assert_int_equal(j.rank, 2);
    expect(j.dims, (const int[]){2, 20}, 2);
    expect(j.t[0].step, (const int[]){20, 1}, 2);
    expect(j.t[1].step, (const int[]){0, 1}, 2);
}

// Elements of two tensors, met together.
struct meeting {
    int at[2];
};

static int walk(const struct job *j, struct meeting *out)
{
    int count = 1, place[JOB_RANK];

    for (int i = 0; i < j->rank; i++)
        count *= j->dims[i];
    for (int n = 0; n < count; n++) {
        int rest = n;

        for (int i = j->rank - 1; i >= 0; i--) {
            place[i] = rest % j->dims[i];
            rest /= j->dims[i];
        }
        out[n] = (struct meeting){{0, 0}};
        for (int t = 0; t < 2; t++)
            for (int i = 0; i < j->rank; i++)
                out[n].at[t] += place[i] * j->t[t].step[i];
    }
    return count;
}

static int by_first(const void *a, const void *b)
{
    return ((const struct meeting *)a)->at[0] - ((const struct meeting *)b)->at[0];
}

// The first tensor dense in a random order of dimensions, the second in another one, or broadcast.
static struct job random_job(void)
{
    struct job j = {.rank = 1 + rand() % 5};
    int order[JOB_RANK] = {0};

    for (int i = 0; i < j.rank; i++)
        j.dims[i] = 1 + rand() % 4;
    for (int t = 0; t < 2; t++) {
        int step = 1;

        for (int i = 0; i < j.rank; i++) {
            int k = rand() % (i + 1);

            order[i] = order[k];
            order[k] = i;
        }
        for (int i = 0; i < j.rank; i++) {
            bool broadcast = t == 1 && rand() % 4 == 0;

            j.t[t].step[order[i]] = broadcast ? 0 : step;
            step *= j.dims[order[i]];
        }
    }
    return j;
}

static void test_the_same_elements_meet(void **state)
{
    static struct meeting before[MOST], after[MOST];

    printf("seed %u\n", SEED);
    srand(SEED);
    for (int round = 0; round < 2000; round++) {
        struct job j = random_job();
        int count = walk(&j, before);

        cuda_tidy(&j, 0, j.rank, 0);
        cuda_count(&j, j.rank);
        assert_int_equal(j.count, count);
        assert_int_equal(walk(&j, after), count);
        for (int i = 1; i < count; i++) // along the first one's memory
            assert_true(after[i].at[0] > after[i - 1].at[0]);
        qsort(before, (size_t)count, sizeof(*before), by_first);
        assert_memory_equal(before, after, (size_t)count * sizeof(*before));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps_of_dense_tensors),
        cmocka_unit_test(test_what_lies_in_one_run_becomes_one_dimension),
        cmocka_unit_test(test_what_is_broadcast_stays_apart),
        cmocka_unit_test(test_the_same_elements_meet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
