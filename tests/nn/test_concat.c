// Concat without copying: what is made in the result's memory, and everything that would spoil it
// there, against plain C.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/nn.h"
#include "engine/nn/tensor.h"
#include "tests/nn/writer.h"

#define FLOAT 1
#define CHANNELS 16

// Nodes are "operator inputs output"; a Concat's axis follows it. x is the input; constants are k,
// of x's shape, and weights: w of 16 channels to 16, v of 32 to 16, u of 32 to 32, o of 16 to 12.
static const struct form {
    const char *name;
    int channels, height, width;
    int copies; // steps that move what is joined, where oneDNN works in blocks of 8 or 16 channels
    const char *nodes;
    const char *outputs;
} forms[] = {
    {"two made in place", CHANNELS, 12, 20, 0, "Conv x,w a; Conv a,w b; Concat:1 a,b c; Conv c,v y",
     "y"},
    {"from the back", CHANNELS, 12, 20, 0, "Conv x,w a; Conv a,w b; Concat:-3 b,a c; Conv c,v y",
     "y"},
    {"the same twice", CHANNELS, 12, 20, 1, "Conv x,w a; Concat:1 a,a c; Conv c,v y", "y"},
    {"in two results", CHANNELS, 12, 20, 1,
     "Conv x,w a; Conv a,w b; Concat:1 a,b c; Concat:1 b,k d; Add c,d e; Conv e,v y", "y"},
    {"a result in a result", CHANNELS, 12, 20, 0,
     "Conv x,w a; Conv a,w b; Concat:1 a,b c; Conv c,u d; Concat:1 c,d e; Relu e y", "y"},
    {"a sum over a part, the result read later", CHANNELS, 12, 20, -1,
     "Conv x,w a; Conv a,w b; Concat:1 a,b c; Conv b,w d; Add d,a e; Conv e,w f; Conv c,v g; Add "
     "f,g y",
     "y"},
    {"a sum over the result, a part read later", CHANNELS, 12, 20, -1,
     "Conv x,w a; Conv a,w b; Concat:1 a,b c; Conv c,u d; Relu d f; Conv f,u g; Add g,c e; Conv "
     "e,v h; Conv a,w i; Add h,i y",
     "y"},
    {"parts and result are answers", CHANNELS, 12, 20, -1,
     "Conv x,w a; Conv a,w b; Concat:1 a,b c; Conv c,v y", "y,a,c,b"},
    {"the input, rows", CHANNELS, 12, 20, 1, "Neg x a; Concat:1 x,a y", "y"},
    {"rows along the height", CHANNELS, 12, 20, -1, "Neg x a; Abs x b; Concat:2 a,b y", "y"},
    {"odd addresses", 5, 3, 7, 1, "Neg x a; Abs x b; Concat:1 a,b y", "y"},
    {"blocks filled in half", CHANNELS, 12, 20, -1,
     "Conv x,o a; Conv x,w b; Concat:1 a,b c; Relu c y", "y"},
    {"half filled at the end", CHANNELS, 12, 20, 0,
     "Conv x,w a; Conv a,o b; Concat:1 a,b c; Relu c y", "y"},
};

static void add_node(struct writer *g, char *text)
{
    static const int64_t pads[] = {1, 1, 1, 1};
    char *rest, *op = strtok_r(text, " ", &rest), *in = strtok_r(NULL, " ", &rest);
    char *out = strtok_r(NULL, " ", &rest), *axis = strchr(op, ':');
    struct writer a = {0};

    if (axis) {
        *axis++ = 0;
        writer_attribute_int(&a, "axis", atoi(axis));
    }
    if (strcmp(op, "Conv") == 0)
        writer_attribute_ints(&a, "pads", pads, 4);
    writer_node(g, op, in, out, &a);
}

static void add_numbers(struct writer *g, const char *name, int64_t a, int64_t b, int64_t c,
                        int64_t d)
{
    const int64_t dims[] = {a, b, c, d, 0};
    float *numbers = mem_new((size_t)(a * b * c * d), sizeof(*numbers));

    for (int64_t i = 0; i < a * b * c * d; i++)
        numbers[i] = ((float)(i * 53 % 97) / 97 - 0.5f) / 4;
    writer_floats(g, name, dims, numbers);
    mem_free(numbers);
}

static struct nn_model *load(const struct form *f)
{
    const int64_t shape[] = {1, f->channels, f->height, f->width, 0};
    char *nodes = mem_printf("%s", f->nodes), *outputs = mem_printf("%s", f->outputs), *rest;
    struct writer g = {0};
    struct nn_model *model;

    writer_input(&g, "x", FLOAT, shape);
    add_numbers(&g, "k", 1, f->channels, f->height, f->width);
    add_numbers(&g, "w", CHANNELS, CHANNELS, 3, 3);
    add_numbers(&g, "v", CHANNELS, 2 * CHANNELS, 3, 3);
    add_numbers(&g, "u", 2 * CHANNELS, 2 * CHANNELS, 3, 3);
    add_numbers(&g, "o", 12, CHANNELS, 3, 3);
    for (char *n = strtok_r(nodes, ";", &rest); n; n = strtok_r(NULL, ";", &rest))
        add_node(&g, n);
    for (char *n = strtok_r(outputs, ",", &rest); n; n = strtok_r(NULL, ",", &rest))
        writer_output(&g, n);
    model = writer_load(&g, 17);
    assert_non_null(model);
    mem_free(nodes);
    mem_free(outputs);
    return model;
}

// Twice: the second run finds the first one's leftovers. The input is then spoilt: answers stay.
static struct nn_plan *run(const struct nn_model *model, enum nn_backend backend, int64_t count)
{
    struct nn_plan *plan = nn_plan_create(
        model,
        &(struct nn_plan_params){.backend = backend, .precision = NN_PRECISION_FP32, .threads = 1});

    assert_non_null(plan);
    for (int round = 0; round < 2; round++) {
        for (int64_t i = 0; i < count; i++)
            ((float *)nn_plan_input(plan, 0))[i] = (float)(i * 37 % 101) / 50 - 1;
        assert_true(nn_plan_run(plan));
    }
    memset(nn_plan_input(plan, 0), 0xff, (size_t)count * sizeof(float));
    return plan;
}

static int copies;

static void count_copies(void *user, enum log_level level, const char *line)
{
    int count;

    if ((strstr(line, " x copy") || strstr(line, " x Concat")) &&
        sscanf(line, "%*f ms %d x", &count) == 1)
        copies += count;
}

static void check(const struct form *f)
{
    struct nn_model *model = load(f);
    int64_t count = (int64_t)f->channels * f->height * f->width;
    struct nn_plan *a = run(model, NN_BACKEND_REFERENCE, count),
                   *b = run(model, NN_BACKEND_AUTO, count);

    for (int k = 0; k < nn_model_output_count(model); k++) {
        struct nn_value_info info = nn_plan_output_info(a, k);

        for (int64_t i = 0; i < shape_count(&info.shape); i++) {
            double x = (double)((const float *)nn_plan_output(a, k))[i],
                   y = (double)((const float *)nn_plan_output(b, k))[i];

            if (!(x - y < 1e-4 && y - x < 1e-4))
                fail_msg("%s: output %d, element %d: %g and %g", f->name, k, (int)i, x, y);
        }
    }
    copies = 0;
    log_set_sink(count_copies, NULL);
    nn_plan_profile(b, 1);
    log_set_sink(NULL, NULL);
    if (f->copies >= 0 && strstr(nn_plan_backend_name(b), "oneDNN") && copies != f->copies)
        fail_msg("%s: %d copies", f->name, copies);
    nn_plan_destroy(&a);
    nn_plan_destroy(&b);
    nn_model_destroy(&model);
}

static void plans_agree(void **state)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        check(&forms[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plans_agree)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
