// A primitive that oneDNN cannot make while a network is planned: the plain backend takes over,
// with one warning and the same numbers. Linked with --wrap=dnnl_primitive_create.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <oneapi/dnnl/dnnl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "tests/nn/case.h"

dnnl_status_t __real_dnnl_primitive_create(dnnl_primitive_t *out, const_dnnl_primitive_desc_t pd);
dnnl_status_t __wrap_dnnl_primitive_create(dnnl_primitive_t *out, const_dnnl_primitive_desc_t pd);

static int made, fail_at; // primitives since then; 0: none fails
static int warnings, errors;

dnnl_status_t __wrap_dnnl_primitive_create(dnnl_primitive_t *out, const_dnnl_primitive_desc_t pd)
{
    if (++made == fail_at)
        return dnnl_out_of_memory;
    return __real_dnnl_primitive_create(out, pd);
}

static void count(void *user, enum log_level level, const char *line)
{
    warnings += level == LOG_WARN;
    errors += level == LOG_ERROR;
}

// Plans and runs with the n-th primitive failing. True: nothing failed, there are fewer than n.
static bool one_failure(const struct nn_model *model, const struct case_set *set,
                        enum nn_backend backend, int n)
{
    struct nn_plan *plan;
    bool failed;

    made = warnings = errors = 0;
    fail_at = n;
    plan = case_plan(model, set, backend, 2);
    failed = made >= n;
    fail_at = 0;
    assert_non_null(plan);
    assert_int_equal(warnings, failed);
    assert_int_equal(errors, failed); // the reason
    assert_int_equal(strcmp(nn_plan_backend_name(plan), "reference") == 0, failed);
    case_fill(plan, set);
    assert_true(nn_plan_run(plan));
    assert_true(case_compare(plan, set).nmse < 1e-10);
    nn_plan_destroy(&plan);
    return !failed;
}

static void every_primitive(void **state)
{
    static const enum nn_backend backends[] = {NN_BACKEND_AUTO, NN_BACKEND_CPU};
    struct nn_model *model = nn_model_load(NN_CASES "/vit/model.onnx");
    struct case_set set;

    assert_non_null(model);
    assert_true(case_set_load(NN_CASES "/vit", 0, &set));
    log_set_sink(count, NULL);
    for (int b = 0; b < 2; b++) {
        int n = 1;

        while (!one_failure(model, &set, backends[b], n))
            n++;
        printf("%d primitives, each failing once\n", n - 1);
        assert_true(n > 50);
    }
    log_set_sink(NULL, NULL);
    case_set_finish(&set);
    nn_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_primitive)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
