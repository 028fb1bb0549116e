// Back to YUV: every column against the formulas in 64-bit floats and against plain C bit for bit,
// and there and back: what the colour conversion made 16 bits of comes back as the same codes.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kernels/guard.h"

static const double kr[] = {0.2126, 0.299, 0.2627}, kb[] = {0.0722, 0.114, 0.0593};

struct planes {
    uint16_t *luma, *chroma[2]; // guarded; chroma[1] lies in chroma[0]'s where they take turns
    size_t luma_bytes, chroma_bytes;
};

static struct planes planes_for(struct yuv_job *job)
{
    bool turns = job->chroma_step == 2;
    struct planes p = {.luma_bytes = job->luma_stride_bytes * (size_t)job->height,
                       .chroma_bytes = job->chroma_stride_bytes * (size_t)(job->height / 2)};

    p.luma = guard_new(p.luma_bytes);
    p.chroma[0] = guard_new(p.chroma_bytes);
    p.chroma[1] = turns ? p.chroma[0] + 1 : guard_new(p.chroma_bytes);
    job->luma = (uint8_t *)p.luma;
    job->chroma[0] = (uint8_t *)p.chroma[0];
    job->chroma[1] = (uint8_t *)p.chroma[1];
    return p;
}

static void planes_free(const struct yuv_job *job, struct planes *p)
{
    guard_free(p->luma);
    guard_free(p->chroma[0]);
    if (job->chroma_step == 1)
        guard_free(p->chroma[1]);
}

static struct yuv_job job_for(const struct image *image, int standard, int bits, bool turns)
{
    return (struct yuv_job){.pixels = image->pixels,
                            .stride_bytes = image->stride_bytes,
                            .width = image->width,
                            .height = image->height,
                            .matrix = colour_matrix_back((enum colour_standard)standard, bits),
                            .shift = turns ? 16 - bits : 0,
                            .luma_stride_bytes = (size_t)image->width * 2 + 6,
                            .chroma_stride_bytes = (size_t)image->width * (turns ? 2 : 1) + 4,
                            .chroma_step = turns ? 2 : 1,
                            .threads = random_int(1, 3)};
}

static double sample(const struct image *image, double x, int y, int c)
{
    const uint8_t *row = image->pixels + (size_t)y * image->stride_bytes;

    return ((const uint16_t *)(const void *)row)[(int)fmax(x, 0) * 4 + c] / 65535.0;
}

// R, G, B that chroma sample x, y is made of.
static void chroma_rgb(const struct image *image, int x, int y, double rgb[3])
{
    for (int c = 0; c < 3; c++) {
        rgb[c] = 0;
        for (int row = 2 * y; row < 2 * y + 2; row++)
            rgb[c] += (sample(image, 2 * x - 1, row, c) + 2 * sample(image, 2 * x, row, c) +
                       sample(image, 2 * x + 1, row, c)) /
                      8;
    }
}

static void expect(const char *what, int x, int y, int got, double want)
{
    if (fabs(got - want) > 0.501)
        fail_msg("%s %d,%d: %d, formula says %.3f", what, x, y, got, want);
}

static void compare(const struct image *image, const struct yuv_job *job, const struct planes *p,
                    int s, int bits)
{
    double unit = 1 << (bits - 8), rgb[3];

    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++) {
            double luma = kr[s] * sample(image, x, y, 0) + kb[s] * sample(image, x, y, 2) +
                          (1 - kr[s] - kb[s]) * sample(image, x, y, 1);
            expect("luma", x, y,
                   p->luma[(size_t)y * job->luma_stride_bytes / 2 + (size_t)x] >> job->shift,
                   (16 + 219 * luma) * unit);
        }
    for (int y = 0; y < image->height / 2; y++)
        for (int x = 0; x < image->width / 2; x++) {
            size_t at = (size_t)y * job->chroma_stride_bytes / 2 + (size_t)(x * job->chroma_step);
            chroma_rgb(image, x, y, rgb);
            double luma = kr[s] * rgb[0] + (1 - kr[s] - kb[s]) * rgb[1] + kb[s] * rgb[2];
            expect("U", x, y, p->chroma[0][at] >> job->shift,
                   (128 + 224 * (rgb[2] - luma) / (2 * (1 - kb[s]))) * unit);
            expect("V", x, y, p->chroma[1][at] >> job->shift,
                   (128 + 224 * (rgb[0] - luma) / (2 * (1 - kr[s]))) * unit);
        }
}

static void formulas_and_columns(void **state)
{
    random_start("yuv");
    for (int i = 0; i < guard_size_count * 6; i++) {
        const int *size = guard_sizes[i % guard_size_count];
        struct guarded_image image =
            guarded_image_new16((size[0] + 1) / 2 * 2, (size[1] + 1) / 2 * 2);
        int standard = random_int(0, 2), bits = i % 3 == 0 ? 12 : 10;
        struct yuv_job job = job_for(&image.image, standard, bits, i % 2 == 0);
        guarded_image_fill16(&image);
        struct planes want = planes_for(&job);
        kernels_column(0)->yuv(&job);
        compare(&image.image, &job, &want, standard, bits);
        for (int column = 1; kernels_column(column) != NULL; column++) {
            struct planes got = planes_for(&job);
            kernels_column(column)->yuv(&job);
            assert_memory_equal(got.luma, want.luma, got.luma_bytes);
            assert_memory_equal(got.chroma[0], want.chroma[0], got.chroma_bytes);
            if (job.chroma_step == 1)
                assert_memory_equal(got.chroma[1], want.chroma[1], got.chroma_bytes);
            planes_free(&job, &got);
        }
        planes_free(&job, &want);
        guarded_image_free(&image);
    }
}

enum { WIDTH = 96, HEIGHT = 32 };

// Luma whatever it is, chroma that rises evenly: both come back code for code.
static void there_and_back(void **state)
{
    static uint16_t luma[HEIGHT][WIDTH], u[HEIGHT / 2][WIDTH / 2], v[HEIGHT / 2][WIDTH / 2];

    random_start("yuv there and back");
    for (int standard = 0; standard < 3; standard++) {
        struct guarded_image image = guarded_image_new16(WIDTH, HEIGHT);
        struct colour_job there = {
            .width = WIDTH,
            .height = HEIGHT,
            .component = {{(uint8_t *)luma, sizeof(luma[0]), 1, 0, 0},
                          {(uint8_t *)u, sizeof(u[0]), 1, 1, 1},
                          {(uint8_t *)v, sizeof(v[0]), 1, 1, 1}},
            .wide = true,
            .matrix = colour_matrix_for((enum colour_standard)standard, 10, 0, false, false),
            .out = image.image,
            .out_bits = 16,
        };
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                luma[y][x] = (uint16_t)random_int(300, 700);
                u[y / 2][x / 2] = (uint16_t)(480 + x / 2);
                v[y / 2][x / 2] = (uint16_t)(500 + y / 2 * 2);
            }
        kernels_best()->colour(&there);
        struct yuv_job job = job_for(&image.image, standard, 10, false);
        struct planes back = planes_for(&job);
        kernels_best()->yuv(&job);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                size_t at = (size_t)(y / 2) * job.chroma_stride_bytes / 2 + (size_t)(x / 2);
                assert_int_equal(back.luma[(size_t)y * job.luma_stride_bytes / 2 + (size_t)x],
                                 luma[y][x]);
                // but for the borders, where the ramp ends
                int slack = x < 2 || y < 2 || y >= HEIGHT - 2;
                assert_in_range(back.chroma[0][at], u[y / 2][x / 2] - slack,
                                u[y / 2][x / 2] + slack);
                assert_in_range(back.chroma[1][at], v[y / 2][x / 2] - slack,
                                v[y / 2][x / 2] + slack);
            }
        planes_free(&job, &back);
        guarded_image_free(&image);
    }
}

// Nothing and full light are 64 and 940 of 10 bits, grey has no colour.
static void known_values(void **state)
{
    struct guarded_image image = guarded_image_new16(2, 2);
    struct yuv_job job = job_for(&image.image, COLOUR_BT2020, 10, false);
    struct planes p = planes_for(&job);

    for (int white = 0; white < 2; white++) {
        memset(image.block, white ? 255 : 0, image.image.stride_bytes * 2);
        kernels_best()->yuv(&job);
        assert_int_equal(p.luma[0], white ? 940 : 64);
        assert_int_equal(p.chroma[0][0], 512);
        assert_int_equal(p.chroma[1][0], 512);
    }
    planes_free(&job, &p);
    guarded_image_free(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formulas_and_columns),
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(known_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
