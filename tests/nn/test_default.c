// The default model: both backends agree on it, and no reorder stands between its convolutions.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/nn/nn.h"
#include "engine/nn/tensor.h"

static int reorders;

static void find_reorders(void *user, enum log_level level, const char *line)
{
    int count;

    if (strstr(line, " x reorder") && sscanf(line, "%*f ms %d x", &count) == 1)
        reorders = count;
}

static struct nn_plan *run(const struct nn_model *model, enum nn_backend backend)
{
    struct nn_shape shape = {4, {1, 3, 64, 96}};
    struct nn_plan *plan =
        nn_plan_create(model, &(struct nn_plan_params){.backend = backend,
                                                       .precision = NN_PRECISION_FP32,
                                                       .threads = 1,
                                                       .input_shapes = &shape,
                                                       .input_shape_count = 1});
    float *x;

    assert_non_null(plan);
    x = nn_plan_input(plan, 0);
    for (int64_t i = 0; i < shape_count(&shape); i++)
        x[i] = (float)(i * 7919 % 251) / 250;
    assert_true(nn_plan_run(plan));
    return plan;
}

static void backends_agree(void **state)
{
    struct nn_model *model = nn_model_load(NN_MODEL);
    struct nn_plan *a, *b;
    struct nn_value_info info;
    double difference = 0, square = 0;

    if (!model) {
        printf("SKIPPED: no default model at %s\n", NN_MODEL);
        skip();
    }
    a = run(model, NN_BACKEND_REFERENCE);
    b = run(model, NN_BACKEND_AUTO);
    info = nn_plan_output_info(a, 0);
    for (int64_t i = 0; i < shape_count(&info.shape); i++) {
        double x = (double)((const float *)nn_plan_output(a, 0))[i];
        double y = (double)((const float *)nn_plan_output(b, 0))[i];

        difference += (x - y) * (x - y);
        square += x * x;
    }
    printf("%s against the reference: NMSE %.2g, slab %zu bytes\n", nn_plan_backend_name(b),
           difference / square, nn_plan_slab_bytes(b));
    assert_true(square > 0 && difference / square <= 1e-10);
    log_set_sink(find_reorders, NULL);
    nn_plan_profile(b, 1);
    log_set_sink(NULL, NULL);
    printf("%d reorders\n", reorders);
    assert_true(reorders <= 2); // the picture in, the answer out
    nn_plan_destroy(&a);
    nn_plan_destroy(&b);
    nn_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(backends_agree)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
