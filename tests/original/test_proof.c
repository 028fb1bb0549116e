// Deep3D (2016) as imported, planned and drawn here, against answers of an independent
// implementation in float64 (reference.py), for weights and pictures that both compute.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/deep3d.h"
#include "engine/original/original.h"
#include "kernels/select.h"
#include "tests/original/run.h"
#include "tests/original/weights.h"

// Of probabilities, and of pictures whose white is 1.
#define LIMIT 1e-4
// Weights that were rounded to float16 give another network; it must be nearly the same.
#define HALF_LIMIT 0.01

static void make_model(enum file_version version, bool half)
{
    struct file file = {0};

    weights_write(&file, version, half);
    file_save(&file, file.size, "proof.params");
    file_finish(&file);
    assert_true(original_import(&(struct original_params){"proof.params", "proof.onnx", NULL}));
    remove("proof.params");
}

struct worst {
    double probability, right;
    int compared;
};

static void compare(const struct run *run, int u, const char *line, struct worst *worst)
{
    int a, b, c;
    double want;

    if (sscanf(line, "p %d %d %d %lf", &a, &b, &c, &want) == 4) {
        double got = run->probability[(a * run->height + b) * run->width + c];
        worst->probability = fmax(worst->probability, fabs(got - want));
    } else if (sscanf(line, "r %d %d %d %lf", &a, &b, &c, &want) == 4) {
        int height = run->height * u, width = run->width * u;
        double got =
            run->right[((size_t)c * (size_t)height + (size_t)a) * (size_t)width + (size_t)b];
        worst->right = fmax(worst->right, fabs(got - want) / 255);
    } else {
        fail_msg("cases.txt: %s", line);
    }
    worst->compared++;
}

// Runs the cases' pictures, at most `pictures` of them.
static struct worst run_cases(int pictures)
{
    struct worst worst = {0};
    struct run run;
    char line[128];
    int u = 0;
    FILE *cases = fopen(DEEP3D_CASES, "r");

    assert_non_null(cases);
    assert_true(run_open(&run, "proof.onnx"));
    while (fgets(line, sizeof(line), cases)) {
        unsigned seed;
        if (sscanf(line, "picture %u %d", &seed, &u) != 2) {
            compare(&run, u, line, &worst);
            continue;
        }
        if (pictures-- == 0)
            break;
        uint8_t *rgba = weights_picture(384 * u, 160 * u, seed);
        assert_true(run_picture(&run, rgba, 384 * u, 160 * u));
        free(rgba);
    }
    fclose(cases);
    run_finish(&run);
    printf("%d values: probabilities differ by at most %.2g, the right view by %.2g of white\n",
           worst.compared, worst.probability, worst.right);
    return worst;
}

static void network_and_operator_agree(void **state)
{
    make_model(FILE_V0, false);
    struct worst worst = run_cases(3);
    assert_int_equal(worst.compared, 720);
    assert_true(worst.probability <= LIMIT && worst.right <= LIMIT);
}

static void newer_files_of_half_floats_agree(void **state)
{
    make_model(FILE_V2, true);
    struct worst worst = run_cases(1);
    assert_int_equal(worst.compared, 240);
    assert_true(worst.probability > LIMIT / 100 && worst.probability <= HALF_LIMIT);
    assert_true(worst.right <= HALF_LIMIT);
}

// The same model through the whole converter.
static struct deep3d_eyes convert(enum deep3d_synthesis synthesis, const uint8_t *rgba, int width,
                                  int height)
{
    struct deep3d *c =
        deep3d_create(&(struct deep3d_params){.model = "proof.onnx", .synthesis = synthesis});
    struct deep3d_picture picture = {.width = width,
                                     .height = height,
                                     .plane = {rgba},
                                     .stride_bytes = {(ptrdiff_t)width * 4},
                                     .layout = DEEP3D_RGBA,
                                     .matrix = DEEP3D_MATRIX_RGB,
                                     .bits = 8,
                                     .full_range = true};
    size_t bytes = (size_t)width * (size_t)height * 4;
    struct deep3d_eyes eyes = {.width = width,
                               .height = height,
                               .pixels = {malloc(bytes), malloc(bytes)},
                               .stride_bytes = (size_t)width * 4};

    assert_non_null(c);
    assert_true(deep3d_convert(
        c, &picture, &(struct deep3d_settings){.strength = 2, .convergence = 0.5f}, &eyes));
    assert_string_equal(deep3d_model_name(c), "Deep3D (2016)");
    deep3d_destroy(&c);
    return eyes;
}

static void free_eyes(struct deep3d_eyes *eyes)
{
    free(eyes->pixels[0]);
    free(eyes->pixels[1]);
}

// The metadata choose the original's synthesis; our own draws both eyes.
static void converter_draws_the_original(void **state)
{
    enum { WIDTH = 768, HEIGHT = 320, PLANE = WIDTH * HEIGHT };
    uint8_t *rgba = weights_picture(WIDTH, HEIGHT, 5);
    struct deep3d_eyes eyes = convert(DEEP3D_SYNTHESIS_AUTO, rgba, WIDTH, HEIGHT);
    struct run run;

    assert_memory_equal(eyes.pixels[0], rgba, PLANE * 4);
    assert_true(run_open(&run, "proof.onnx") && run_picture(&run, rgba, WIDTH, HEIGHT));
    for (int i = 0; i < PLANE; i++)
        for (int c = 0; c < 3; c++) {
            float value = run.right[c * PLANE + i];
            assert_int_equal(eyes.pixels[1][i * 4 + c], value < 255 ? (int)value : 255);
        }
    run_finish(&run);
    free_eyes(&eyes);
    eyes = convert(DEEP3D_SYNTHESIS_PRODUCT, rgba, WIDTH, HEIGHT);
    assert_memory_not_equal(eyes.pixels[0], rgba, PLANE * 4);
    free_eyes(&eyes);
    free(rgba);
    remove("proof.onnx");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newer_files_of_half_floats_agree),
        cmocka_unit_test(network_and_operator_agree),
        cmocka_unit_test(converter_draws_the_original),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
