// Plans are independent: two of one model run in two threads at once, each with the answers of a
// lone one.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/thread.h"
#include "tests/nn/case.h"

#define ROUNDS 30

struct worker {
    const struct nn_model *model;
    const struct case_set *set;
    enum nn_backend backend;
    int threads;
    atomic_int good; // rounds with the right answer
};

static void work(void *user)
{
    struct worker *w = user;
    struct nn_plan *plan = case_plan(w->model, w->set, w->backend, w->threads);

    for (int i = 0; plan && i < ROUNDS; i++) {
        (void)case_fill(plan, w->set);
        if (nn_plan_run(plan) && case_compare(plan, w->set).nmse < 1e-10)
            atomic_fetch_add(&w->good, 1);
    }
    nn_plan_destroy(&plan);
}

static void run_two(const char *name, enum nn_backend backend, int threads)
{
    char *folder = mem_printf("%s/%s", NN_CASES, name), *file = mem_printf("%s/model.onnx", folder);
    struct nn_model *model = nn_model_load(file);
    struct case_set set;
    struct worker workers[2];
    struct thread t[2];

    assert_non_null(model);
    assert_true(case_set_load(folder, 0, &set));
    for (int i = 0; i < 2; i++) {
        workers[i] = (struct worker){model, &set, backend, threads, 0};
        assert_true(thread_start(&t[i], "plan", THREAD_BACKGROUND, work, &workers[i]));
    }
    for (int i = 0; i < 2; i++)
        thread_join(&t[i]);
    assert_int_equal(workers[0].good, ROUNDS);
    assert_int_equal(workers[1].good, ROUNDS);
    case_set_finish(&set);
    nn_model_destroy(&model);
    mem_free(folder);
    mem_free(file);
}

static void reference(void **state)
{
    run_two("unet", NN_BACKEND_REFERENCE, 1);
    run_two("vit", NN_BACKEND_REFERENCE, 1);
}

static void fastest(void **state)
{
    run_two("unet", NN_BACKEND_AUTO, 1);
    run_two("vit", NN_BACKEND_AUTO, 1);
    run_two("midas", NN_BACKEND_AUTO, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reference), cmocka_unit_test(fastest)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
