// The ending of a file's name.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "viewer/file_name.h"

static void test_endings(void **state)
{
    static const char *const cases[][2] = {{"film.mkv", ".mkv"},
                                           {"a.b/film.tar.gz", ".gz"},
                                           {"a.b/film", ""},
                                           {".mkv", ""},
                                           {"a/.hidden.mkv", ".mkv"},
                                           {"a/.mkv", ""},
                                           {"film.", "."},
                                           {"", ""}};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(file_name_ending(cases[i][0]), cases[i][1]);
}

static void test_comparison(void **state)
{
    assert_true(file_name_ends("a.b/film.MKV", "mkv"));
    assert_false(file_name_ends("film.mkv", "kv"));
    assert_false(file_name_ends("a.mkv/film", "mkv"));
    assert_false(file_name_ends(".mkv", "mkv"));
    assert_false(file_name_ends("film", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_endings),
        cmocka_unit_test(test_comparison),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
