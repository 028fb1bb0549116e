// Networks that were hard on plans for a GPU: large numbers in half precision, shapes that grow,
// tables without end. On a GPU, or on its twin on the processor.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "kernels/cuda_library.h"
#include "tests/nn/case.h"
#include "tests/nn/writer.h"

#define FLOAT 1
#define HALF_ERROR 1e-4 // NMSE that eleven bits may cost

static const int64_t number[] = {0};

static struct nn_plan_params on_gpu(enum nn_precision precision)
{
    return (struct nn_plan_params){.backend = NN_BACKEND_CUDA, .precision = precision};
}

// Noise of 0..1 through the graph, on the GPU and in plain C; empties the graph.
static void assert_close(struct writer *graph, struct nn_shape shape, enum nn_precision precision)
{
    struct nn_model *model = writer_load(graph, 17);
    struct case_set set;
    struct case_error e;
    struct nn_plan *plan;

    assert_non_null(model);
    assert_true(case_set_make(model, &shape, &set));
    plan = case_plan_as(model, &set, on_gpu(precision));
    assert_non_null(plan);
    assert_non_null(strstr(nn_plan_backend_name(plan), "CUDA"));
    assert_true(case_fill(plan, &set));
    assert_true(nn_plan_run(plan));
    e = case_compare(plan, &set);
    printf("%s: NMSE %.2g, max error %.2g\n", nn_plan_backend_name(plan), e.nmse, e.max_abs);
    assert_true(e.same_form);
    assert_true(e.nmse <= HALF_ERROR); // and not NaN
    nn_plan_destroy(&plan);
    case_set_finish(&set);
    nn_model_destroy(&model);
}

// d = x - mean, and its squares' mean along an axis. The exponent 2 may have dimensions.
static void add_variance(struct writer *g, const char *x, int64_t axis, const int64_t *exponent)
{
    static const float two = 2, small = 1e-6f;
    struct writer a = {0};
    char of_x[16];

    snprintf(of_x, sizeof(of_x), "%s,mean", x);
    writer_floats(g, "two", exponent, &two);
    writer_floats(g, "small", number, &small);
    writer_attribute_ints(&a, "axes", &axis, 1);
    writer_node(g, "ReduceMean", x, "mean", &a);
    writer_node(g, "Sub", of_x, "d", NULL);
    writer_node(g, "Pow", "d,two", "square", NULL);
    writer_attribute_ints(&a, "axes", &axis, 1);
    writer_node(g, "ReduceMean", "square", "variance", &a);
    writer_node(g, "Add", "variance,small", "v", NULL);
    writer_node(g, "Sqrt", "v", "deviation", NULL);
    writer_node(g, "Div", "d,deviation", "n", NULL);
}

// A layer's normalisation whose exponent adds a dimension: not the operator, which adds none.
static void a_normalisation_of_more_dimensions(void **state)
{
    static const int64_t shape[] = {3, 4, 0}, line[] = {4, 0}, deep[] = {1, 1, 1, 0};
    static const float scale[] = {1, 2, 3, 4}, bias[] = {-1, 0, 1, 2};
    struct writer g = {0};

    writer_input(&g, "x", FLOAT, shape);
    writer_floats(&g, "scale", line, scale);
    writer_floats(&g, "bias", line, bias);
    add_variance(&g, "x", -1, deep);
    writer_node(&g, "Mul", "n,scale", "s", NULL);
    writer_node(&g, "Add", "s,bias", "y", NULL);
    writer_output(&g, "y");
    assert_close(&g, (struct nn_shape){2, {3, 4}}, NN_PRECISION_FP32);
}

// Pictures normalised over their channels: the squares go beyond what half precision holds.
static void large_squares(void **state)
{
    static const int64_t shape[] = {1, 16, 8, 8, 0};
    static const float thousand = 1000;
    const char *const squares[] = {"Pow", "Mul"};

    for (int i = 0; i < 2; i++) {
        struct writer g = {0};

        writer_input(&g, "x", FLOAT, shape);
        writer_floats(&g, "thousand", number, &thousand);
        writer_node(&g, "Mul", "x,thousand", "large", NULL);
        if (!strcmp(squares[i], "Pow")) {
            add_variance(&g, "large", 1, number);
        } else {
            writer_node(&g, "Mul", "large,large", "square", NULL);
            writer_node(&g, "Sqrt", "square", "n", NULL);
        }
        writer_output(&g, "n");
        assert_close(&g, (struct nn_shape){4, {1, 16, 8, 8}}, NN_PRECISION_FP16);
    }
}

// Sums beyond that, in two ways to divide by them; and as answers.
static void large_sums(void **state)
{
    static const int64_t shape[] = {1, 1, 512, 512, 0}, axes[] = {2, 3};
    struct nn_shape planned = {4, {1, 1, 512, 512}};

    for (int i = 0; i < 3; i++) {
        struct writer g = {0};

        writer_input(&g, "x", FLOAT, shape);
        writer_ints(&g, "axes", axes, 2);
        writer_node(&g, "ReduceSum", "x,axes", "sum", NULL);
        if (i == 0) {
            writer_node(&g, "Div", "x,sum", "y", NULL);
        } else if (i == 1) {
            writer_node(&g, "Reciprocal", "sum", "inverse", NULL);
            writer_node(&g, "Mul", "x,inverse", "y", NULL);
        }
        writer_output(&g, i < 2 ? "y" : "sum");
        assert_close(&g, planned, NN_PRECISION_FP16);
    }
}

// An antialiased Resize reads all of a line for one result; of a line of a billion, nobody keeps
// the weights. (Nor does any machine have the memory for this network.)
static void endless_tables(void **state)
{
    enum { LINES = 1000 };
    static const int64_t shape[] = {1, 1, 1, 1, 0}, longest[] = {1, 1, 1, (1 << 30) - 1},
                         one[] = {1, 1, 1, 1};
    struct writer g = {0}, a = {0};
    struct nn_model *model;
    char names[LINES * 6] = "", name[8];

    writer_input(&g, "x", FLOAT, shape);
    writer_ints(&g, "longest", longest, 4);
    writer_ints(&g, "one", one, 4);
    for (int i = 0; i < LINES; i++) {
        snprintf(name, sizeof(name), "e%d", i);
        writer_node(&g, "Expand", "x,longest", name, NULL);
        strcat(strcat(names, i ? "," : ""), name);
    }
    writer_node(&g, "Sum", names, "sum", NULL);
    writer_attribute_text(&a, "mode", "cubic");
    writer_attribute_int(&a, "antialias", 1);
    writer_node(&g, "Resize", "sum,,,one", "y", &a);
    writer_output(&g, "y");
    model = writer_load(&g, 18);
    assert_non_null(model);
    assert_null(nn_plan_create(model, &(struct nn_plan_params){.backend = NN_BACKEND_CUDA}));
    nn_model_destroy(&model);
}

// One thread adds up a result, which is too slow where that is all of a large picture.
static void endless_sums(void **state)
{
    static const int64_t shape[] = {1, 1, 1, 1, 0}, large[] = {1, 1, 1000, 1000},
                         one[] = {1, 1, 1, 1};
    struct writer g = {0}, a = {0};
    struct nn_plan_params params = on_gpu(NN_PRECISION_FP32);
    struct nn_model *model;
    struct nn_plan *plan;

    writer_input(&g, "x", FLOAT, shape);
    writer_ints(&g, "large", large, 4);
    writer_ints(&g, "one", one, 4);
    writer_node(&g, "Expand", "x,large", "e", NULL);
    writer_attribute_text(&a, "mode", "cubic");
    writer_attribute_int(&a, "antialias", 1);
    writer_node(&g, "Resize", "e,,,one", "y", &a);
    writer_output(&g, "y");
    model = writer_load(&g, 18);
    assert_non_null(model);
    plan = nn_plan_create(model, &params);
    assert_non_null(plan);
    assert_null(strstr(nn_plan_backend_name(plan), "CUDA")); // the next best has taken it
    nn_plan_destroy(&plan);
    nn_model_destroy(&model);
}

// Libraries count on addresses that are multiples of 256, as CUDA's own memory is.
static void memory_is_aligned(void **state)
{
    enum { ALIGN = 256 };
    static const int64_t shapes[][3] = {{3, 35, 0}, {11, 0}, {7, 13, 0}};
    static const char *const names[] = {"a", "b", "c"}, *const outs[] = {"p", "q", "r"};
    struct writer g = {0};
    struct nn_model *model;
    struct nn_plan_params params = on_gpu(NN_PRECISION_FP32);
    struct nn_plan *plan;

    for (int i = 0; i < 3; i++) {
        writer_input(&g, names[i], FLOAT, shapes[i]);
        writer_node(&g, "Sigmoid", names[i], outs[i], NULL);
        writer_output(&g, outs[i]);
    }
    model = writer_load(&g, 17);
    assert_non_null(model);
    params.device = true;
    plan = nn_plan_create(model, &params);
    assert_non_null(plan);
    assert_true(nn_plan_on_device(plan));
    for (int i = 0; i < 3; i++) {
        uintptr_t first = (uintptr_t)nn_plan_input(plan, 0);

        assert_int_equal(((uintptr_t)nn_plan_input(plan, i) - first) % ALIGN, 0);
        assert_int_equal(((uintptr_t)nn_plan_output(plan, i) - first) % ALIGN, 0);
    }
    nn_plan_destroy(&plan);
    nn_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_normalisation_of_more_dimensions),
        cmocka_unit_test(large_squares),
        cmocka_unit_test(large_sums),
        cmocka_unit_test(endless_tables),
        cmocka_unit_test(endless_sums),
        cmocka_unit_test(memory_is_aligned),
    };
    char text[256];

    if (cuda_library(text, sizeof(text)))
        return cmocka_run_group_tests(tests, NULL, NULL);
    printf("SKIPPED: no GPU to test on: %s\n", text);
    return 77;
}
