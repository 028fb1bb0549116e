// Corners of planning: results that are inputs, constants or each other, and sums written over what
// they add.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "engine/nn/nn.h"
#include "tests/nn/writer.h"

#define FLOAT 1
#define SIDE 200
static const int64_t square[] = {SIDE, SIDE, 0};

// Writes, loads and plans; empties the graph.
static struct nn_model *load(struct writer *graph)
{
    struct nn_model *model = writer_load(graph, 17);

    assert_non_null(model);
    return model;
}

static void fill(struct nn_plan *plan)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        ((float *)nn_plan_input(plan, 0))[i] = (float)(i * 37 % 101) / 50 - 1;
}

// Both backends give the same, for every output; the second run as well as the first. Destroys the
// model.
static void assert_agree(struct nn_model *model)
{
    struct nn_plan *a =
        nn_plan_create(model, &(struct nn_plan_params){.backend = NN_BACKEND_REFERENCE,
                                                       .precision = NN_PRECISION_FP32});
    struct nn_plan *b = nn_plan_create(
        model, &(struct nn_plan_params){.precision = NN_PRECISION_FP32, .threads = 1});

    assert_non_null(a);
    assert_non_null(b);
    for (int round = 0; round < 2; round++) {
        fill(a);
        fill(b);
        assert_true(nn_plan_run(a));
        assert_true(nn_plan_run(b));
        for (int k = 0; k < nn_model_output_count(model); k++)
            for (int i = 0; i < SIDE * SIDE; i++) {
                double x = (double)((const float *)nn_plan_output(a, k))[i];
                double y = (double)((const float *)nn_plan_output(b, k))[i];

                if (!(x - y < 1e-4 && y - x < 1e-4))
                    fail_msg("output %d, element %d: %g and %g", k, i, x, y);
            }
    }
    nn_plan_destroy(&a);
    nn_plan_destroy(&b);
    nn_model_destroy(&model);
}

static void add_weights(struct writer *g)
{
    static float w[SIDE * SIDE];

    for (int i = 0; i < SIDE * SIDE; i++)
        w[i] = ((float)(i * 53 % 97) / 97 - 0.5f) / 8;
    writer_floats(g, "w", square, w);
}

// y = f(x) w + x, where f(x) lies in x's own memory: the sum must not be written over it.
static void residual_is_the_input(void **state)
{
    static const int64_t same[] = {SIDE, SIDE};
    struct writer g = {0};

    writer_input(&g, "x", FLOAT, square);
    add_weights(&g);
    writer_ints(&g, "s", same, 2);
    writer_node(&g, "Relu", "x", "r", NULL);
    writer_node(&g, "Reshape", "r,s", "v", NULL);
    writer_node(&g, "MatMul", "v,w", "p", NULL);
    writer_node(&g, "Add", "p,r", "y", NULL);
    writer_output(&g, "y");
    assert_agree(load(&g));

    writer_input(&g, "x", FLOAT, square);
    add_weights(&g);
    writer_node(&g, "MatMul", "x,w", "p", NULL);
    writer_node(&g, "Add", "p,x", "y", NULL);
    writer_output(&g, "y");
    assert_agree(load(&g));
}

// y = W f(x) + f(x): the residual is the matrix on the right, which the product reads to its end.
static void residual_is_the_matrix(void **state)
{
    struct writer g = {0};

    writer_input(&g, "x", FLOAT, square);
    add_weights(&g);
    writer_node(&g, "Relu", "x", "r", NULL);
    writer_node(&g, "MatMul", "w,r", "p", NULL);
    writer_node(&g, "Add", "p,r", "y", NULL);
    writer_output(&g, "y");
    assert_agree(load(&g));
}

// The residual is read again later, and is an output.
static void residual_lives_on(void **state)
{
    struct writer g = {0};

    writer_input(&g, "x", FLOAT, square);
    add_weights(&g);
    writer_node(&g, "Sigmoid", "x", "r", NULL);
    writer_node(&g, "Tanh", "x", "t", NULL);
    writer_node(&g, "MatMul", "t,w", "p", NULL);
    writer_node(&g, "Add", "p,r", "q", NULL);
    writer_node(&g, "Mul", "q,r", "y", NULL);
    writer_output(&g, "y");
    writer_output(&g, "r");
    writer_output(&g, "q");
    assert_agree(load(&g));
}

static void outputs_of_all_kinds(void **state)
{
    struct writer g = {0};

    writer_input(&g, "x", FLOAT, square);
    add_weights(&g);
    writer_node(&g, "Identity", "x", "i", NULL);
    writer_node(&g, "Neg", "w", "c", NULL);
    writer_node(&g, "Relu", "x", "y", NULL);
    writer_output(&g, "x"); // an input
    writer_output(&g, "i"); // the same again
    writer_output(&g, "c"); // known while planning
    writer_output(&g, "w"); // a weight
    writer_output(&g, "y");
    writer_output(&g, "y");
    assert_agree(load(&g));
}

// Writing the next input leaves the last answer alone.
static void answers_stay(void **state)
{
    struct writer g = {0};
    struct nn_model *model;
    struct nn_plan *plan;
    float before;

    writer_input(&g, "x", FLOAT, square);
    add_weights(&g);
    writer_node(&g, "MatMul", "x,w", "p", NULL);
    writer_node(&g, "Sigmoid", "p", "y", NULL);
    writer_output(&g, "y");
    model = load(&g);
    plan = nn_plan_create(model, NULL);
    assert_non_null(plan);
    fill(plan);
    assert_true(nn_plan_run(plan));
    before = ((const float *)nn_plan_output(plan, 0))[5];
    memset(nn_plan_input(plan, 0), 0xff, SIDE * SIDE * sizeof(float));
    assert_true(((const float *)nn_plan_output(plan, 0))[5] == before);
    nn_plan_destroy(&plan);
    nn_model_destroy(&model);
}

// Backwards, a slice starts at the first element at the earliest, and ends before it.
static void slices_start_inside(void **state)
{
    static const int64_t five[] = {5, 0}, starts[] = {-100, -6, 100}, ends[] = {-200, -100, -100};
    static const enum nn_backend backends[] = {NN_BACKEND_REFERENCE, NN_BACKEND_PROCESSOR};
    static const int64_t counts[] = {1, 1, 5}, zero = 0, back = -1;

    for (int i = 0; i < 6; i++) {
        struct writer g = {0};
        struct nn_model *model;
        struct nn_plan *plan;
        int k = i / 2;

        writer_input(&g, "x", FLOAT, five);
        writer_ints(&g, "starts", &starts[k], 1);
        writer_ints(&g, "ends", &ends[k], 1);
        writer_ints(&g, "zero", &zero, 1);
        writer_ints(&g, "steps", &back, 1);
        writer_node(&g, "Slice", "x,starts,ends,zero,steps", "y", NULL);
        writer_node(&g, "Slice", "x,zero,zero", "none", NULL);
        writer_node(&g, "Slice", "none,starts,ends,zero,steps", "still none", NULL);
        writer_output(&g, "y");
        writer_output(&g, "still none");
        model = load(&g);
        plan = nn_plan_create(model, &(struct nn_plan_params){.backend = backends[i % 2]});
        assert_non_null(plan);
        assert_int_equal(nn_plan_output_info(plan, 0).shape.dims[0], counts[k]);
        assert_int_equal(nn_plan_output_info(plan, 1).shape.dims[0], 0);
        for (int at = 0; at < 5; at++)
            ((float *)nn_plan_input(plan, 0))[at] = (float)at;
        assert_true(nn_plan_run(plan));
        for (int64_t at = 0; at < counts[k]; at++)
            assert_true(((const float *)nn_plan_output(plan, 0))[at] ==
                        (float)(counts[k] - 1 - at));
        nn_plan_destroy(&plan);
        nn_model_destroy(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(residual_is_the_input), cmocka_unit_test(residual_is_the_matrix),
        cmocka_unit_test(residual_lives_on),     cmocka_unit_test(outputs_of_all_kinds),
        cmocka_unit_test(answers_stay),          cmocka_unit_test(slices_start_inside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
