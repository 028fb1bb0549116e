// options: defaults, every way to write a value, and every way to get it wrong.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "viewer/options.h"

static char last_error[512];

static void hear(void *user, enum log_level level, const char *line)
{
    strncpy(last_error, line, sizeof(last_error) - 1);
}

// Parses up to three arguments.
static bool parse(struct options *o, const char *a, const char *b, const char *c)
{
    char *argv[] = {(char *)"deep3d", (char *)a, (char *)b, (char *)c};
    int argc = 1 + (a != NULL) + (b != NULL) + (c != NULL);

    last_error[0] = '\0';
    return options_parse(o, argc, argv);
}

static void defaults(void **state)
{
    struct options o;

    assert_true(parse(&o, "film.mkv", NULL, NULL));
    assert_int_equal(o.display, DISPLAY_KIND_AUTO);
    assert_string_equal(options_backends[o.backend], "auto");
    assert_float_equal(o.strength, 2, 0);
    assert_float_equal(o.convergence, 0.5, 0);
    assert_int_equal(o.layout, LAYOUT_SIDE_BY_SIDE);
    assert_null(o.model);
    assert_int_equal(o.file_count, 1);
    assert_string_equal(o.files[0], "film.mkv");
    options_finish(&o);
}

static void values(void **state)
{
    struct options o;

    assert_true(parse(&o, "--strength=3.5", "--display", "null"));
    assert_float_equal(o.strength, 3.5, 0);
    assert_int_equal(o.display, DISPLAY_KIND_NULL);
    options_finish(&o);
    assert_true(parse(&o, "--layout=anaglyph", "--mute", "--threads=2"));
    assert_int_equal(o.layout, LAYOUT_ANAGLYPH);
    assert_true(o.mute);
    assert_int_equal(o.threads, 2);
    options_finish(&o);
    assert_true(parse(&o, "--", "--strength", "-"));
    assert_int_equal(o.file_count, 2);
    assert_string_equal(o.files[0], "--strength");
    options_finish(&o);
}

static void words_for_numbers(void **state)
{
    struct options o;

    assert_true(parse(&o, "film.mkv", NULL, NULL));
    assert_int_equal(o.sub, OPTIONS_SUB_AUTO);
    assert_float_equal(o.sub_depth_pct, OPTIONS_SUB_DEPTH_AUTO, 0);
    options_finish(&o);
    assert_true(parse(&o, "--sub=none", "--sub-depth", "1.5"));
    assert_int_equal(o.sub, OPTIONS_SUB_NONE);
    assert_float_equal(o.sub_depth_pct, 1.5, 0);
    options_finish(&o);
    assert_true(parse(&o, "--sub=3", "--sub-depth=auto", NULL));
    assert_int_equal(o.sub, 3);
    assert_float_equal(o.sub_depth_pct, OPTIONS_SUB_DEPTH_AUTO, 0);
    options_finish(&o);
    assert_true(parse(&o, "--sub=auto", NULL, NULL));
    assert_int_equal(o.sub, OPTIONS_SUB_AUTO);
    options_finish(&o);
}

// Whoever sets the convergence does not want it moved, unless they say so after it.
static void a_convergence_is_kept(void **state)
{
    struct options o;

    assert_true(parse(&o, NULL, NULL, NULL));
    assert_true(o.auto_convergence && o.budget && o.floating_window);
    options_finish(&o);
    assert_true(parse(&o, "--convergence", "0.5", "--budget=off"));
    assert_false(o.auto_convergence || o.budget);
    options_finish(&o);
    assert_true(parse(&o, "--convergence=0.5", "--auto-convergence", "on"));
    assert_true(o.auto_convergence);
    options_finish(&o);
}

static void subcommands_have_their_own(void **state)
{
    struct options o;

    assert_true(parse(&o, "import", "a.params", "--output=b.onnx"));
    assert_int_equal(o.subcommand, SUBCOMMAND_IMPORT);
    assert_int_equal(o.file_count, 1);
    assert_string_equal(o.files[0], "a.params");
    assert_string_equal(o.output, "b.onnx");
    options_finish(&o);
    assert_true(parse(&o, "import", "-o", "b.onnx"));
    assert_string_equal(o.output, "b.onnx");
    options_finish(&o);
    assert_true(parse(&o, "import", "-h", NULL));
    assert_true(o.help);
    options_finish(&o);
    assert_false(parse(&o, "import", "--strength", "2"));
    options_finish(&o);
    assert_false(parse(&o, "-o", "b.onnx", "film.mkv")); // to play needs no output
    options_finish(&o);
    assert_false(parse(&o, "import", "-o", NULL));
    assert_non_null(strstr(last_error, "output needs a value; deep3d import --help"));
    options_finish(&o);
    assert_true(parse(&o, "film.mkv", "import", NULL)); // a file of that name
    assert_int_equal(o.subcommand, SUBCOMMAND_PLAY);
    options_finish(&o);
}

static void mistakes_are_named(void **state)
{
    static const struct {
        const char *a, *b, *says;
    } wrong[] = {
        {"--nonsense", NULL, "--nonsense"},
        {"-x", NULL, "-x"},
        {"--strength", NULL, "--strength needs a value"},
        {"--strength", "much", "\"much\" is not a number"},
        {"--strength=11", NULL, "0 to 10"},
        {"--strength=-0.1", NULL, "0 to 10"},
        {"--strength=nan", NULL, "not a number"},
        {"--strength=1e999", NULL, "not a number"},
        {"--strength=2x", NULL, "not a number"},
        {"--strength=", NULL, "not a number"},
        {"--threads=1.5", NULL, "not a whole number"},
        {"--display=tv", NULL, "auto|xr|window|null"},
        {"--display=", NULL, "auto|xr|window|null"},
        {"--display=auto|xr", NULL, "not one of"},
        {"--mute=yes", NULL, "takes no value"},
        {"--budget=maybe", NULL, "on|off"},
        {"--budget", NULL, "needs a value"},
        {"--eye-distance=0.063", NULL, "40 to 90"},
        {"--sub=0", NULL, "1 to 999"},
        {"--sub=some", NULL, "not a whole number"},
        {"--sub-depth=none", NULL, "not a number"},
        {"--strengt", "3", "--strengt"},
    };
    struct options o;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_false(parse(&o, wrong[i].a, wrong[i].b, NULL));
        if (!strstr(last_error, wrong[i].says))
            fail_msg("%s: said \"%s\", not \"%s\"", wrong[i].a, last_error, wrong[i].says);
        options_finish(&o);
    }
}

// Desktops hand films over as URLs. What is no file that is there stays a URL.
static void urls_of_files_become_paths(void **state)
{
    static const char *const others[] = {"file:///none/such%20film.mkv", "file://host/etc/passwd",
                                         "http://localhost/etc/passwd", "file:", "/etc/passwd%20"};
    char folder[] = "/tmp/deep3d-100%25 \xc3\xa4-XXXXXX";
    char url[] = "file:///tmp/deep3d-100%2525%20%c3%A4-XXXXXX";
    char at_home[] = "FILE://localhost/tmp/%64eep3d-100%2525%20%c3%A4-XXXXXX";
    char *argv[] = {(char *)"deep3d", url, at_home};
    struct options o;

    assert_non_null(mkdtemp(folder));
    strcpy(strstr(url, "XXXXXX"), folder + strlen(folder) - 6);
    strcpy(strstr(at_home, "XXXXXX"), folder + strlen(folder) - 6);
    assert_true(options_parse(&o, 3, argv));
    assert_string_equal(o.files[0], folder);
    assert_string_equal(o.files[1], folder);
    options_finish(&o);
    rmdir(folder);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        assert_true(parse(&o, others[i], NULL, NULL));
        assert_string_equal(o.files[0], others[i]);
        options_finish(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(values),
        cmocka_unit_test(words_for_numbers),
        cmocka_unit_test(a_convergence_is_kept),
        cmocka_unit_test(subcommands_have_their_own),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(urls_of_files_become_paths),
    };

    log_set_sink(hear, NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
