// base: histogram percentiles, memory failure on demand, rows shared among threads, the log's sink.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parallel.h"
#include "base/thread.h"

static void percentiles_are_within_two_percent(void **state)
{
    static struct histogram h;

    assert_float_equal(histogram_ms(&h, 0.5), 0, 0);
    for (int i = 1; i <= 1000; i++)
        histogram_add(&h, i * NS_PER_MS);
    assert_float_equal(histogram_ms(&h, 0.5), 500, 10);
    assert_float_equal(histogram_ms(&h, 0.99), 990, 20);
    histogram_add(&h, INT64_MAX); // beyond the last bucket
    histogram_add(&h, -1);
    assert_true(histogram_ms(&h, 1) > 3600e3);
}

static void blocks_are_aligned_and_fail_when_asked(void **state)
{
    void *block = mem_try_block(1);

    assert_non_null(block);
    assert_int_equal((uintptr_t)block % MEM_ALIGN, 0);
    mem_free(block);
    assert_null(mem_try_block(SIZE_MAX));
    mem_fail_block(2);
    block = mem_try_block(10);
    assert_non_null(block);
    assert_null(mem_try_block(10));
    mem_free(block);
    block = mem_try_block(10);
    assert_non_null(block);
    mem_free(block);
}

static void mark_rows(void *user, int first, int end)
{
    for (int i = first; i < end; i++)
        ((uint8_t *)user)[i]++;
}

static void every_row_is_done_once(void **state)
{
    uint8_t rows[1000];

    for (int count = 0; count <= 1000; count = count * 3 + 1) {
        for (int threads = 0; threads <= 7; threads++) {
            memset(rows, 0, sizeof(rows));
            parallel_rows(count, threads, mark_rows, rows);
            parallel_bands(count, threads, mark_rows, rows);
            for (int i = 0; i < 1000; i++)
                assert_int_equal(rows[i], i < count ? 2 : 0);
        }
    }
}

struct heard {
    int lines;
    char last[64];
};

static void hear(void *user, enum log_level level, const char *line)
{
    struct heard *h = user;

    h->lines++;
    strncpy(h->last, line, sizeof(h->last) - 1);
}

static void the_log_keeps_level_and_line(void **state)
{
    struct heard h = {0};

    log_set_sink(hear, &h);
    log_debug("not heard");
    log_warn("heard %d", 7);
    assert_int_equal(h.lines, 1);
    assert_string_equal(h.last, "heard 7");
    log_warn("a %s", "t\xc3\xa4tle\n\x1b[2J\x7f");
    log_set_sink(NULL, NULL);
    assert_string_equal(h.last, "a t\xc3\xa4tle??[2J?");
}

static void waiting_ends_at_the_deadline(void **state)
{
    struct monitor m;
    int64_t deadline = clock_now_ns() + 20 * NS_PER_MS;

    monitor_init(&m);
    monitor_lock(&m);
    while (monitor_wait_until(&m, deadline))
        continue;
    monitor_unlock(&m);
    assert_true(clock_now_ns() >= deadline);
    monitor_finish(&m);
    clock_sleep_until_ns(deadline); // has passed: returns at once
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_within_two_percent),
        cmocka_unit_test(blocks_are_aligned_and_fail_when_asked),
        cmocka_unit_test(every_row_is_done_once),
        cmocka_unit_test(the_log_keeps_level_and_line),
        cmocka_unit_test(waiting_ends_at_the_deadline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
