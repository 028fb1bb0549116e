// Every official ONNX node case of the operators that we have, on each backend. Prints which ran,
// and why others did not. With the argument "cuda": on the GPU, which must take them all.
//
// Cases: Debian's libonnx-testdata, or a folder named by NN_NODE_CASES; skipped, said loudly, where
// neither is there.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "kernels/cuda_library.h"
#include "tests/nn/case.h"

#define DEBIAN_CASES "/usr/share/libonnx-testdata/data/node"

// Cases that say something else than the operator's text or ask for what an inference engine does
// not do.
static const struct {
    const char *name, *reason;
} excluded[] = {
    {"test_batchnorm_epsilon_training_mode", "training"},
    {"test_batchnorm_example_training_mode", "training"},
    {"test_training_dropout", "training: random"},
    {"test_training_dropout_default", "training: random"},
    {"test_training_dropout_default_mask", "training: random"},
    {"test_training_dropout_mask", "training: random"},
    {"test_training_dropout_zero_ratio", "training"},
    {"test_training_dropout_zero_ratio_mask", "training"},
};

static char last_reason[512];
static enum nn_backend fastest = NN_BACKEND_AUTO;
static char fastest_name[64];

static void keep_reason(void *user, enum log_level level, const char *line)
{
    if (level == LOG_ERROR)
        snprintf(last_reason, sizeof(last_reason), "%s", line);
}

static const char *why_excluded(const char *name)
{
    for (size_t i = 0; i < sizeof(excluded) / sizeof(*excluded); i++)
        if (!strcmp(excluded[i].name, name))
            return excluded[i].reason;
    return NULL;
}

// What the loader says about operators and types that are not ours to have; anything else is a
// failure.
static bool is_honest_refusal(const char *reason)
{
    static const char *const refusals[] = {"which this program does not have",
                                           "is not supported",
                                           "not a tensor of a supported type",
                                           "not supported for",
                                           "has no usable shape",
                                           "has no value of a supported kind"};

    for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
        if (strstr(reason, refusals[i]))
            return true;
    return false;
}

struct totals {
    int ran, excluded, failed;
};

static bool run_backend(const struct nn_model *model, const struct case_set *set, const char *name,
                        enum nn_backend backend, bool device, struct totals *totals)
{
    struct nn_plan *plan = case_plan_as(
        model, set,
        (struct nn_plan_params){
            .backend = backend, .precision = NN_PRECISION_FP32, .threads = 1, .device = device});
    struct case_error e = {0};

    if (!plan) {
        bool honest = is_honest_refusal(last_reason);

        printf("%s %s: %s\n", honest ? "excluded" : "FAILED", name, last_reason);
        totals->excluded += honest;
        totals->failed += !honest;
        return false;
    }
    if (backend == NN_BACKEND_CUDA) // no other may have taken its place
        assert_non_null(strstr(nn_plan_backend_name(plan), "CUDA"));
    if (backend == NN_BACKEND_AUTO) { // nor here: the same one takes them all
        if (!fastest_name[0])
            snprintf(fastest_name, sizeof(fastest_name), "%s", nn_plan_backend_name(plan));
        assert_string_equal(nn_plan_backend_name(plan), fastest_name);
    }
    for (int i = 0; i < 2; i++) { // the second run finds the first one's leftovers in the slab
        assert_true(case_fill(plan, set));
        assert_true(nn_plan_run(plan));
        e = case_compare(plan, set);
        if (!e.close)
            break;
    }
    printf("%s %s: %s, NMSE %.2g, max error %.2g%s\n", e.close ? "ran" : "FAILED", name,
           nn_plan_backend_name(plan), e.nmse, e.max_abs,
           e.same_form ? "" : ", other type or shape");
    totals->ran += e.close;
    totals->failed += !e.close;
    nn_plan_destroy(&plan);
    return true;
}

static void run_case(const char *folder, const char *name, struct totals *totals)
{
    char *path = mem_printf("%s/%s", folder, name), *file = mem_printf("%s/model.onnx", path);
    const char *why = why_excluded(name);
    struct nn_model *model = why ? NULL : nn_model_load(file);
    struct case_set set = {0};

    if (why || !model || !case_set_load(path, 0, &set)) {
        bool honest = why || is_honest_refusal(last_reason);

        printf("%s %s: %s\n", honest ? "excluded" : "FAILED", name, why ? why : last_reason);
        totals->excluded += honest;
        totals->failed += !honest;
    } else if (run_backend(model, &set, name, NN_BACKEND_REFERENCE, false, totals)) {
        run_backend(model, &set, name, fastest, false, totals);
        if (fastest == NN_BACKEND_CUDA)
            run_backend(model, &set, name, fastest, true, totals);
    }
    case_set_finish(&set);
    nn_model_destroy(&model);
    mem_free(file);
    mem_free(path);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void node_cases(void **state)
{
    const char *folder = getenv("NN_NODE_CASES") ? getenv("NN_NODE_CASES") : DEBIAN_CASES;
    struct dirent **entries;
    int count = scandir(folder, &entries, is_case, alphasort);
    struct totals totals = {0};

    if (count < 0) {
        printf("SKIPPED: no ONNX node cases at %s; install libonnx-testdata\n", folder);
        skip();
    }
    log_set_sink(keep_reason, NULL);
    for (int i = 0; i < count; i++) {
        run_case(folder, entries[i]->d_name, &totals);
        free(entries[i]);
    }
    free(entries);
    log_set_sink(NULL, NULL);
    printf("%d runs passed, %d cases excluded, %d failed\n", totals.ran, totals.excluded,
           totals.failed);
    assert_int_equal(totals.failed, 0);
    // Debian 12's set; a loader that refuses too much shows here
    assert_true(totals.ran >= (getenv("NN_NODE_CASES") ? 1 : 800));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(node_cases)};
    char text[256];

    if (argc > 1 && !cuda_library(text, sizeof(text))) {
        printf("SKIPPED: no GPU to test on: %s\n", text);
        return 77;
    }
    fastest = argc > 1 ? NN_BACKEND_CUDA : NN_BACKEND_AUTO;

    return cmocka_run_group_tests(tests, NULL, NULL);
}
