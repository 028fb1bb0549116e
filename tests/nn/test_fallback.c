// What oneDNN says, made up. A primitive that it cannot make while a network is planned: the plain
// backend takes over, with one warning and the same numbers. Processors with and without AMX: bf16
// is chosen where it pays.
//
// Linked with --wrap for the functions that stand here.
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

dnnl_cpu_isa_t __real_dnnl_get_effective_cpu_isa(void);
dnnl_cpu_isa_t __wrap_dnnl_get_effective_cpu_isa(void);

static int made, fail_at;  // primitives since then; 0: none fails
static dnnl_cpu_isa_t isa; // 0: the real one
static int warnings, errors;

dnnl_status_t __wrap_dnnl_primitive_create(dnnl_primitive_t *out, const_dnnl_primitive_desc_t pd)
{
    if (++made == fail_at)
        return dnnl_out_of_memory;
    return __real_dnnl_primitive_create(out, pd);
}

dnnl_cpu_isa_t __wrap_dnnl_get_effective_cpu_isa(void)
{
    return isa ? isa : __real_dnnl_get_effective_cpu_isa();
}

static void count(void *user, enum log_level level, const char *line)
{
    warnings += level == LOG_WARN;
    errors += level == LOG_ERROR;
}

// Plans and runs with the n-th primitive failing. True: nothing failed, there are fewer than n.
static bool one_failure(const struct nn_model *model, const struct case_set *set, int n)
{
    struct nn_plan *plan;
    bool failed;

    made = warnings = errors = 0;
    fail_at = n;
    plan = case_plan(model, set, NN_BACKEND_CPU, 1);
    failed = made >= n;
    fail_at = 0;
    assert_non_null(plan);
    assert_int_equal(warnings, failed);
    assert_int_equal(errors, failed); // the reason
    assert_int_equal(strcmp(nn_plan_backend_name(plan), "reference") == 0, failed);
    assert_true(case_fill(plan, set));
    assert_true(nn_plan_run(plan));
    assert_true(case_compare(plan, set).nmse < 1e-10);
    nn_plan_destroy(&plan);
    return !failed;
}

static void every_primitive(void **state)
{
    struct nn_model *model = nn_model_load(NN_CASES "/vit/model.onnx");
    struct case_set set;
    int n = 1;

    assert_non_null(model);
    assert_true(case_set_load(NN_CASES "/vit", 0, &set));
    log_set_sink(count, NULL);
    while (!one_failure(model, &set, n))
        n++;
    printf("%d primitives, each failing once\n", n - 1);
    assert_true(n > 50);
    log_set_sink(NULL, NULL);
    case_set_finish(&set);
    nn_model_destroy(&model);
}

static void bf16_where_amx_is(void **state)
{
    static const struct {
        dnnl_cpu_isa_t isa;
        enum nn_precision precision;
        const char *name; // the end of the backend's
        int warnings;
    } rows[] = {
        {dnnl_cpu_isa_avx512_core_amx, NN_PRECISION_AUTO, "bf16", 0},
        {dnnl_cpu_isa_avx512_core_amx, NN_PRECISION_FP32, "fp32", 0},
        {dnnl_cpu_isa_avx512_core_bf16, NN_PRECISION_AUTO, "fp32", 0},
        {dnnl_cpu_isa_avx512_core_bf16, NN_PRECISION_BF16, "bf16", 0},
        {dnnl_cpu_isa_avx2, NN_PRECISION_AUTO, "fp32", 0},
        {dnnl_cpu_isa_avx2, NN_PRECISION_BF16, "fp32", 1},
    };
    struct nn_model *model = nn_model_load(NN_CASES "/unet/model.onnx");
    struct case_set set;

    if ((__real_dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core) !=
        dnnl_cpu_isa_avx512_core) {
        nn_model_destroy(&model);
        printf("SKIPPED: this processor has no AVX-512, and oneDNN no bf16 on it\n");
        skip();
    }
    assert_true(case_set_load(NN_CASES "/unet", 0, &set));
    log_set_sink(count, NULL);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct nn_plan *plan;

        isa = rows[i].isa;
        warnings = 0;
        plan = case_plan_as(model, &set,
                            (struct nn_plan_params){.backend = NN_BACKEND_CPU,
                                                    .precision = rows[i].precision,
                                                    .threads = 1});
        assert_non_null(plan);
        assert_non_null(strstr(nn_plan_backend_name(plan), rows[i].name));
        assert_int_equal(warnings, rows[i].warnings);
        assert_true(case_fill(plan, &set));
        assert_true(nn_plan_run(plan));
        assert_true(case_compare(plan, &set).nmse < 1e-3);
        nn_plan_destroy(&plan);
    }
    isa = 0;
    log_set_sink(NULL, NULL);
    case_set_finish(&set);
    nn_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_primitive),
                                       cmocka_unit_test(bf16_where_amx_is)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
