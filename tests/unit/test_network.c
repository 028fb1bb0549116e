// A depth network planned for several sizes of input.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/network.h"
#include "tests/nn/writer.h"

#define FLOAT 1
#define PATIENCE_NS (20 * NS_PER_S)
// what such a model is given by default
#define WIDTH 384
#define HEIGHT 224

// The mean of the three planes; `only`: of inputs of the full height alone.
static struct network *open(bool only)
{
    static const int64_t in[] = {1, 3, -1, -1, 0}, out[] = {1, 1, -1, -1, 0},
                         column[] = {1, 1, HEIGHT, 1, 0}, axis = 1;
    static const float zeros[HEIGHT];
    char file[] = "/tmp/unit_network_XXXXXX";
    int fd = mkstemp(file);
    struct writer graph = {0}, attributes = {0}, w = {0};
    struct network *n;

    writer_input(&graph, "x", FLOAT, in);
    writer_shaped_output(&graph, "y", FLOAT, out);
    writer_floats(&graph, "c", column, zeros);
    writer_attribute_ints(&attributes, "axes", &axis, 1);
    writer_node(&graph, "ReduceMean", "x", only ? "mean" : "y", &attributes);
    if (only)
        writer_node(&graph, "Add", "mean,c", "y", NULL);
    writer_model(&w, 17, &graph);
    assert_int_equal(write(fd, w.bytes, w.size), w.size);
    close(fd);
    writer_finish(&w);
    n = network_create(&(struct deep3d_params){.model = file, .backend = "ref", .threads = 1});
    assert_non_null(n);
    assert_string_equal(network_model_name(n), strrchr(file, '/') + 1);
    unlink(file);
    return n;
}

static void expect_mean(struct network *n)
{
    struct network_size now = network_now(n);
    int count = now.in_width * now.in_height;
    float *in = network_input(n);

    assert_int_equal(now.width, now.in_width);
    assert_int_equal(now.height, now.in_height);
    for (int i = 0; i < 3 * count; i++)
        in[i] = (float)(i % count) / (float)count + (float)(i / count - 1);
    assert_true(network_run(n));
    for (int i = 0; i < count; i++)
        assert_true(network_output(n)[i] - (float)i / (float)count < 1e-5f &&
                    network_output(n)[i] - (float)i / (float)count > -1e-5f);
}

static void test_the_full_size_is_planned(void **state)
{
    struct network *n = open(false);
    struct deep3d_size sizes[DEEP3D_SIZES_MAX];

    assert_false(network_fits(n, 1920, 1080));
    assert_int_equal(network_sizes(n, sizes), 0);
    assert_string_equal(network_backend_name(n), "none yet");
    assert_true(network_plan(n, 1920, 1080));
    assert_true(network_fits(n, 1920, 1080));
    assert_true(network_fits(n, 1280, 720));
    assert_false(network_fits(n, 1080, 1920));
    assert_true(network_sizes(n, sizes) > 2);
    assert_int_equal(sizes[0].width, WIDTH);
    assert_int_equal(sizes[0].height, HEIGHT);
    assert_true(sizes[1].width < WIDTH && sizes[1].height < HEIGHT);
    assert_int_equal(network_full(n).width, WIDTH);
    assert_int_equal(network_levels(n), 1);
    assert_false(network_is_original(n));
    network_next(n);
    expect_mean(n);
    network_release(n);
    assert_false(network_fits(n, 1920, 1080));
    assert_int_equal(network_sizes(n, sizes), 0);
    assert_true(network_plan(n, 1080, 1920));
    assert_true(network_full(n).in_width < WIDTH && network_full(n).in_height > HEIGHT);
    network_destroy(&n);
    assert_null(n);
}

static void test_smaller_sizes_come_when_they_are_wanted(void **state)
{
    struct network *n = open(false);
    struct deep3d_size sizes[DEEP3D_SIZES_MAX];
    int64_t limit_ns = clock_now_ns() + PATIENCE_NS;
    int count;

    assert_true(network_plan(n, 1920, 1080));
    count = network_sizes(n, sizes);
    network_want(n, 99); // the smallest there is
    do {
        network_next(n);
        expect_mean(n); // the full size goes on meanwhile
        assert_true(clock_now_ns() < limit_ns);
    } while (network_now(n).in_width == WIDTH);
    assert_int_equal(network_now(n).in_width, sizes[count - 1].width);
    assert_int_equal(network_now(n).in_height, sizes[count - 1].height);
    assert_int_equal(network_full(n).in_width, WIDTH);
    network_want(n, 0);
    network_next(n);
    assert_int_equal(network_now(n).in_width, WIDTH);
    network_want(n, count - 1); // is there by now
    network_next(n);
    assert_int_equal(network_now(n).in_width, sizes[count - 1].width);
    expect_mean(n);
    network_destroy(&n);
}

static char said[512];

static void hear(void *user, enum log_level level, const char *line)
{
    if (level == LOG_WARN)
        snprintf(said, sizeof(said), "%s", line);
}

static void test_a_size_that_it_does_not_take_is_left_aside(void **state)
{
    struct network *n = open(true);
    struct deep3d_size sizes[DEEP3D_SIZES_MAX];
    int64_t limit_ns = clock_now_ns() + PATIENCE_NS;

    assert_true(network_plan(n, 1920, 1080));
    network_want(n, 1);
    log_set_sink(hear, NULL);
    do {
        network_next(n);
        expect_mean(n);
        assert_true(clock_now_ns() < limit_ns);
    } while (network_sizes(n, sizes) > 1);
    log_set_sink(NULL, NULL);
    assert_non_null(strstr(said, "keeps its larger input"));
    network_next(n);
    assert_int_equal(network_now(n).in_width, WIDTH);
    expect_mean(n);
    network_destroy(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_full_size_is_planned),
        cmocka_unit_test(test_smaller_sizes_come_when_they_are_wanted),
        cmocka_unit_test(test_a_size_that_it_does_not_take_is_left_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
