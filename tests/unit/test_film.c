// The log of the packets of a film that is being written.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavcodec/packet.h>

#include "base/log.h"
#include "viewer/film_log.h"

#define LOG "film.part"

static void add(struct film_log *log, int64_t pts, bool key)
{
    AVPacket *p = av_packet_alloc();

    assert_int_equal(av_new_packet(p, 100), 0);
    memset(p->data, (int)pts, 100);
    p->pts = pts;
    p->dts = pts - 2;
    p->duration = 1;
    p->flags = key ? AV_PKT_FLAG_KEY : 0;
    assert_true(film_log_add(log, p));
    av_packet_free(&p);
}

// Key pictures 0, 4 and 8; decoded in another order than shown.
static struct film_log *filled(void)
{
    static const int order[] = {0, 2, 1, 3, 4, 6, 5, 7, 8, 9};
    struct film_log *log;

    unlink(LOG);
    log = film_log_open(LOG, "ours", false);
    assert_non_null(log);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        add(log, order[i], order[i] % 4 == 0);
    return log;
}

static void expect_state(struct film_log *log, int frames, int64_t last, enum film_log_mark mark)
{
    assert_int_equal(film_log_frames(log), frames);
    assert_int_equal(film_log_last_pts(log), last);
    assert_int_equal(film_log_mark(log), mark);
}

static void test_what_was_added_is_read(void **state)
{
    struct film_log *log = filled();
    AVPacket *p = av_packet_alloc();
    bool failed;
    int count = 0;

    assert_true(film_log_set_mark(log, FILM_LOG_CLOSED));
    film_log_close(&log);
    log = film_log_open(LOG, "ours", false);
    expect_state(log, 10, 9, FILM_LOG_CLOSED);
    film_log_rewind(log);
    while (film_log_read(log, p, &failed)) {
        assert_int_equal(p->data[99], p->pts);
        assert_int_equal(p->dts, p->pts - 2);
        assert_int_equal(p->flags, p->pts % 4 == 0 ? AV_PKT_FLAG_KEY : 0);
        av_packet_unref(p);
        count++;
    }
    assert_false(failed);
    assert_int_equal(count, 10);
    av_packet_free(&p);
    film_log_close(&log);
}

static void test_cut_at_a_key(void **state)
{
    struct film_log *log = filled();

    assert_int_equal(film_log_key_before(log, INT64_MAX), 8);
    assert_int_equal(film_log_key_before(log, 7), 4);
    assert_int_equal(film_log_key_before(log, -1), INT64_MIN);
    assert_true(film_log_cut(log, 4));
    expect_state(log, 4, 3, FILM_LOG_OPEN);
    add(log, 4, true);
    expect_state(log, 5, 4, FILM_LOG_OPEN);
    assert_true(film_log_cut(log, INT64_MIN));
    expect_state(log, 0, INT64_MIN, FILM_LOG_OPEN);
    film_log_close(&log);
}

// Cut anywhere, and with any byte of the end damaged, the file is good up to a packet before that.
static void test_damaged_end(void **state)
{
    struct film_log *log = filled();
    uint8_t bytes[4096], damaged;
    FILE *file = fopen(LOG, "rb");
    size_t size = fread(bytes, 1, sizeof(bytes), file), begin = strlen("deep3d part 1\n") + 4 + 4;

    film_log_close(&log);
    fclose(file);
    for (size_t at = begin; at < size; at++) {
        for (int cut = 0; cut < 2; cut++) {
            file = fopen(LOG, "wb");
            damaged = (uint8_t)~bytes[at];
            fwrite(bytes, 1, at, file);
            if (!cut) {
                fwrite(&damaged, 1, 1, file);
                fwrite(bytes + at + 1, 1, size - at - 1, file);
            }
            fclose(file);
            log = film_log_open(LOG, "ours", false);
            assert_non_null(log);
            assert_int_equal(film_log_frames(log), (at - begin) / ((size - begin) / 10));
            film_log_close(&log);
        }
    }
}

static void quiet(void *user, enum log_level level, const char *line)
{
}

static void test_another_identity_is_left_alone(void **state)
{
    struct film_log *log = filled();

    film_log_close(&log);
    log_set_sink(quiet, NULL);
    assert_null(film_log_open(LOG, "others", false));
    assert_null(film_log_open(LOG, "our", false));
    assert_null(film_log_open("/nonexistent/" LOG, "ours", true));
    log_set_sink(NULL, NULL);
    log = film_log_open(LOG, "ours", false);
    expect_state(log, 10, 9, FILM_LOG_OPEN);
    film_log_close(&log);
    log = film_log_open(LOG, "ours", true);
    expect_state(log, 10, 9, FILM_LOG_OPEN);
    film_log_close(&log);
    log = film_log_open(LOG, "others", true);
    expect_state(log, 0, INT64_MIN, FILM_LOG_OPEN);
    film_log_close(&log);
    unlink(LOG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_read),
        cmocka_unit_test(test_cut_at_a_key),
        cmocka_unit_test(test_damaged_end),
        cmocka_unit_test(test_another_identity_is_left_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
