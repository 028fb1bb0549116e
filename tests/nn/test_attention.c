// Attention as exporters take it apart is found, in every form, and computes the same: fused in
// plain C and by oneDNN against the graph as it was.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/nn/backend.h"
#include "engine/nn/model.h"
#include "engine/nn/pass.h"
#include "tests/nn/writer.h"

#define FLOAT 1

// What most end with; shapes of q, k and v, the keys as they are or transposed.
#define WEIGH "Softmax:-1 a w; MatMul w,v y"
#define KEYS "2 3 37 8; 2 3 29 8; 2 3 29 5"
#define TURNED "2 3 37 8; 2 3 8 29; 2 3 29 5"

// Nodes are "operator[:attribute] inputs output; ...", a Softmax's attribute its axis, a
// Transpose's the places of the dimensions after the first. Inputs are q, k, v and m; constants are
// s, one number, and l, a number a column of q.
static const struct form {
    const char *name;
    int64_t opset;
    int found; // Attention nodes
    const char *nodes, *shapes, *more_output;
} forms[] = {
    {"bare", 17, 1, "MatMul q,k a; " WEIGH, TURNED, NULL},
    {"scale on Q", 17, 1, "Mul q,s qs; Transpose:132 k t; MatMul qs,t a; " WEIGH, KEYS, NULL},
    {"scale on K", 17, 1, "Mul s,k ks; Transpose:132 ks t; MatMul q,t a; " WEIGH, KEYS, NULL},
    {"half the scale on each", 17, 1,
     "Mul q,s qs; Transpose:132 k t; Mul t,s ts; MatMul qs,ts a; " WEIGH, KEYS, NULL},
    {"scale on the product, opset 11", 11, 1,
     "Transpose:132 k t; MatMul q,t p; Div p,s a; Softmax:3 a w; MatMul w,v y", KEYS, NULL},
    {"heads inside", 17, 1,
     "Transpose:213 q qt; Transpose:231 k kt; Transpose:213 v vt; MatMul qt,kt p; Mul p,s a; "
     "Softmax:-1 a w; MatMul w,vt o; Transpose:213 o y",
     "2 37 3 8; 2 29 3 8; 2 29 3 5", NULL},
    {"mask of the scores' shape", 17, 1, "MatMul q,k p; Mul p,s d; Add d,m a; " WEIGH,
     TURNED "; 2 3 37 29", NULL},
    {"mask of columns", 17, 1, "MatMul q,k p; Add m,p a; " WEIGH, TURNED "; 29", NULL},
    {"mask of pictures and rows", 17, 1, "MatMul q,k p; Add p,m a; " WEIGH, TURNED "; 2 1 37 1",
     NULL},
    {"one matrix", 17, 1, "MatMul q,k a; " WEIGH, "7 8; 8 1; 1 5", NULL},
    {"many blocks", 17, 1, "MatMul q,k p; Mul p,s d; Add d,m a; " WEIGH,
     "2 301 8; 2 8 1500; 2 1500 16; 301 1500", NULL},
    {"scaled keys that others read", 17, 1, "Mul k,s ks; Transpose:132 ks t; MatMul q,t a; " WEIGH,
     KEYS, "ks"},
    {"scaled and turned keys that others read", 17, 1,
     "Mul k,s ks; Transpose:132 ks t; MatMul q,t a; " WEIGH, KEYS, "t"},
    {"a number a column", 17, 1, "Mul q,l ql; MatMul ql,k a; " WEIGH, TURNED, NULL},
    // these are something else
    {"weights that others read", 17, 0, "MatMul q,k a; " WEIGH, TURNED, "w"},
    {"scores that others read", 17, 0, "MatMul q,k a; " WEIGH, TURNED, "a"},
    {"along the rows", 17, 0, "MatMul q,k a; Softmax:2 a w; MatMul w,v y", TURNED, NULL},
    {"opset 11, all from the heads on", 11, 0, "MatMul q,k a; Softmax:1 a w; MatMul w,v y", TURNED,
     NULL},
    {"mask that enlarges", 17, 0, "MatMul q,k p; Add p,m a; " WEIGH,
     "3 37 8; 3 8 29; 3 29 5; 2 3 37 29", NULL},
    {"one V for all", 17, 0, "MatMul q,k a; " WEIGH, "2 3 37 8; 2 3 8 29; 29 5", NULL},
};

static void add_numbers(struct writer *g, const char *name, float first, int64_t count)
{
    const int64_t dims[] = {count, 0};
    float numbers[8];

    for (int i = 0; i < 8; i++)
        numbers[i] = first + (float)i;
    writer_floats(g, name, dims, numbers);
}

// text: "operator:attribute inputs output". Cuts it up.
static void add_node(struct writer *g, char *text)
{
    char *rest, *op = strtok_r(text, " ", &rest), *in = strtok_r(NULL, " ", &rest);
    char *out = strtok_r(NULL, " ", &rest), *attribute = strchr(op, ':');
    struct writer node = {0};
    int64_t perm[4] = {0};

    if (attribute)
        *attribute++ = 0;
    if (strcmp(op, "Softmax") == 0)
        writer_attribute_int(&node, "axis", atoi(attribute));
    if (strcmp(op, "Transpose") == 0) {
        for (int i = 0; i < 3; i++)
            perm[i + 1] = attribute[i] - '0';
        writer_attribute_ints(&node, "perm", perm, 4);
    }
    writer_node(g, op, in, out, &node);
}

static void add_inputs(struct writer *g, const char *shapes)
{
    static const char *const names[] = {"q", "k", "v", "m"};

    for (int i = 0; *shapes; i++) {
        int64_t dims[NN_MAX_RANK + 1] = {0};
        char *end;

        for (int k = 0; *shapes && *shapes != ';'; k++) {
            dims[k] = strtol(shapes, &end, 10);
            shapes = end;
        }
        shapes += *shapes == ';';
        writer_input(g, names[i], FLOAT, dims);
    }
}

// Destroy with nn_model_destroy().
static struct nn_model *load(const struct form *f)
{
    char *nodes = mem_printf("%s", f->nodes), *rest = NULL;
    struct writer g = {0};
    struct nn_model *model;

    add_inputs(&g, f->shapes);
    add_numbers(&g, "s", 0.35f, 1);
    add_numbers(&g, "l", -3, 8);
    for (char *n = strtok_r(nodes, ";", &rest); n; n = strtok_r(NULL, ";", &rest))
        add_node(&g, n);
    mem_free(nodes);
    writer_output(&g, "y");
    if (f->more_output)
        writer_output(&g, f->more_output);
    model = writer_load(&g, f->opset);
    assert_non_null(model);
    return model;
}

static void fill(float *x, const struct nn_shape *shape, int input)
{
    for (int64_t i = 0; i < shape_count(shape); i++)
        x[i] = (float)((i * 37 + input * 11) % 101) / 50 - 1;
}

static void fill_plan(struct nn_plan *plan, int inputs)
{
    for (int i = 0; i < inputs; i++) {
        struct nn_value_info info = nn_plan_input_info(plan, i);

        fill(nn_plan_input(plan, i), &info.shape, i);
    }
}

static int count_attention(const struct graph *g)
{
    int count = 0;

    for (int i = 0; i < g->order_count; i++)
        count += node_is(&g->nodes[g->order[i]], "Attention");
    return count;
}

static void assert_close(const struct nn_plan *plan, int output, const float *y, double limit)
{
    struct nn_value_info info = nn_plan_output_info(plan, output);
    const float *expected = nn_plan_output(plan, output);
    double difference = 0, square = 0;

    for (int64_t i = 0; i < shape_count(&info.shape); i++) {
        double d = (double)(y[i] - expected[i]);

        difference += d * d;
        square += (double)expected[i] * (double)expected[i];
    }
    if (!(square > 0 && difference <= limit * square))
        fail_msg("output %d: NMSE %g", output, difference / square);
}

// The fused graph, by plain C. expected: a plan that has run.
static void check_plain(struct graph *g, const struct nn_plan *expected)
{
    struct program *p = program_create(g);

    for (int i = 0; i < g->input_count; i++)
        p->plain[g->inputs[i]] = program_add_buffer(
            p, (size_t)shape_count(&g->values[g->inputs[i]].shape) * sizeof(float));
    assert_true(backend_reference.compile(NULL, g, p));
    for (int i = 0; i < g->input_count; i++)
        program_keep(p, p->plain[g->inputs[i]]);
    for (int i = 0; i < g->output_count; i++)
        program_keep(p, backend_plain(p, g->outputs[i]));
    assert_true(program_place(p));
    for (int i = 0; i < g->input_count; i++)
        fill(p->buffers[p->plain[g->inputs[i]]].data, &g->values[g->inputs[i]].shape, i);
    assert_true(program_run(p));
    for (int i = 0; i < g->output_count; i++)
        assert_close(expected, i, p->buffers[p->plain[g->outputs[i]]].data, 1e-12);
    program_destroy(&p);
}

static void check_cpu(const struct nn_model *model, const struct nn_plan *expected,
                      enum nn_precision precision, int threads, double limit)
{
    struct nn_plan *plan = nn_plan_create(model, &(struct nn_plan_params){.backend = NN_BACKEND_CPU,
                                                                          .precision = precision,
                                                                          .threads = threads});

    assert_non_null(plan);
    for (int round = 0; round < 2; round++) {
        fill_plan(plan, nn_model_input_count(model));
        assert_true(nn_plan_run(plan));
        for (int i = 0; i < nn_model_output_count(model); i++)
            assert_close(expected, i, nn_plan_output(plan, i), limit);
    }
    nn_plan_destroy(&plan);
}

static void check(const struct form *f)
{
    struct nn_model *model = load(f);
    struct graph *g = graph_clone(model->file.graph);
    struct nn_plan *expected =
        nn_plan_create(model, &(struct nn_plan_params){.backend = NN_BACKEND_REFERENCE});

    printf("%s\n", f->name);
    for (int i = 0; i < g->input_count; i++)
        g->values[g->inputs[i]].shaped = true;
    assert_true(pass_infer(g));
    assert_true(pass_fuse(g, true));
    assert_int_equal(count_attention(g), f->found);
    assert_non_null(expected);
    fill_plan(expected, nn_model_input_count(model));
    assert_true(nn_plan_run(expected));
    check_plain(g, expected);
    check_cpu(model, expected, NN_PRECISION_FP32, 1, 1e-11);
    check_cpu(model, expected, NN_PRECISION_FP32, 3, 1e-11);
    check_cpu(model, expected, NN_PRECISION_BF16, 2, 1e-3);
    nn_plan_destroy(&expected);
    graph_destroy(&g);
    nn_model_destroy(&model);
}

static void every_form(void **state)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        check(&forms[i]);
}

// Without being asked for, the pattern stays as it is.
static void only_where_asked_for(void **state)
{
    struct nn_model *model = load(&forms[0]);
    struct graph *g = graph_clone(model->file.graph);

    for (int i = 0; i < g->input_count; i++)
        g->values[g->inputs[i]].shaped = true;
    assert_true(pass_infer(g));
    assert_true(pass_fuse(g, false));
    assert_int_equal(count_attention(g), 0);
    graph_destroy(&g);
    nn_model_destroy(&model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_form),
                                       cmocka_unit_test(only_where_asked_for)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
