// Sums that look as if they could go into the product before them, and must not change: by a
// backend that fuses, against plain C.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "engine/nn/nn.h"
#include "tests/nn/writer.h"

#define FLOAT 1
#define INT64 7

// Takes the graph. Answers of 2 x 2 with `size` bytes an element; the inputs count up from 1.
static void compare(struct writer *graph, size_t size)
{
    static const enum nn_backend backends[] = {NN_BACKEND_REFERENCE, NN_BACKEND_PROCESSOR};
    struct nn_model *model = writer_load(graph, 17);
    struct nn_plan *plans[2];

    assert_non_null(model);
    for (int b = 0; b < 2; b++) {
        plans[b] = nn_plan_create(model, &(struct nn_plan_params){.backend = backends[b],
                                                                  .precision = NN_PRECISION_FP32,
                                                                  .threads = 1});
        assert_non_null(plans[b]);
        for (int i = 0; i < 2; i++) {
            void *in = nn_plan_input(plans[b], i);

            for (int k = 0; k < 4; k++) {
                if (size == sizeof(float))
                    ((float *)in)[k] = (float)(4 * i + k + 1);
                else
                    ((int64_t *)in)[k] = 4 * i + k + 1;
            }
        }
        assert_true(nn_plan_run(plans[b]));
    }
    assert_memory_equal(nn_plan_output(plans[0], 0), nn_plan_output(plans[1], 0), 4 * size);
    for (int b = 0; b < 2; b++)
        nn_plan_destroy(&plans[b]);
    nn_model_destroy(&model);
}

static void whole_numbers_are_added_as_such(void **state)
{
    static const int64_t shape[] = {2, 2, 0}, factors[] = {1, 2, 3, 4}, two_by_two[] = {2, 2};
    struct writer g = {0};

    writer_input(&g, "x", INT64, shape);
    writer_input(&g, "z", INT64, shape);
    writer_ints(&g, "f", factors, 4);
    writer_ints(&g, "s", two_by_two, 2);
    writer_node(&g, "Reshape", "f,s", "w", NULL);
    writer_node(&g, "MatMul", "x,w", "p", NULL);
    writer_node(&g, "Add", "p,z", "y", NULL);
    writer_output(&g, "y");
    compare(&g, sizeof(int64_t));
}

// A Gemm scales its third input by beta, and so would it what was added behind it.
static void a_constant_behind_a_gemm_is_not_scaled(void **state)
{
    static const int64_t shape[] = {2, 2, 0}, row[] = {2, 0};
    static const float factors[] = {1, 2, 3, 4}, added[] = {10, 20};
    struct writer g = {0}, a = {0};

    writer_input(&g, "x", FLOAT, shape);
    writer_input(&g, "z", FLOAT, shape);
    writer_floats(&g, "w", shape, factors);
    writer_floats(&g, "c", row, added);
    writer_attribute_float(&a, "beta", 0);
    writer_node(&g, "Gemm", "x,w", "p", &a);
    writer_node(&g, "Add", "p,c", "q", NULL);
    writer_node(&g, "Mul", "q,z", "y", NULL);
    writer_output(&g, "y");
    compare(&g, sizeof(float));
}

// As many rows as columns: what is added to each row is not what is added to each column.
static void a_constant_a_row_stays_one(void **state)
{
    static const int64_t shape[] = {2, 2, 0}, column[] = {2, 1, 0};
    static const float factors[] = {1, 2, 3, 4}, added[] = {10, 20}, two = 2;
    struct writer g = {0};

    writer_input(&g, "x", FLOAT, shape);
    writer_input(&g, "z", FLOAT, shape);
    writer_floats(&g, "w", shape, factors);
    writer_floats(&g, "c", column, added);
    writer_floats(&g, "two", &shape[2], &two);
    writer_node(&g, "Gemm", "x,w,c", "p", NULL);
    writer_node(&g, "Mul", "p,two", "q", NULL);
    writer_node(&g, "Mul", "q,z", "y", NULL);
    writer_output(&g, "y");
    compare(&g, sizeof(float));
}

static void count_warnings(void *user, enum log_level level, const char *line)
{
    *(int *)user += level == LOG_WARN;
}

// GELU by its formula, whose half adds a dimension: not the operator, which adds none.
static void a_gelu_of_more_dimensions_is_none(void **state)
{
    static const int64_t shape[] = {2, 2, 0}, line[] = {1, 0}, deep[] = {1, 1, 1, 0};
    static const float root = 1.41421356f, one = 1, half = 0.5f;
    struct writer g = {0};
    struct nn_model *model;
    struct nn_plan *plan;
    int warnings = 0;

    writer_input(&g, "x", FLOAT, shape);
    writer_floats(&g, "root", line, &root);
    writer_floats(&g, "one", line, &one);
    writer_floats(&g, "half", deep, &half);
    writer_node(&g, "Div", "x,root", "d", NULL);
    writer_node(&g, "Erf", "d", "e", NULL);
    writer_node(&g, "Add", "e,one", "a", NULL);
    writer_node(&g, "Mul", "x,a", "p", NULL);
    writer_node(&g, "Mul", "p,half", "y", NULL);
    writer_output(&g, "y");
    model = writer_load(&g, 17);
    assert_non_null(model);
    log_set_sink(count_warnings, &warnings);
    plan = nn_plan_create(model, &(struct nn_plan_params){.backend = NN_BACKEND_PROCESSOR});
    log_set_sink(NULL, NULL);
    assert_non_null(plan);
    assert_int_equal(warnings, 0); // the best backend has not refused it
    assert_int_equal(nn_plan_output_info(plan, 0).shape.rank, 3);
    ((float *)nn_plan_input(plan, 0))[3] = 1;
    assert_true(nn_plan_run(plan));
    assert_float_equal(((const float *)nn_plan_output(plan, 0))[3], 0.841345f, 1e-4f);
    nn_plan_destroy(&plan);
    nn_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_added_as_such),
        cmocka_unit_test(a_constant_behind_a_gemm_is_not_scaled),
        cmocka_unit_test(a_constant_a_row_stays_one),
        cmocka_unit_test(a_gelu_of_more_dimensions_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
