// Both eyes in one picture, as a film's encoder takes it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>

#include "viewer/stereo_pack.h"

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
        struct stereo_pack_params params = {.layout = layouts[i],
                                            .width = WIDTH,
                                            .height = HEIGHT,
                                            .format = AV_PIX_FMT_YUV420P10,
                                            .matrix = DEEP3D_MATRIX_BT709};
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

// The same eyes with 16 bits a sample.
static struct deep3d_eyes widened(const struct deep3d_eyes *eyes)
{
    static uint16_t words[2][HEIGHT * WIDTH * 4];

    for (int e = 0; e < 2; e++)
        for (int i = 0; i < HEIGHT * WIDTH * 4; i++)
            words[e][i] = (uint16_t)(eyes->pixels[e][i] * 257);
    return (struct deep3d_eyes){.width = WIDTH,
                                .height = HEIGHT,
                                .pixels = {(uint8_t *)words[0], (uint8_t *)words[1]},
                                .stride_bytes = WIDTH * 8,
                                .bits = 16};
}

static void expect_close(const AVFrame *a, const AVFrame *b, int tolerance)
{
    const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(a->format);

    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    for (int c = 0; c < 3; c++) {
        const AVComponentDescriptor *comp = &d->comp[c];
        bool halved = c > 0 && d->log2_chroma_w > 0;

        for (int y = 0; y < (halved ? a->height / 2 : a->height); y++)
            for (int x = 0; x < (halved ? a->width / 2 : a->width); x++) {
                int at = y * a->linesize[comp->plane] + comp->offset + x * comp->step;
                int want = *(uint16_t *)(void *)(a->data[comp->plane] + at) >> comp->shift;

                assert_in_range(*(uint16_t *)(void *)(b->data[comp->plane] + at) >> comp->shift,
                                want > tolerance ? want - tolerance : 0, want + tolerance);
            }
    }
}

// Eyes of 16 bits make the picture that eyes of 8 bits make where they say no more than those, in
// every layout.
static void test_fine_eyes_make_the_same_picture(void **state)
{
    static const int formats[] = {AV_PIX_FMT_YUV420P10, AV_PIX_FMT_P010, AV_PIX_FMT_GBRP12};
    static const enum file_layout layouts[] = {
        FILE_LAYOUT_FULL_SBS, FILE_LAYOUT_HALF_SBS, FILE_LAYOUT_TOP_BOTTOM,   FILE_LAYOUT_HALF_TB,
        FILE_LAYOUT_LEFT,     FILE_LAYOUT_RIGHT,    FILE_LAYOUT_FRAME_PACKED, FILE_LAYOUT_ANAGLYPH};
    struct deep3d_eyes eyes = coloured(), fine = widened(&eyes);

    for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
        for (size_t k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {
            struct stereo_pack_params params = {.layout = layouts[i],
                                                .width = WIDTH,
                                                .height = HEIGHT,
                                                .format = formats[k],
                                                .matrix = DEEP3D_MATRIX_BT2020};
            struct stereo_pack *narrow = stereo_pack_create(&params), *wide;

            params.eye_bits = 16;
            wide = stereo_pack_create(&params);
            assert_non_null(narrow);
            assert_non_null(wide);
            // within a step of 8 bits, or what swscale loses of it; colour runs into frame
            // packing's gap, with our weights less far
            bool rough = formats[k] == AV_PIX_FMT_GBRP12 || layouts[i] == FILE_LAYOUT_FRAME_PACKED;
            expect_close(stereo_pack_run(narrow, &eyes), stereo_pack_run(wide, &fine),
                         rough ? 24 : 4);
            stereo_pack_destroy(&narrow);
            stereo_pack_destroy(&wide);
        }
}

// A ramp of 10 bits keeps each of its steps.
static void test_fine_eyes_keep_ten_bits(void **state)
{
    enum { STEPS = 876 };
    static uint16_t words[2][STEPS][4];
    struct deep3d_eyes eyes = {.width = STEPS,
                               .height = 2,
                               .pixels = {(uint8_t *)words, (uint8_t *)words},
                               .stride_bytes = STEPS * 8,
                               .bits = 16};
    struct stereo_pack *pack =
        stereo_pack_create(&(struct stereo_pack_params){.layout = FILE_LAYOUT_TOP_BOTTOM,
                                                        .width = STEPS,
                                                        .height = 2,
                                                        .eye_bits = 16,
                                                        .format = AV_PIX_FMT_YUV420P10,
                                                        .matrix = DEEP3D_MATRIX_BT2020});
    AVFrame *f;

    for (int y = 0; y < 2; y++)
        for (int x = 0; x < STEPS; x++)
            for (int c = 0; c < 4; c++)
                words[y][x][c] = (uint16_t)((65535.0 * x) / STEPS + 0.5);
    f = stereo_pack_run(pack, &eyes);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < STEPS; x++)
            assert_int_equal(((uint16_t *)(void *)(f->data[0] + y * f->linesize[0]))[x], 64 + x);
    stereo_pack_destroy(&pack);
}

static void test_eyes_without_loss(void **state)
{
    struct deep3d_eyes eyes = coloured(), odd = eyes;
    struct stereo_pack_params params = {.layout = FILE_LAYOUT_FULL_SBS,
                                        .width = WIDTH - 1,
                                        .height = HEIGHT - 1,
                                        .format = AV_PIX_FMT_BGR0,
                                        .matrix = DEEP3D_MATRIX_RGB};
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
        cmocka_unit_test(test_p010_holds_what_planes_hold),
        cmocka_unit_test(test_fine_eyes_make_the_same_picture),
        cmocka_unit_test(test_fine_eyes_keep_ten_bits),
        cmocka_unit_test(test_eyes_without_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
