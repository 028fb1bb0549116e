// The parts of a film that is being written: the log of its packets, and both eyes in one picture.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavcodec/packet.h>
#include <libavutil/frame.h>

#include "base/log.h"
#include "viewer/film_log.h"
#include "viewer/stereo_pack.h"

#define LOG "film.part"

// --- the log

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

// --- pictures

#define WIDTH 64
#define HEIGHT 32

// Left red, right blue, each with a ramp of green.
static struct deep3d_eyes coloured(void)
{
    static uint8_t pixels[2][HEIGHT][WIDTH][4];

    for (int e = 0; e < 2; e++)
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                uint8_t *p = pixels[e][y][x];
                p[0] = e ? 0 : 200;
                p[1] = (uint8_t)(x * 2);
                p[2] = e ? 200 : 0;
                p[3] = 255;
            }
    return (struct deep3d_eyes){.width = WIDTH,
                                .height = HEIGHT,
                                .pixels = {&pixels[0][0][0][0], &pixels[1][0][0][0]},
                                .stride_bytes = WIDTH * 4};
}

static void test_p010_holds_what_planes_hold(void **state)
{
    static const enum file_layout layouts[] = {FILE_LAYOUT_FULL_SBS, FILE_LAYOUT_HALF_SBS,
                                               FILE_LAYOUT_TOP_BOTTOM, FILE_LAYOUT_FRAME_PACKED};
    struct deep3d_eyes eyes = coloured();

    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
        struct stereo_pack_params params = {layouts[i], WIDTH, HEIGHT, AV_PIX_FMT_YUV420P10,
                                            DEEP3D_MATRIX_BT709};
        struct stereo_pack *planar = stereo_pack_create(&params), *paired;
        AVFrame *a, *b;

        params.format = AV_PIX_FMT_P010;
        paired = stereo_pack_create(&params);
        a = stereo_pack_run(planar, &eyes);
        b = stereo_pack_run(paired, &eyes);
        assert_non_null(a);
        assert_non_null(b);
        for (int y = 0; y < a->height / 2; y++) {
            const uint16_t *u = (const uint16_t *)(void *)(a->data[1] + y * a->linesize[1]);
            const uint16_t *v = (const uint16_t *)(void *)(a->data[2] + y * a->linesize[2]);
            const uint16_t *uv = (const uint16_t *)(void *)(b->data[1] + y * b->linesize[1]);

            for (int x = 0; x < a->width / 2; x++) {
                assert_in_range(uv[2 * x] >> 6, u[x] - 1, u[x] + 1);
                assert_in_range(uv[2 * x + 1] >> 6, v[x] - 1, v[x] + 1);
            }
        }
        stereo_pack_destroy(&planar);
        stereo_pack_destroy(&paired);
    }
}

static void test_eyes_without_loss(void **state)
{
    struct deep3d_eyes eyes = coloured(), odd = eyes;
    struct stereo_pack_params params = {FILE_LAYOUT_FULL_SBS, WIDTH - 1, HEIGHT - 1,
                                        AV_PIX_FMT_BGR0, DEEP3D_MATRIX_RGB};
    struct stereo_pack *pack = stereo_pack_create(&params);
    AVFrame *f;

    odd.width--;
    odd.height--;
    f = stereo_pack_run(pack, &odd);
    assert_int_equal(f->width, 2 * (WIDTH - 1));
    assert_int_equal(f->height, HEIGHT - 1);
    for (int e = 0; e < 2; e++)
        for (int y = 0; y < HEIGHT - 1; y++)
            for (int x = 0; x < WIDTH - 1; x++) {
                const uint8_t *in = eyes.pixels[e] + (size_t)y * eyes.stride_bytes + x * 4;
                const uint8_t *out = f->data[0] + y * f->linesize[0] + (e * (WIDTH - 1) + x) * 4;

                assert_int_equal(out[0], in[2]);
                assert_int_equal(out[1], in[1]);
                assert_int_equal(out[2], in[0]);
            }
    stereo_pack_destroy(&pack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_added_is_read),
        cmocka_unit_test(test_cut_at_a_key),
        cmocka_unit_test(test_damaged_end),
        cmocka_unit_test(test_another_identity_is_left_alone),
        cmocka_unit_test(test_p010_holds_what_planes_hold),
        cmocka_unit_test(test_eyes_without_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
