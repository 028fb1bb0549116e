// Convolutions in tiles against the sum itself: odd sizes, channels that fill no block, pictures
// smaller than a tile, guards all round; and in a plan, with everything that may be fused.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/cpu_winograd.h"
#include "engine/nn/nn.h"
#include "tests/nn/writer.h"

#define FLOAT 1
#define GUARD 1234.5f
#define GUARDS 16

static float number(int64_t i)
{
    return (float)(i * 7919 % 2003) / 2003 - 0.5f;
}

static float *block(size_t count)
{
    float *p = mem_try_block((count + GUARDS) * sizeof(float));

    assert_non_null(p);
    for (int i = 0; i < GUARDS; i++)
        p[count + (size_t)i] = GUARD;
    return p;
}

static void assert_guarded(const float *p, size_t count)
{
    for (int i = 0; i < GUARDS; i++)
        assert_true(p[count + (size_t)i] == GUARD);
}

// [images][channels / 8][height][width][8]
static size_t place(int image, int channels, int c, int plane, int at)
{
    return (((size_t)image * (size_t)((channels + 7) / 8) + (size_t)c / 8) * (size_t)plane +
            (size_t)at) *
               8 +
           (size_t)c % 8;
}

static double direct(const struct cpu_winograd *w, const float *filters, const float *x, int image,
                     int o, int y, int left)
{
    double sum = w->bias ? (double)w->bias[o] : 0;

    for (int c = 0; c < w->in_channels; c++)
        for (int k = 0; k < 9; k++) {
            int iy = y + k / 3 - w->begin_y, ix = left + k % 3 - w->begin_x;

            if (iy >= 0 && ix >= 0 && iy < w->in_height && ix < w->in_width)
                sum += (double)filters[(o * w->in_channels + c) * 9 + k] *
                       (double)x[place(image, w->in_channels, c, w->in_height * w->in_width,
                                       iy * w->in_width + ix)];
        }
    return sum;
}

static void check(struct cpu_winograd w)
{
    int plane = w.out_height * w.out_width, in_plane = w.in_height * w.in_width;
    size_t filters_count = (size_t)w.in_channels * (size_t)w.out_channels * 9;
    size_t x_count = place(w.images, w.in_channels, 0, in_plane, 0),
           y_count = place(w.images, w.out_channels, 0, plane, 0);
    float *filters = block(filters_count), *arranged = block(cpu_winograd_weights(&w)),
          *x = block(x_count), *y = block(y_count), *before = block(y_count),
          *scratch = block(cpu_winograd_scratch(&w)), *bias = block((size_t)w.out_channels);
    double difference = 0, square = 0;

    for (size_t i = 0; i < filters_count; i++)
        filters[i] = number((int64_t)i * 3 + 1);
    memset(x, 0, x_count * sizeof(float));
    memset(before, 0, y_count * sizeof(float));
    for (int n = 0; n < w.images; n++)
        for (int c = 0; c < w.in_channels; c++)
            for (int i = 0; i < in_plane; i++)
                x[place(n, w.in_channels, c, in_plane, i)] = number((c + n * 31) * in_plane + i);
    for (int n = 0; n < w.images; n++)
        for (int c = 0; c < w.out_channels; c++)
            for (int i = 0; i < plane; i++)
                before[place(n, w.out_channels, c, plane, i)] =
                    w.adds ? number(c * plane + i * 5) : NAN;
    for (int i = 0; i < w.out_channels; i++)
        bias[i] = number(i);
    memcpy(y, before, y_count * sizeof(float));
    w.weights = arranged;
    w.bias = w.begin_x ? bias : NULL;
    cpu_winograd_arrange(&w, filters, arranged);
    cpu_winograd_run(&w, x, y, scratch);
    for (int n = 0; n < w.images; n++)
        for (int c = 0; c < (w.out_channels + 7) / 8 * 8; c++)
            for (int i = 0; i < plane; i++) {
                size_t at = place(n, w.out_channels, c, plane, i);
                double want;

                if (c >= w.out_channels) { // what fills the block stays zero
                    assert_true(y[at] == 0);
                    continue;
                }
                want = direct(&w, filters, x, n, c, i / w.out_width, i % w.out_width) +
                       (w.adds ? (double)before[at] : 0);
                want = fmin(fmax(want, (double)w.low), (double)w.high);
                difference += ((double)y[at] - want) * ((double)y[at] - want);
                square += want * want;
            }
    if (!(difference <= 1e-9 * square))
        fail_msg("%d -> %d channels, %dx%d: NMSE %g", w.in_channels, w.out_channels, w.out_width,
                 w.out_height, difference / square);
    assert_guarded(arranged, cpu_winograd_weights(&w));
    assert_guarded(y, y_count);
    assert_guarded(scratch, cpu_winograd_scratch(&w));
    mem_free(filters);
    mem_free(arranged);
    mem_free(x);
    mem_free(y);
    mem_free(before);
    mem_free(scratch);
    mem_free(bias);
}

static bool runs_here(void)
{
#ifdef __x86_64__
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    return true;
#endif
}

static void sums_agree(void **state)
{
    static const int shapes[][5] = {// images, channels in and out, height, width
                                    {1, 8, 8, 1, 1},    {1, 3, 5, 9, 11},    {2, 16, 24, 7, 30},
                                    {1, 40, 40, 13, 5}, {3, 17, 33, 21, 22}, {1, 16, 24, 41, 42},
                                    {1, 130, 70, 4, 9}, {1, 8, 130, 33, 40}};

    if (!runs_here()) {
        printf("SKIPPED: a processor without AVX2\n");
        skip();
    }
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
        for (int way = 0; way < 12; way++) {
            const int *s = shapes[i];
            int pad = way % 3; // the result is smaller, of one size, larger
            struct cpu_winograd w = {.images = s[0],
                                     .in_channels = s[1],
                                     .out_channels = s[2],
                                     .in_height = s[3] + 2,
                                     .in_width = s[4] + 2,
                                     .out_height = s[3] + 2 * pad,
                                     .out_width =
                                         s[4] + 2 * pad - (pad == 2), // not alike on both sides
                                     .begin_y = pad,
                                     .begin_x = pad,
                                     .threads = 1 + way % 4,
                                     .adds = way % 2,
                                     .low = way < 6 ? -INFINITY : 0,
                                     .high = way < 9 ? INFINITY : 0.75f};

            check(w);
        }
}

// In a plan: 24 channels, a convolution with all that may follow, and one that reads what filled
// its blocks.
#define IN 24
#define OUT 33
#define HEIGHT 29
#define WIDTH 43

static void add_numbers(struct writer *g, const char *name, const int64_t *dims, int64_t step)
{
    int64_t count = 1;
    float *numbers;

    for (int i = 0; dims[i]; i++)
        count *= dims[i];
    numbers = mem_new((size_t)count, sizeof(*numbers));
    for (int64_t i = 0; i < count; i++)
        numbers[i] = number(i * step);
    writer_floats(g, name, dims, numbers);
    mem_free(numbers);
}

static void add_conv(struct writer *g, const char *in, const char *out)
{
    static const int64_t pads[] = {1, 1, 1, 1};
    struct writer a = {0};

    writer_attribute_ints(&a, "pads", pads, 4);
    writer_node(g, "Conv", in, out, &a);
}

static struct nn_model *load(const char *activation, bool residual)
{
    static const int64_t shape[] = {1, IN, HEIGHT, WIDTH, 0}, first[] = {OUT, IN, 3, 3, 0},
                         line[] = {OUT, 0}, second[] = {OUT, OUT, 3, 3, 0}, scalar[] = {0};
    static const float limits[] = {0, 0.5f, 6};
    char nodes[128];
    struct writer g = {0};
    struct nn_model *model;

    writer_input(&g, "x", FLOAT, shape);
    add_numbers(&g, "w", first, 1);
    add_numbers(&g, "b", line, 11);
    add_numbers(&g, "v", second, 5);
    writer_floats(&g, "none", scalar, &limits[0]);
    writer_floats(&g, "some", scalar, &limits[1]);
    writer_floats(&g, "six", scalar, &limits[2]);
    add_conv(&g, "x,w,b", "c");
    if (residual) {
        add_conv(&g, "x,w", "r");
        writer_node(&g, "Add", "c,r", "s", NULL);
    }
    snprintf(nodes, sizeof(nodes), "%s%s", residual ? "s" : "c",
             strcmp(activation, "Clip") ? ""
             : residual                 ? ",some,six"
                                        : ",none,six");
    writer_node(&g, activation, nodes, "t", NULL);
    add_conv(&g, "t,v", "y");
    writer_output(&g, "y");
    model = writer_load(&g, 17);
    assert_non_null(model);
    return model;
}

static struct nn_plan *run(const struct nn_model *model, enum nn_backend backend)
{
    struct nn_plan *plan = nn_plan_create(
        model,
        &(struct nn_plan_params){.backend = backend, .precision = NN_PRECISION_FP32, .threads = 2});

    assert_non_null(plan);
    for (int round = 0; round < 2; round++) { // the second finds the first one's leftovers
        for (int i = 0; i < IN * HEIGHT * WIDTH; i++)
            ((float *)nn_plan_input(plan, 0))[i] = number(i);
        assert_true(nn_plan_run(plan));
    }
    return plan;
}

static int tiled;

static void find_tiled(void *user, enum log_level level, const char *line)
{
    tiled += strstr(line, "winograd") != NULL;
}

static void plans_agree(void **state)
{
    static const char *const activations[] = {"Identity", "Relu",        "Clip",
                                              "Elu",      "HardSigmoid", "Sigmoid"};

    for (int i = 0; i < 12; i++) {
        struct nn_model *model = load(activations[i / 2], i % 2);
        struct nn_plan *a = run(model, NN_BACKEND_REFERENCE), *b = run(model, NN_BACKEND_AUTO);
        double difference = 0, square = 0;

        for (int k = 0; k < OUT * HEIGHT * WIDTH; k++) {
            double x = (double)((const float *)nn_plan_output(a, 0))[k],
                   y = (double)((const float *)nn_plan_output(b, 0))[k];

            difference += (x - y) * (x - y);
            square += x * x;
        }
        if (!(difference <= 1e-9 * square))
            fail_msg("%s, residual %d: NMSE %g", activations[i / 2], i % 2, difference / square);
        tiled = 0;
        log_set_sink(find_tiled, NULL);
        nn_plan_profile(b, 1);
        log_set_sink(NULL, NULL);
#ifdef __x86_64__
        if (runs_here() && !__builtin_cpu_supports("avx512f") &&
            strstr(nn_plan_backend_name(b), "oneDNN"))
            assert_int_equal(tiled, 2 + i % 2);
#endif
        nn_plan_destroy(&a);
        nn_plan_destroy(&b);
        nn_model_destroy(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sums_agree), cmocka_unit_test(plans_agree)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
