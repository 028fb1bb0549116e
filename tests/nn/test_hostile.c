// Damaged and hostile files: each is refused with one clear line that names the file, and nothing
// leaks or hangs.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/nn.h"
#include "tests/nn/case.h"
#include "tests/nn/writer.h"

#define FLOAT 1
static const int64_t picture[] = {1, 3, 8, 8, 0};

static char folder[] = "/tmp/nn_hostile_XXXXXX", file[128], last_line[1024];
static int error_lines;

static void count_errors(void *user, enum log_level level, const char *line)
{
    if (level == LOG_ERROR) {
        error_lines++;
        snprintf(last_line, sizeof(last_line), "%s", line);
    }
}

static void write_file(const struct writer *w)
{
    FILE *f = fopen(file, "wb");

    assert_non_null(f);
    if (w->size)
        assert_int_equal(fwrite(w->bytes, 1, w->size, f), w->size);
    fclose(f);
}

// Loads and plans what the writer holds; empties it. True: both worked.
static bool accepted(struct writer *w)
{
    struct nn_model *model;
    struct nn_plan *plan = NULL;

    write_file(w);
    writer_finish(w);
    error_lines = 0;
    model = nn_model_load(file);
    if (model)
        plan = nn_plan_create(model, NULL);
    nn_plan_destroy(&plan);
    nn_model_destroy(&model);
    return error_lines == 0;
}

static void assert_refused(struct writer *w, const char *word)
{
    assert_false(accepted(w));
    printf("%s\n", last_line);
    assert_int_equal(error_lines, 1);
    assert_non_null(strstr(last_line, file));
    if (!strstr(last_line, word))
        fail_msg("'%s' does not say '%s'", last_line, word);
}

static void refuse_graph(struct writer *graph, const char *word)
{
    struct writer w = {0};

    writer_model(&w, 17, graph);
    assert_refused(&w, word);
}

static void a_good_one(void **state)
{
    struct writer g = {0}, w = {0};

    writer_input(&g, "x", FLOAT, picture);
    writer_node(&g, "Relu", "x", "y", NULL);
    writer_output(&g, "y");
    writer_model(&w, 17, &g);
    assert_true(accepted(&w));
}

static void not_onnx(void **state)
{
    struct writer w = {0};
    char deep[4096];

    writer_raw(&w, "", 0);
    write_file(&w);
    assert_null(nn_model_load(file));
    writer_raw(&w, "PK\3\4 something else", 20);
    assert_refused(&w, "not an ONNX model");
    // graphs in attributes of nodes of graphs ...: protobuf nests as deep as the bytes say
    memset(deep, 0x3a, sizeof(deep));
    writer_raw(&w, deep, sizeof(deep));
    assert_refused(&w, "not an ONNX model");
    error_lines = 0;
    assert_null(nn_model_load("/nowhere/at/all.onnx"));
    assert_int_equal(error_lines, 1);
    assert_null(nn_model_load("/tmp"));
    assert_int_equal(error_lines, 2);
}

// A thousand graphs, each in an attribute of the one before.
static void deep_nesting(void **state)
{
    struct writer g = {0}, w = {0};

    writer_output(&g, "y");
    for (int i = 0; i < 1000; i++) {
        struct writer attribute = {0}, attributes = {0}, outer = {0};

        writer_text(&attribute, 1, "then_branch");
        writer_message(&attribute, 6, &g);
        writer_int(&attribute, 20, 5);
        writer_message(&attributes, 5, &attribute);
        writer_node(&outer, "If", "", "y", &attributes);
        writer_output(&outer, "y");
        g = outer;
    }
    writer_model(&w, 17, &g);
    assert_refused(&w, "operator If");
}

static void truncated(void **state)
{
    char *path = mem_printf("%s/vit/model.onnx", NN_CASES);
    FILE *f = fopen(path, "rb");
    char bytes[4096];
    size_t size;

    assert_non_null(f);
    size = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    for (size_t cut = 1; cut < size; cut += 97) {
        struct writer w = {0};

        writer_raw(&w, bytes, cut);
        assert_false(accepted(&w));
        assert_int_equal(error_lines, 1);
    }
    mem_free(path);
}

static void damaged_graphs(void **state)
{
    static const int64_t huge[] = {INT64_MAX, 3, 8, 8, 0}, negative[] = {1, INT64_MIN, 8, 8, 0};
    struct writer g = {0}, w = {0};

    writer_input(&g, "x", FLOAT, picture);
    writer_node(&g, "Add", "x,b", "a", NULL);
    writer_node(&g, "Relu", "a", "b", NULL);
    writer_output(&g, "b");
    refuse_graph(&g, "cycle");

    writer_input(&g, "x", FLOAT, picture);
    writer_node(&g, "Relu", "x", "y", NULL);
    writer_node(&g, "Abs", "x", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "two things are called 'y'");

    writer_input(&g, "x", FLOAT, picture);
    writer_input(&g, "x", FLOAT, picture);
    writer_output(&g, "x");
    refuse_graph(&g, "two things are called 'x'");

    writer_node(&g, "Relu", "nobody", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "'nobody'");

    writer_input(&g, "x", FLOAT, picture);
    writer_output(&g, "y");
    refuse_graph(&g, "nothing makes the output");

    writer_input(&g, "x", FLOAT, picture);
    refuse_graph(&g, "no output");

    writer_input(&g, "x", FLOAT, picture);
    writer_node(&g, "Add", "x", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "input 1 is missing");

    writer_input(&g, "x", FLOAT, picture);
    writer_node(&g, "Frobnicate", "x", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "operator Frobnicate");

    writer_input(&g, "x", FLOAT, huge);
    writer_node(&g, "Relu", "x", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "too large");

    writer_input(&g, "x", FLOAT, negative);
    writer_node(&g, "Relu", "x", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "no usable shape");

    writer_input(&g, "x", FLOAT, picture);
    writer_output(&g, "x");
    writer_model(&w, 0, &g);
    assert_refused(&w, "opset 0");
}

// What no ONNX file should hold, and what few do.
static void odd_outputs(void **state)
{
    struct writer g = {0}, a = {0};

    writer_input(&g, "x", FLOAT, picture);
    writer_attribute_int(&a, "value_int", 5);
    writer_node(&g, "Constant", "", "a,b", &a);
    writer_node(&g, "Relu", "b", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "more than one output");

    writer_input(&g, "x", FLOAT, picture);
    writer_node(&g, "Dropout", "x", ",y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "output 0 is left out");

    writer_input(&g, "x", FLOAT, picture);
    writer_attribute_int(&a, "axis", 2);
    writer_node(&g, "Split", "x", "y,,z", &a);
    writer_output(&g, "y");
    refuse_graph(&g, "output 1 is left out");
}

static void hostile_numbers(void **state)
{
    static const int64_t big[] = {INT64_C(1) << 20, INT64_C(1) << 20, 4}, over[] = {-1, -1, 7};
    static const int64_t pads[] = {0, 0, 0, INT64_MAX, 0, 0, 0, INT64_MAX};
    static const int64_t repeats[] = {1, 1, INT64_MAX, INT64_MAX}, five[] = {5};
    struct writer g = {0}, a = {0};

    writer_ints(&g, "s", big, 3);
    writer_node(&g, "ConstantOfShape", "s", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "too large");

    writer_ints(&g, "s", big, 2); // as an element count it is allowed; as memory it is not
    writer_node(&g, "ConstantOfShape", "s", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "memory");

    writer_input(&g, "x", FLOAT, picture);
    writer_ints(&g, "s", over, 3);
    writer_node(&g, "Reshape", "x,s", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "does not fit");

    writer_input(&g, "x", FLOAT, picture);
    writer_ints(&g, "p", pads, 8);
    writer_node(&g, "Pad", "x,p", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "pads");

    writer_input(&g, "x", FLOAT, picture);
    writer_ints(&g, "r", repeats, 4);
    writer_node(&g, "Tile", "x,r", "y", NULL);
    writer_output(&g, "y");
    refuse_graph(&g, "repeats");

    writer_input(&g, "x", FLOAT, picture);
    writer_ints(&g, "i", five, 1);
    writer_attribute_int(&a, "axis", 1);
    writer_node(&g, "Gather", "x,i", "y", &a);
    writer_output(&g, "y");
    refuse_graph(&g, "outside");

    writer_input(&g, "x", FLOAT, picture);
    writer_attribute_int(&a, "axis", INT64_MIN);
    writer_node(&g, "Softmax", "x", "y", &a);
    writer_output(&g, "y");
    refuse_graph(&g, "axis");

    writer_input(&g, "x", FLOAT, picture);
    writer_attribute_int(&a, "to", INT64_MAX);
    writer_node(&g, "Cast", "x", "y", &a);
    writer_output(&g, "y");
    refuse_graph(&g, "type");
}

// Planning for the processor takes this many seconds of all threads together, at most; empties the
// graph.
static void assert_planned_within(double seconds, struct writer *graph)
{
    struct nn_model *model = writer_load(graph, 18);
    clock_t begin = clock();
    struct nn_plan *plan =
        nn_plan_create(model, &(struct nn_plan_params){.backend = NN_BACKEND_PROCESSOR});

    assert_non_null(plan);
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < seconds);
    nn_plan_destroy(&plan);
    nn_model_destroy(&model);
}

// A few bytes that ask for minutes: constants that take long to compute are left for the run.
static void long_work(void **state)
{
    static const int64_t big[] = {1, 1, 4000, 4000}, one[] = {1, 1, 1, 1};
    const double most = 2.5; // s: ten times what it takes, for sanitizers
    struct writer g = {0}, a = {0};
    char name[8];

    writer_input(&g, "x", FLOAT, picture);
    writer_ints(&g, "s", big, 4);
    writer_ints(&g, "z", one, 4);
    writer_node(&g, "ConstantOfShape", "s", "big", NULL);
    writer_attribute_text(&a, "mode", "cubic");
    writer_attribute_int(&a, "antialias", 1);
    writer_node(&g, "Resize", "big,,,z", "r", &a);
    writer_node(&g, "Add", "x,r", "y", NULL);
    writer_output(&g, "y");
    assert_planned_within(most, &g);

    writer_input(&g, "x", FLOAT, picture);
    writer_ints(&g, "s", big, 4);
    writer_node(&g, "ConstantOfShape", "s", "big", NULL);
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "r%d", i);
        writer_node(&g, i % 2 ? "ReduceSum" : "ReduceMax", "big", name, NULL);
        writer_output(&g, name);
    }
    assert_planned_within(most, &g);
}

static void add_external(struct writer *g, const char *location, const char *offset, int64_t count)
{
    struct writer t = {0}, entry = {0};

    writer_int(&t, 1, count);
    writer_int(&t, 2, FLOAT);
    writer_text(&t, 8, "w");
    writer_text(&entry, 1, "location");
    writer_text(&entry, 2, location);
    writer_message(&t, 13, &entry);
    writer_text(&entry, 1, "offset");
    writer_text(&entry, 2, offset);
    writer_message(&t, 13, &entry);
    writer_int(&t, 14, 1);
    writer_message(g, 5, &t);
    writer_input(g, "x", FLOAT, picture);
    writer_node(g, "Mul", "x,w", "y", NULL);
    writer_output(g, "y");
}

static void external_data(void **state)
{
    char *data = mem_printf("%s/w.bin", folder), *way_out = mem_printf("%s/link.bin", folder);
    FILE *f = fopen(data, "wb");
    float eight[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct writer g = {0}, w = {0};

    assert_non_null(f);
    fwrite(eight, sizeof(eight), 1, f);
    fclose(f);
    assert_int_equal(symlink("/etc/passwd", way_out), 0);
    add_external(&g, "w.bin", "0", 8);
    writer_model(&w, 17, &g);
    assert_true(accepted(&w));
    add_external(&g, "../w.bin", "0", 8);
    refuse_graph(&g, "outside");
    add_external(&g, "sub/../../w.bin", "0", 8);
    refuse_graph(&g, "outside");
    add_external(&g, "/etc/passwd", "0", 8);
    refuse_graph(&g, "outside");
    add_external(&g, "link.bin", "0", 8);
    refuse_graph(&g, "link that leaves");
    add_external(&g, "missing.bin", "0", 8);
    refuse_graph(&g, "cannot be opened");
    add_external(&g, "w.bin", "4", 8);
    refuse_graph(&g, "not in");
    add_external(&g, "w.bin", "-4", 8);
    refuse_graph(&g, "not in");
    add_external(&g, "w.bin", "18446744073709551615", 8);
    refuse_graph(&g, "not in");
    add_external(&g, "w.bin", "0", INT64_C(1) << 39);
    refuse_graph(&g, "not in");
    unlink(data);
    unlink(way_out);
    mem_free(data);
    mem_free(way_out);
}

// One life of a small network. False: something failed, logged.
static bool one_round(const char *path, const struct case_set *set)
{
    struct nn_model *model = nn_model_load(path);
    struct nn_plan *plan = model ? case_plan(model, set, NN_BACKEND_AUTO, 1) : NULL;
    bool ok = plan != NULL;

    if (ok) {
        assert_true(case_fill(plan, set));
        ok = nn_plan_run(plan) && case_compare(plan, set).nmse < 1e-9;
    }
    nn_plan_destroy(&plan);
    nn_model_destroy(&model);
    return ok;
}

// A byte lost each round shows in every stretch of rounds; what oneDNN keeps of what it compiled
// and malloc's own lists of free blocks, which count as in use, grow in some of the first only.
static void no_leak(void **state)
{
    enum { STRETCHES = 8, ROUNDS = 500, SMALLEST_BLOCK = 32 }; // B, of malloc
    char *path = mem_printf("%s/unet/model.onnx", NN_CASES),
         *data = mem_printf("%s/unet", NN_CASES);
    struct case_set set;
    bool steady = false;

    assert_true(case_set_load(data, 0, &set));
    for (int i = 0; i < STRETCHES && !steady; i++) {
        size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, after;

        for (int k = 0; k < ROUNDS; k++)
            assert_true(one_round(path, &set));
        after = mallinfo2().uordblks + mallinfo2().hblkhd;
        printf("in use before %d rounds: %zu bytes, after: %zu\n", ROUNDS, before, after);
        steady = after < before + (size_t)ROUNDS * SMALLEST_BLOCK / 2;
    }
    assert_true(steady);
    case_set_finish(&set);
    mem_free(path);
    mem_free(data);
}

// Each large block of memory fails once: an error, and no crash; the plain backend may still do it.
// And a run asks for none.
static void short_of_memory(void **state)
{
    char *path = mem_printf("%s/unet/model.onnx", NN_CASES),
         *data = mem_printf("%s/unet", NN_CASES);
    struct case_set set;
    struct nn_model *model;
    struct nn_plan *plan;
    bool ok;
    int n = 0;

    assert_true(case_set_load(data, 0, &set));
    do {
        mem_fail_block(++n);
        error_lines = 0;
        ok = one_round(path, &set);
    } while (error_lines >= 1 && n < 10000);
    mem_fail_block(0);
    assert_true(ok);
    printf("%d blocks, each missing once\n", n - 1);
    assert_true(n > 10);
    assert_true(one_round(path, &set));
    model = nn_model_load(path);
    plan = case_plan(model, &set, NN_BACKEND_AUTO, 1);
    mem_fail_block(1);
    assert_true(nn_plan_run(plan));
    assert_null(mem_try_block(1)); // still armed: the run has not asked
    nn_plan_destroy(&plan);
    nn_model_destroy(&model);
    case_set_finish(&set);
    mem_free(path);
    mem_free(data);
}

static int begin(void **state)
{
    if (!mkdtemp(folder))
        return -1;
    snprintf(file, sizeof(file), "%s/model.onnx", folder);
    log_set_sink(count_errors, NULL);
    return 0;
}

static int end(void **state)
{
    log_set_sink(NULL, NULL);
    unlink(file);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one),      cmocka_unit_test(not_onnx),
        cmocka_unit_test(deep_nesting),    cmocka_unit_test(truncated),
        cmocka_unit_test(damaged_graphs),  cmocka_unit_test(odd_outputs),
        cmocka_unit_test(hostile_numbers), cmocka_unit_test(long_work),
        cmocka_unit_test(external_data),   cmocka_unit_test(no_leak),
        cmocka_unit_test(short_of_memory),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
