// The reader of MXNet's parameter files and the import on top of it: every version, every cut,
// every way in which a file may be another one. An import that fails says why in one line and
// leaves no file.
#include <setjmp.h>
#include <stdarg.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "engine/original/mean.h"
#include "engine/original/original.h"
#include "engine/original/params.h"
#include "tests/original/weights.h"

static char last_error[1024];
static int errors;

static void hear(void *user, enum log_level level, const char *line)
{
    if (level > LOG_ERROR)
        return;
    errors++;
    snprintf(last_error, sizeof(last_error), "%s", line);
}

static void listen(void)
{
    errors = 0;
    last_error[0] = '\0';
}

static const float values[6] = {1.5f, -2, 0, 1024, 6.103515625e-5f, -0.25f};
// The same in float16.
static const uint16_t halves[6] = {0x3e00, 0xc000, 0, 0x6400, 0x0400, 0xb400};

// Arrays of every version and type, an empty one, and for V3 a scalar.
static struct file small_file(void)
{
    struct file f = {0};

    file_begin(&f, 10);
    for (int version = FILE_V0; version <= FILE_V3; version++) {
        file_head(&f, (enum file_version)version, (int64_t[]){2, 3, 0}, 0);
        file_raw(&f, values, sizeof(values));
        file_head(&f, (enum file_version)version, (int64_t[]){6, 0}, 2);
        file_raw(&f, halves, sizeof(halves));
    }
    file_head(&f, FILE_V1, (int64_t[]){0}, 0);
    file_head(&f, FILE_V3, (int64_t[]){0}, 0);
    file_raw(&f, values, sizeof(float));
    file_u64(&f, 10);
    for (int i = 0; i < 10; i++)
        file_name(&f, (const char *[]){"arg:a0", "aux:a0", "arg:a1", "aux:a1", "arg:a2", "aux:a2",
                                       "arg:a3", "aux:a3", "arg:none", "arg:scalar"}[i]);
    return f;
}

static void every_version_is_read(void **state)
{
    struct file f = small_file();
    struct params_file p;
    float read[6];

    assert_true(params_parse(f.bytes, f.size, "small.params", &p));
    assert_int_equal(p.count, 10);
    for (int i = 0; i < 8; i++) {
        const struct params_array *a = &p.arrays[i];
        assert_int_equal(a->auxiliary, i % 2);
        assert_int_equal(a->half, i % 2);
        assert_int_equal(a->rank, 2 - i % 2);
        assert_int_equal(a->count, 6);
        assert_true(params_floats(a, read));
        assert_memory_equal(read, values, sizeof(values));
        assert_ptr_equal(params_find(&p, a->name, i % 2), a);
    }
    assert_int_equal(params_find(&p, "none", false)->count, 0);
    assert_int_equal(params_find(&p, "scalar", false)->count, 1);
    assert_null(params_find(&p, "scalar", true));
    params_finish(&p);
    file_finish(&f);
}

static bool is_there(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

// No output, and no temporary one either.
static void nothing_is_left(void)
{
    DIR *folder = opendir(".");
    struct dirent *entry;

    while ((entry = readdir(folder)))
        if (strstr(entry->d_name, ".onnx"))
            fail_msg("%s was left", entry->d_name);
    closedir(folder);
}

static void import_fails(const char *input, const char *output, const char *reason)
{
    listen();
    assert_false(original_import(&(struct original_params){input, output, NULL}));
    if (errors != 1 || !strstr(last_error, reason))
        fail_msg("%s: %d errors, the last: %s", input, errors, last_error);
    nothing_is_left();
}

static void every_cut_of_a_small_file_is_said(void **state)
{
    struct file f = small_file();

    for (size_t size = 0; size < f.size; size++) {
        file_save(&f, size, "cut.params");
        import_fails("cut.params", "cut.onnx", size < 24 ? "cut.params" : "not copied");
    }
    file_u32(&f, 0);
    file_save(&f, f.size, "cut.params");
    import_fails("cut.params", "cut.onnx", "4 bytes follow");
    remove("cut.params");
    file_finish(&f);
}

// Where the whole file holds structure, and some places between: cut in memory.
static void every_cut_of_a_whole_file_is_said(void **state)
{
    const struct file *f = *state;
    struct params_file p;
    size_t step;

    for (size_t size = 0; size < f->size; size += step) {
        // exactly as long: a read past it is seen by the address sanitizer, at the ends at least
        listen();
        assert_false(params_parse(f->bytes, size, "cut.params", &p));
        if (errors != 1 || !strstr(last_error, "cut.params"))
            fail_msg("cut at %zu: %d errors, the last: %s", size, errors, last_error);
        step = size < 20000 || size + 4000 > f->size ? 1 : 65537;
    }
    assert_true(params_parse(f->bytes, f->size, "cut.params", &p));
    params_finish(&p);
}

static void hostile_numbers_are_refused(void **state)
{
    static const struct {
        const char *what, *reason;
        uint32_t words[12]; // after the count of arrays
        int count;
    } cases[] = {
        {"a rank beyond reason", "dimensions", {0x7fffffff}, 1},
        {"a negative rank", "dimensions", {0xF993FAC9u, 0, 0xffffffffu}, 3},
        {"a size that overflows", "larger", {4, 0xffffffffu, 0xffffffffu, 0xffffffffu, 8}, 5},
        {"a negative size", "larger", {0xF993FAC8u, 1, 0, 0x80000000u}, 4},
        {"nothing times too much", "cut", {3, 0, 0xffffffffu, 0xffffffffu, 1, 0}, 6},
        {"sparse", "sparse", {0xF993FAC9u, 1, 1, 1, 0, 1, 0, 0}, 8},
        {"float64", "type 1", {1, 1, 1, 0, 1, 0, 0}, 7},
        {"a type that is none", "type -1", {1, 1, 1, 0, 0xffffffffu, 0, 0}, 7},
    };
    struct params_file p;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct file f = {0};
        file_begin(&f, 1);
        file_raw(&f, cases[i].words, (size_t)cases[i].count * sizeof(uint32_t));
        listen();
        assert_false(params_parse(f.bytes, f.size, "cut.params", &p));
        if (errors != 1 || !strstr(last_error, cases[i].reason))
            fail_msg("%s: %d errors, the last: %s", cases[i].what, errors, last_error);
        file_finish(&f);
    }
}

static void lists_and_names_are_checked(void **state)
{
    static const struct {
        uint64_t magic, arrays, names;
        const char *first, *second, *reason;
    } cases[] = {
        {0x113, 2, 2, "arg:a", "arg:b", "not an MXNet"},
        {0x112, UINT64_MAX, 2, "arg:a", "arg:b", "damaged"},
        {0x112, 2, 1, "arg:a", "arg:b", "as many names"},
        {0x112, 2, 2, "arg:a", "arg:a", "two arrays"},
        {0x112, 2, 2, "arg:a", "weight", "form"},
        {0x112, 2, 2, "arg:a", "aux:", "form"},
        {0x112, 2, 2, "arg:a", "arg:a\nb", "form"},
        {0x112, 2, 2, "arg:a", "aux:a", NULL},
    };
    struct params_file p;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct file f = {0};
        file_u64(&f, cases[i].magic);
        file_u64(&f, 0);
        file_u64(&f, cases[i].arrays);
        for (int k = 0; k < 2; k++) {
            file_head(&f, FILE_V0, (int64_t[]){1, 0}, 0);
            file_raw(&f, values, sizeof(float));
        }
        file_u64(&f, cases[i].names);
        file_name(&f, cases[i].first);
        file_name(&f, cases[i].second);
        listen();
        if (!cases[i].reason) {
            assert_true(params_parse(f.bytes, f.size, "two.params", &p));
            params_finish(&p);
        } else {
            assert_false(params_parse(f.bytes, f.size, "two.params", &p));
            assert_int_equal(errors, 1);
            assert_non_null(strstr(last_error, cases[i].reason));
        }
        file_finish(&f);
    }
}

// Where a name of the whole file stands.
static char *find_name(const struct file *f, const char *name)
{
    for (size_t at = f->size - strlen(name); at > f->size - 4000; at--)
        if (memcmp(f->bytes + at, name, strlen(name)) == 0)
            return (char *)f->bytes + at;
    fail_msg("%s is not in the file", name);
    return NULL;
}

static void refuse_with_name(struct file *f, const char *name, const char *instead,
                             const char *reason)
{
    char *at = find_name(f, name);

    assert_int_equal(strlen(name), strlen(instead));
    memcpy(at, instead, strlen(name));
    file_save(f, f->size, "other.params");
    memcpy(at, name, strlen(name));
    import_fails("other.params", "other.onnx", reason);
}

static void other_networks_are_refused(void **state)
{
    struct file *f = *state;
    uint32_t *dims = (uint32_t *)(void *)(f->bytes + 28); // of conv1_1_weight: 64, 3, 3, 3
    float *value = (float *)(void *)(f->bytes + 56), kept = *value;

    refuse_with_name(f, "arg:conv3_2_weight", "arg:conv3_3_weight", "conv3_2_weight is missing");
    refuse_with_name(f, "aux:bn_pool2_moving_inv_var", "arg:bn_pool2_moving_inv_var",
                     "bn_pool2_moving_inv_var is missing");
    dims[0] = 3, dims[1] = 64;
    file_save(f, f->size, "other.params");
    dims[0] = 64, dims[1] = 3;
    import_fails("other.params", "other.onnx", "(3, 64, 3, 3), not (64, 3, 3, 3)");
    *value = 1e38f * 1e10f;
    file_save(f, f->size, "other.params");
    *value = kept;
    import_fails("other.params", "other.onnx", "conv1_1_weight holds what is no number");
    remove("other.params");
}

// One array of the file under names that tell of known mistakes.
static void known_mistakes_are_named(void **state)
{
    struct file *f = *state, g = {0};
    size_t names = (size_t)(find_name(f, "aux:bn_pool1_moving_inv_var") - (char *)f->bytes) - 8;

    // a port's name is four bytes shorter
    file_raw(&g, f->bytes, names);
    file_name(&g, "aux:bn_pool1_moving_var");
    file_raw(&g, f->bytes + names + 8 + 27, f->size - names - 8 - 27);
    file_save(&g, g.size, "other.params");
    file_finish(&g);
    import_fails("other.params", "other.onnx", "took the original's inverse deviations");

    file_raw(&g, "{\"nodes\": []}", 13);
    file_save(&g, g.size, "other.params");
    file_finish(&g);
    import_fails("other.params", "other.onnx", "this is a symbol");
    remove("other.params");
}

static void outputs_are_checked(void **state)
{
    struct file *f = *state;
    struct rlimit old, small = {.rlim_cur = 1 << 20};

    file_save(f, f->size, "good.params");
    getrlimit(RLIMIT_FSIZE, &old);
    import_fails("good.params", "./good.params", "both read and written");
    import_fails("good.params", "/nonexistent/model.onnx", "No such file");
    import_fails("good.params", "/dev/null", "is not a file");
    import_fails("/nonexistent/deep3d-0050.params", "model.onnx", "No such file");
    import_fails(".", "model.onnx", "not a file");
    // a disk that is full after a megabyte
    signal(SIGXFSZ, SIG_IGN);
    small.rlim_max = old.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    import_fails("good.params", "full.onnx", "File too large");
    setrlimit(RLIMIT_FSIZE, &old);
    // what is there is replaced
    file_save(&(struct file){(uint8_t *)"old", 3, 3}, 3, "model.onnx");
    assert_true(original_import(&(struct original_params){"good.params", "model.onnx", "1,2,3"}));
    struct stat info;
    assert_int_equal(stat("model.onnx", &info), 0);
    assert_true(info.st_size > 112000000);
    remove("model.onnx");
    nothing_is_left();
    remove("good.params");
    assert_false(is_there("good.params"));
}

static void means_are_checked(void **state)
{
    static const char *const bad[] = {"", "1,2", "1,2,3,4", "-1", "256", "nan", "red", "a.npz"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        listen();
        assert_false(
            original_import(&(struct original_params){"good.params", "model.onnx", bad[i]}));
        assert_int_equal(errors, 1);
    }
    // an archive that is cut at every byte, and damaged
    struct file f = {0};
    file_raw(&f, "PK\5\6", 4);
    for (int i = 0; i < 4; i++)
        file_u32(&f, i == 1 ? 0x10001 : 0xffffffffu);
    file_raw(&f, "\0", 2);
    for (size_t size = 0; size <= f.size; size++) {
        file_save(&f, size, "mean.npz");
        listen();
        assert_false(
            original_import(&(struct original_params){"good.params", "model.onnx", "mean.npz"}));
        assert_int_equal(errors, 1);
    }
    remove("mean.npz");
    nothing_is_left();
    file_finish(&f);
}

// The parts of a ZIP archive with one file, as numpy.savez writes them.
static struct file npz_file(const char *header, const void *data, size_t size)
{
    struct file f = {0};
    uint32_t length = (uint32_t)strlen(header), bytes = 10 + length + (uint32_t)size;

    file_raw(&f, "PK\3\4\24\0\0\0\0\0", 10);
    for (int i = 0; i < 4; i++) // time, checksum, sizes: those at the end count
        file_u32(&f, 0);
    file_u32(&f, 8); // length of the name, no extra field
    file_raw(&f, "left.npy", 8);
    file_raw(&f, "\x93NUMPY\1\0", 8);
    file_raw(&f, &length, 2);
    file_raw(&f, header, length);
    file_raw(&f, data, size);
    uint32_t directory = (uint32_t)f.size;
    file_raw(&f, "PK\1\2\24\0\24\0\0\0\0\0", 12);
    file_u32(&f, 0); // time
    file_u32(&f, 0); // checksum: not looked at
    file_u32(&f, bytes);
    file_u32(&f, bytes);
    file_u32(&f, 8); // length of the name, no extra field
    for (int i = 0; i < 3; i++)
        file_u32(&f, 0); // comment, disk, attributes; and where the file begins
    file_raw(&f, "\0\0left.npy", 10);
    file_raw(&f, "PK\5\6\0\0\0\0\1\0\1\0", 12);
    file_u32(&f, (uint32_t)f.size - 12 - directory);
    file_u32(&f, directory);
    file_raw(&f, "\0", 2);
    return f;
}

static void mean_pictures_are_read(void **state)
{
    enum { COUNT = MEAN_PLANES * MEAN_HEIGHT * MEAN_WIDTH };
    static double wide[COUNT];
    static float narrow[COUNT], out[COUNT];
    static const char *const headers[] = {
        "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 160, 384), } \n",
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3, 160, 384), } \n"};

    for (int i = 0; i < COUNT; i++)
        wide[i] = narrow[i] = (float)(i % 1000) / 4;
    for (int way = 0; way < 2; way++) {
        struct file f = way ? npz_file(headers[1], wide, sizeof(wide))
                            : npz_file(headers[0], narrow, sizeof(narrow));
        memset(out, 0, sizeof(out));
        assert_true(mean_parse(f.bytes, f.size, out));
        assert_memory_equal(out, narrow, sizeof(out));
        for (size_t size = 0; size < f.size; size += size < 200 || size + 200 > f.size ? 1 : 4099)
            assert_false(mean_parse(f.bytes, size, out));
        f.bytes[10 + 16 + 4 + 8 + 8] ^= 1; // another length of the header
        assert_false(mean_parse(f.bytes, f.size, out));
        file_finish(&f);
    }
    struct file f = npz_file(headers[1], narrow, sizeof(narrow)); // too little for float64
    assert_false(mean_parse(f.bytes, f.size, out));
    file_finish(&f);
}

static int make_whole_file(void **state)
{
    static struct file whole;

    weights_write(&whole, FILE_V0, false);
    *state = &whole;
    return 0;
}

static int free_whole_file(void **state)
{
    file_finish(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_is_read),
        cmocka_unit_test(every_cut_of_a_small_file_is_said),
        cmocka_unit_test(every_cut_of_a_whole_file_is_said),
        cmocka_unit_test(hostile_numbers_are_refused),
        cmocka_unit_test(lists_and_names_are_checked),
        cmocka_unit_test(other_networks_are_refused),
        cmocka_unit_test(known_mistakes_are_named),
        cmocka_unit_test(outputs_are_checked),
        cmocka_unit_test(means_are_checked),
        cmocka_unit_test(mean_pictures_are_read),
    };

    log_set_sink(hear, NULL);
    return cmocka_run_group_tests(tests, make_whole_file, free_whole_file);
}
