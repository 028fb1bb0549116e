// What is kept of measurements on a GPU: found again, by later processes too, and never believed.
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "engine/nn/cuda_choices.h"

static char folder[] = "/tmp/choices_XXXXXX";

static char *path(void)
{
    return mem_printf("%s/deep3d/cuda-ways", folder);
}

// The file is this; nothing else is known.
static void write_file(const char *bytes, size_t size)
{
    char *name = path(), *parent = mem_printf("%s/deep3d", folder);
    FILE *f;

    mkdir(parent, 0700);
    f = fopen(name, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
    mem_free(name);
    mem_free(parent);
    cuda_choices_forget();
}

static void assert_choice(const char *key, const char *want)
{
    char found[CUDA_CHOICE_MAX + 1] = "";

    assert_int_equal(cuda_choice_find(key, found, sizeof(found)), want != NULL);
    if (want)
        assert_string_equal(found, want);
}

static void kept_and_found(void **state)
{
    char small[4];

    write_file("", 0);
    assert_choice("a", NULL);
    cuda_choice_keep("a", "first");
    cuda_choice_keep("a", "second");
    cuda_choice_keep("b c|1,2", "third 1=2");
    assert_choice("a", "second");
    cuda_choices_forget(); // as the next process
    assert_choice("a", "second");
    assert_choice("b c|1,2", "third 1=2");
    assert_false(cuda_choice_find("a", small, sizeof(small))); // does not fit
}

// What a line may not be does no harm to the lines around it.
static void hostile_file(void **state)
{
    static const char bytes[] = "good\tone\n"
                                "no tab\n"
                                "\tno key\n"
                                "no choice\t\n"
                                "control\tq\x01\n"
                                "high\t\xc3\xa4\n"
                                "more\ttabs\tthan one\n"
                                "zero\tin\0side\n"
                                "\n"
                                "last\tgood\n"
                                "unfinished\tline";
    char *line = mem_new(1, 5000);

    write_file(bytes, sizeof(bytes) - 1);
    assert_choice("good", "one");
    assert_choice("last", "good");
    assert_choice("no tab", NULL);
    assert_choice("", NULL);
    assert_choice("no choice", NULL);
    assert_choice("control", NULL);
    assert_choice("high", NULL);
    assert_choice("more", NULL);
    assert_choice("unfinished", NULL);
    memset(line, 'x', 5000); // a line that is too long, with a good one's look at its end
    memcpy(line + CUDA_CHOICE_MAX + 2, "false\ttrue\n", 11);
    memcpy(line + CUDA_CHOICE_MAX + 13, "after\tit\n", 9);
    write_file(line, CUDA_CHOICE_MAX + 22);
    assert_choice("false", NULL);
    assert_choice("after", "it");
    mem_free(line);
}

static void too_large_or_no_file(void **state)
{
    size_t size = CUDA_CHOICES_MAX_BYTES + 1;
    char *bytes = mem_new(1, size), *name = path();
    struct stat s;

    for (size_t i = 0; i < size; i++)
        bytes[i] = "k\tv\n"[i % 4];
    write_file(bytes, size);
    assert_choice("k", NULL);
    cuda_choice_keep("new", "one"); // begins the file anew
    assert_int_equal(stat(name, &s), 0);
    assert_true(s.st_size < 100);
    cuda_choices_forget();
    assert_choice("new", "one");

    unlink(name); // and where it cannot be written, the process knows
    mkdir(name, 0700);
    cuda_choices_forget();
    assert_choice("new", NULL);
    cuda_choice_keep("new", "two");
    assert_choice("new", "two");
    rmdir(name);
    mem_free(bytes);
    mem_free(name);
}

static void what_a_line_cannot_hold(void **state)
{
    char *much = mem_new(1, CUDA_CHOICE_MAX + 2);

    memset(much, 'm', CUDA_CHOICE_MAX + 1);
    write_file("", 0);
    cuda_choice_keep("two\nlines", "x");
    cuda_choice_keep("much", much);
    assert_choice("two\nlines", "x");
    cuda_choices_forget();
    assert_choice("two\nlines", NULL);
    assert_choice("lines", NULL);
    assert_choice("much", NULL);
    mem_free(much);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_and_found), cmocka_unit_test(hostile_file),
        cmocka_unit_test(too_large_or_no_file), cmocka_unit_test(what_a_line_cannot_hold)};
    char *name, *parent;
    int failed;

    if (!mkdtemp(folder))
        return 1;
    name = path();
    parent = mem_printf("%s/deep3d", folder);
    setenv("XDG_CACHE_HOME", folder, 1);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(name);
    rmdir(parent);
    rmdir(folder);
    mem_free(name);
    mem_free(parent);
    return failed;
}
