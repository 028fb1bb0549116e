// Selection: every column against plain C, plain C against its definition in float64, and the
// traits that the original has.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kernels/guard.h"

struct setup {
    struct guarded_image picture;
    struct select_job job;
    float *probability;
    size_t eye_bytes, scratch_bytes;
};

static void setup_new(struct setup *s, int width, int height, int net_width, int net_height)
{
    size_t plane = (size_t)net_width * (size_t)net_height;

    *s = (struct setup){.picture = guarded_image_new(width, height)};
    guarded_image_fill(&s->picture);
    s->probability = guard_new(SELECT_CHANNELS * plane * sizeof(float));
    for (size_t i = 0; i < SELECT_CHANNELS * plane; i++)
        s->probability[i] = random_float() * random_float();
    s->eye_bytes = (size_t)width * (size_t)height * 4;
    s->job = (struct select_job){.picture = s->picture.image,
                                 .probability = s->probability,
                                 .width = net_width,
                                 .height = net_height,
                                 .eye = guard_new(s->eye_bytes),
                                 .stride_bytes = (size_t)width * 4,
                                 .bands = random_int(1, 3)};
    s->scratch_bytes =
        (size_t)s->job.bands * select_scratch_floats(width, net_width) * sizeof(float);
    s->job.scratch = guard_new(s->scratch_bytes);
}

static void setup_free(struct setup *s)
{
    guard_free(s->probability);
    guard_free(s->job.eye);
    guard_free(s->job.scratch);
    guarded_image_free(&s->picture);
}

static void columns_agree(void **state)
{
    random_start("select columns");
    for (int i = 0; i < guard_size_count * 2; i++) {
        const int *size = guard_sizes[i % guard_size_count];
        struct setup s;
        setup_new(&s, size[0], size[1], random_int(1, 70), random_int(1, 20));
        kernels_column(0)->select(&s.job);
        uint8_t *want = s.job.eye;
        for (int column = 1; kernels_column(column) != NULL; column++) {
            s.job.eye = guard_new(s.eye_bytes);
            kernels_column(column)->select(&s.job);
            assert_memory_equal(s.job.eye, want, s.eye_bytes);
            guard_free(s.job.eye);
        }
        s.job.eye = want;
        setup_free(&s);
    }
}

static double sample(const struct setup *s, int channel, int x, int y)
{
    return s->probability[(channel * s->job.height + y) * s->job.width + x];
}

// p of a channel at a pixel of the picture: from its cell and the three beside it, a missing one
// being the cell itself.
static double mixed(const struct setup *s, int channel, int x, int y)
{
    double at_x = (double)x * s->job.width / s->job.picture.width;
    double at_y = (double)y * s->job.height / s->job.picture.height;
    int cell_x = (int)floor(at_x + 1e-9), cell_y = (int)floor(at_y + 1e-9);
    double sum = 0;

    for (int v = 0; v < 2; v++)
        for (int h = 0; h < 2; h++) {
            bool there = cell_x + h < s->job.width && cell_y + v < s->job.height;
            double weight =
                (h ? at_x - cell_x : 1 - at_x + cell_x) * (v ? at_y - cell_y : 1 - at_y + cell_y);
            sum += weight * sample(s, channel, cell_x + (there ? h : 0), cell_y + (there ? v : 0));
        }
    return sum;
}

static double expected(const struct setup *s, int x, int y, int component)
{
    double sum = mixed(s, 0, x, y), value = 0;
    int width = s->job.picture.width;

    for (int c = 1; c < SELECT_CHANNELS; c++) {
        double p = mixed(s, c, x, y);
        int from =
            x - (int)floor((double)(c - 1 + SELECT_NEAREST) * width / s->job.width + 0.5 + 1e-9);
        from = from < 0 ? 0 : from < width ? from : width - 1;
        sum += p;
        value += p * s->job.picture.pixels[(size_t)y * s->job.picture.stride_bytes +
                                           (size_t)from * 4 + (size_t)component];
    }
    return value / sum;
}

static void rows_are_the_definition(void **state)
{
    static const int sizes[][4] = {{384, 12, 384, 12}, {120, 30, 40, 10}, {101, 37, 40, 12},
                                   {31, 17, 40, 20},   {64, 1, 32, 1},    {1, 5, 7, 3},
                                   {50, 50, 1, 1}};

    random_start("select rows");
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        int width = sizes[i][0], height = sizes[i][1];
        struct setup s;
        setup_new(&s, width, height, sizes[i][2], sizes[i][3]);
        float *out[3];
        for (int c = 0; c < 3; c++)
            out[c] = guard_new((size_t)width * sizeof(float));
        for (int y = 0; y < height; y++) {
            kernels_best()->select_row(&s.job, y, s.job.scratch, out);
            for (int x = 0; x < width; x++)
                for (int c = 0; c < 3; c++)
                    assert_float_equal(out[c][x], expected(&s, x, y, c), 1e-3);
        }
        for (int c = 0; c < 3; c++)
            guard_free(out[c]);
        setup_free(&s);
    }
}

// All probability in one channel: 0 is black, 1 takes from 15 cells to the right, 16 from where it
// is, 32 from 16 cells to the left.
static void channels_shift_as_the_original(void **state)
{
    static const int moves[][2] = {{0, 0}, {1, 15}, {15, 1}, {16, 0}, {17, -1}, {32, -16}};
    enum { U = 3, NET = 64, WIDTH = U * NET, HEIGHT = 2 * U };

    random_start("select channels");
    for (size_t i = 0; i < sizeof(moves) / sizeof(*moves); i++) {
        struct setup s;
        setup_new(&s, WIDTH, HEIGHT, NET, 2);
        for (int k = 0; k < SELECT_CHANNELS * NET * 2; k++)
            s.probability[k] = k / (NET * 2) == moves[i][0];
        kernels_best()->select(&s.job);
        for (int y = 0; y < HEIGHT; y++)
            for (int x = 0; x < WIDTH; x++) {
                int from = x + moves[i][1] * U;
                from = from < 0 ? 0 : from < WIDTH ? from : WIDTH - 1;
                const uint8_t *want = s.job.picture.pixels +
                                      (size_t)y * s.job.picture.stride_bytes + (size_t)from * 4;
                const uint8_t *got = s.job.eye + (y * WIDTH + x) * 4;
                for (int c = 0; c < 3; c++)
                    assert_int_equal(got[c], moves[i][0] == 0 ? 0 : want[c]);
                assert_int_equal(got[3], 255);
            }
        setup_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_agree),
        cmocka_unit_test(rows_are_the_definition),
        cmocka_unit_test(channels_shift_as_the_original),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
