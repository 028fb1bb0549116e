// Small networks of the five kinds that are played, as onnxruntime computed them: every backend
// against the file and against the reference backend, with one thread and with two.
// tools/networks.py --tiny makes the cases. With the argument "cuda": on the GPU, in single and in
// half precision.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/thread.h"
#include "engine/model.h"
#include "kernels/cuda_library.h"
#include "tests/nn/case.h"

static const struct {
    const char *name;
    double nmse;
} cases[] = {
    {"unet", 1e-10},
    {"midas", 1e-10},
    {"fastdepth", 1e-10},
    {"resnet", 1e-10},
    {"vit", 1e-10},
    {"vit_opset14", 1e-10},
    {"unet_half", 1e-6}, // the answer itself has eleven bits
    {"fastdepth_external", 1e-10},
};

// NN_CASES in the environment: where the cases are on a machine that did not build this.
static const char *cases_folder(void)
{
    return getenv("NN_CASES") ? getenv("NN_CASES") : NN_CASES;
}

static void check_as(const char *name, double limit, struct nn_plan_params params)
{
    char *folder = mem_printf("%s/%s", cases_folder(), name),
         *file = mem_printf("%s/model.onnx", folder);
    struct nn_model *model = nn_model_load(file);
    struct case_set set = {0};
    struct nn_plan *plan;
    struct case_error e;

    assert_non_null(model);
    assert_true(case_set_load(folder, 0, &set));
    plan = case_plan_as(model, &set, params);
    assert_non_null(plan);
    if (params.backend == NN_BACKEND_CUDA) // no other may have taken its place
        assert_non_null(strstr(nn_plan_backend_name(plan), "CUDA"));
    assert_int_equal(nn_plan_on_device(plan), params.device && params.backend == NN_BACKEND_CUDA);
    for (int i = 0; i < 2; i++) { // the second run finds the first one's leftovers
        assert_true(case_fill(plan, &set));
        assert_true(nn_plan_run(plan));
        e = case_compare(plan, &set);
        printf("%s, %s%s, %d threads: NMSE %.2g, max error %.2g, slab %zu bytes\n", name,
               nn_plan_backend_name(plan), params.device ? " on the device" : "", params.threads,
               e.nmse, e.max_abs, nn_plan_slab_bytes(plan));
        assert_true(e.same_form);
        assert_true(e.nmse <= limit); // and not NaN
        assert_true(nn_plan_slab_bytes(plan) > 0);
    }
    nn_plan_destroy(&plan);
    case_set_finish(&set);
    nn_model_destroy(&model);
    mem_free(folder);
    mem_free(file);
}

// Backends without a device ignore that one is asked for.
static void check(const char *name, double limit, enum nn_backend backend, int threads)
{
    check_as(name, limit,
             (struct nn_plan_params){.backend = backend,
                                     .precision = NN_PRECISION_FP32,
                                     .threads = threads,
                                     .device = backend == NN_BACKEND_REFERENCE});
}

static void reference(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check(cases[i].name, cases[i].nmse, NN_BACKEND_REFERENCE, 1);
}

static void fastest(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (int threads = 1; threads <= 2; threads++)
            check(cases[i].name, cases[i].nmse, NN_BACKEND_AUTO, threads);
}

// A plan for another size than the file's case, wide and small: against the reference backend.
static void other_sizes(void **state)
{
    static const struct nn_shape shapes[] = {
        {4, {1, 3, 32, 48}}, {4, {1, 3, 64, 16}}, {4, {2, 3, 16, 16}}};
    char *file = mem_printf("%s/unet/model.onnx", NN_CASES);
    struct nn_model *model = nn_model_load(file);

    assert_non_null(model);
    for (int i = 0; i < 2; i++) {
        enum nn_backend backends[2] = {NN_BACKEND_REFERENCE, NN_BACKEND_AUTO};
        struct nn_plan *plans[2];
        double difference = 0, square = 0;
        struct nn_value_info info;

        for (int b = 0; b < 2; b++) {
            struct nn_plan_params params = {.backend = backends[b],
                                            .threads = 1,
                                            .input_shapes = &shapes[i],
                                            .input_shape_count = 1};
            float *x;

            plans[b] = nn_plan_create(model, &params);
            assert_non_null(plans[b]);
            x = nn_plan_input(plans[b], 0);
            for (int64_t k = 0; k < shape_count(&shapes[i]); k++)
                x[k] = (float)(k * 7919 % 256) / 255;
            assert_true(nn_plan_run(plans[b]));
        }
        info = nn_plan_output_info(plans[0], 0);
        assert_int_equal(info.shape.dims[2], shapes[i].dims[2] / 2);
        for (int64_t k = 0; k < shape_count(&info.shape); k++) {
            double a = (double)((const float *)nn_plan_output(plans[0], 0))[k];
            double b = (double)((const float *)nn_plan_output(plans[1], 0))[k];

            difference += (a - b) * (a - b);
            square += a * a;
        }
        assert_true(square > 0 && difference / square < 1e-10);
        nn_plan_destroy(&plans[0]);
        nn_plan_destroy(&plans[1]);
    }
    // the file says one picture at a time
    assert_null(nn_plan_create(
        model, &(struct nn_plan_params){.input_shapes = &shapes[2], .input_shape_count = 1}));
    nn_model_destroy(&model);
    mem_free(file);
}

// Sizes for a wide picture, of networks that say nothing about themselves.
static void sizes_fit_patches(void **state)
{
    static const struct {
        const char *name;
        int patch, multiple;
    } networks[] = {{"vit", 14, 14}, {"vit_opset14", 14, 14}, {"midas", 1, 32}};

    for (size_t i = 0; i < sizeof(networks) / sizeof(*networks); i++) {
        char *file = mem_printf("%s/%s/model.onnx", NN_CASES, networks[i].name);
        struct nn_model *model = nn_model_load(file);
        struct model_traits traits;

        assert_non_null(model);
        assert_int_equal(nn_model_input_patch(model, 0), networks[i].patch);
        assert_true(model_traits_read(model, file, &traits));
        assert_int_equal(traits.multiple, networks[i].multiple);
        for (int side = 100; side < 3000; side += 100) {
            struct nn_shape shape = {4, {1, 3, 0, 0}};
            int width, height;

            model_input_size(&traits, side, 700, 0, &width, &height);
            assert_int_equal(width % networks[i].multiple, 0);
            assert_int_equal(height % networks[i].multiple, 0);
            shape.dims[2] = height;
            shape.dims[3] = width;
            if (side == 1200) { // and it can be planned
                struct nn_plan *plan =
                    nn_plan_create(model, &(struct nn_plan_params){.input_shapes = &shape,
                                                                   .input_shape_count = 1});

                assert_non_null(plan);
                nn_plan_destroy(&plan);
            }
        }
        nn_model_destroy(&model);
        mem_free(file);
    }
}

static void cuda(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        for (int half = 0; half < 2; half++)
            check_as(
                cases[i].name, half ? 1e-3 : 1e-6,
                (struct nn_plan_params){.backend = NN_BACKEND_CUDA,
                                        .precision = half ? NN_PRECISION_FP16 : NN_PRECISION_FP32,
                                        .threads = 1,
                                        .device = half});
}

// Planned in one thread, run in another, as the player does; and step by step, as profiles do.
struct elsewhere {
    struct nn_plan *plan;
    const struct case_set *set;
    struct case_error error;
};

static void run_elsewhere(void *user)
{
    struct elsewhere *e = user;

    if (!case_fill(e->plan, e->set))
        return;
    nn_plan_profile(e->plan, 1);
    if (case_fill(e->plan, e->set) && nn_plan_run(e->plan))
        e->error = case_compare(e->plan, e->set);
}

static void cuda_in_another_thread(void **state)
{
    char *folder = mem_printf("%s/unet", cases_folder()),
         *file = mem_printf("%s/model.onnx", folder);
    struct nn_model *model = nn_model_load(file);
    struct case_set set = {0};
    struct elsewhere e = {.set = &set};
    struct thread thread;

    assert_non_null(model);
    assert_true(case_set_load(folder, 0, &set));
    e.plan = case_plan_as(model, &set,
                          (struct nn_plan_params){.backend = NN_BACKEND_CUDA,
                                                  .precision = NN_PRECISION_FP32,
                                                  .device = true});
    assert_non_null(e.plan);
    assert_true(nn_plan_on_device(e.plan));
    assert_true(thread_start(&thread, "run", THREAD_NORMAL, run_elsewhere, &e));
    thread_join(&thread);
    assert_true(e.error.same_form);
    assert_true(e.error.nmse <= 1e-6);
    nn_plan_destroy(&e.plan);
    case_set_finish(&set);
    nn_model_destroy(&model);
    mem_free(folder);
    mem_free(file);
}

// Whoever left a GPU does not come back to it, whatever else the program was built with.
static void the_processor_is_no_gpu(void **state)
{
    char *folder = mem_printf("%s/unet", cases_folder()),
         *file = mem_printf("%s/model.onnx", folder);
    struct nn_model *model = nn_model_load(file);
    struct case_set set = {0};
    struct nn_plan *plan;

    assert_non_null(model);
    assert_true(case_set_load(folder, 0, &set));
    plan = case_plan(model, &set, NN_BACKEND_PROCESSOR, 1);
    assert_non_null(plan);
    assert_null(strstr(nn_plan_backend_name(plan), "CUDA"));
    nn_plan_destroy(&plan);
    case_set_finish(&set);
    nn_model_destroy(&model);
    mem_free(folder);
    mem_free(file);
}

static int main_cuda(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(cuda),
                                       cmocka_unit_test(cuda_in_another_thread),
                                       cmocka_unit_test(the_processor_is_no_gpu)};
    char text[256];

    if (cuda_library(text, sizeof(text)))
        return cmocka_run_group_tests(tests, NULL, NULL);
    printf("SKIPPED: no GPU to test on: %s\n", text);
    return 77;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reference), cmocka_unit_test(fastest),
                                       cmocka_unit_test(other_sizes),
                                       cmocka_unit_test(sizes_fit_patches)};

    if (argc > 1)
        return main_cuda();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
