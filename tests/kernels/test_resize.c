// Resize and shrink: against means in 64-bit floats, and every column against plain C.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kernels/guard.h"

static const int outputs[][2] = {{1, 1}, {16, 16}, {33, 17}, {96, 64}, {384, 224}};

// How much of [begin, end] lies in [i, i + 1].
static double overlap(double begin, double end, int i)
{
    double from = fmax(begin, i), to = fmin(end, i + 1);

    return to > from ? to - from : 0;
}

static double exact_mean(const struct image *in, int width, int height, int x, int y, int channel)
{
    double rx = (double)in->width / width, ry = (double)in->height / height;
    double hx = fmax(rx, 1) / 2, hy = fmax(ry, 1) / 2, sum = 0, total = 0;

    for (int v = 0; v < in->height; v++) {
        double wy = overlap((y + 0.5) * ry - hy, (y + 0.5) * ry + hy, v);
        for (int u = 0; wy > 0 && u < in->width; u++) {
            double w = wy * overlap((x + 0.5) * rx - hx, (x + 0.5) * rx + hx, u);
            sum += w * in->pixels[(size_t)v * in->stride_bytes + (size_t)u * 4 + (size_t)channel];
            total += w;
        }
    }
    return sum / total;
}

static float *resized(const struct kernels *k, const struct image *in, int width, int height,
                      int bands)
{
    size_t plane = (size_t)width * (size_t)height;
    float *out = guard_new(3 * plane * sizeof(float));
    float *scratch = guard_new((size_t)bands * resize_scratch_floats(in->width) * sizeof(float));
    struct resize_job job = {.in = *in,
                             .width = width,
                             .height = height,
                             .out = {out, out + plane, out + 2 * plane},
                             .channel = {2, 1, 0},
                             .scale = {1, 0.5f, 2},
                             .offset = {0, 1, -3},
                             .bands = bands,
                             .scratch = scratch};

    k->resize(&job);
    guard_free(scratch);
    return out;
}

static void means_are_exact(void **state)
{
    random_start("resize against means");
    for (int i = 0; i < guard_size_count * 2; i++) {
        const int *size = guard_sizes[i % guard_size_count], *to = outputs[i % 4];
        struct guarded_image in = guarded_image_new(size[0], size[1]);
        guarded_image_fill(&in);
        float *out = resized(kernels_column(0), &in.image, to[0], to[1], random_int(1, 3));
        size_t plane = (size_t)to[0] * (size_t)to[1];
        for (int n = 0; n < 200; n++) {
            int x = random_int(0, to[0] - 1), y = random_int(0, to[1] - 1);
            size_t at = (size_t)(y * to[0] + x);
            assert_float_equal(out[at], exact_mean(&in.image, to[0], to[1], x, y, 2), 0.01);
            assert_float_equal(out[plane + at],
                               exact_mean(&in.image, to[0], to[1], x, y, 1) * 0.5 + 1, 0.01);
            assert_float_equal(out[2 * plane + at],
                               exact_mean(&in.image, to[0], to[1], x, y, 0) * 2 - 3, 0.02);
        }
        guard_free(out);
        guarded_image_free(&in);
    }
}

static void resize_columns_agree(void **state)
{
    random_start("resize columns");
    for (int i = 0; i < guard_size_count * 3; i++) {
        const int *size = guard_sizes[i % guard_size_count], *to = outputs[i % 5];
        struct guarded_image in = guarded_image_new(size[0], size[1]);
        guarded_image_fill(&in);
        float *want = resized(kernels_column(0), &in.image, to[0], to[1], 1);
        for (int column = 0; kernels_column(column) != NULL; column++) {
            float *got = resized(kernels_column(column), &in.image, to[0], to[1], random_int(1, 4));
            assert_memory_equal(got, want, 3 * (size_t)to[0] * (size_t)to[1] * sizeof(float));
            guard_free(got);
        }
        guard_free(want);
        guarded_image_free(&in);
    }
}

static void check_shrunk(const struct image *in, const struct image *out, int step)
{
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++)
            for (int c = 0; c < 4; c++) {
                int sum = 0;
                for (int k = 0; k < step * step; k++) {
                    int u = x * step + k % step, v = y * step + k / step;
                    u = u < in->width ? u : in->width - 1;
                    v = v < in->height ? v : in->height - 1;
                    sum += in->pixels[(size_t)v * in->stride_bytes + (size_t)u * 4 + (size_t)c];
                }
                assert_int_equal(
                    out->pixels[(size_t)y * out->stride_bytes + (size_t)x * 4 + (size_t)c],
                    (sum + step * step / 2) / (step * step));
            }
}

static void shrink_is_the_mean(void **state)
{
    random_start("shrink");
    for (int i = 0; i < guard_size_count * 4; i++) {
        const int *size = guard_sizes[i % guard_size_count], log2_step = i / guard_size_count,
                  step = 1 << log2_step;
        struct guarded_image in = guarded_image_new(size[0], size[1]);
        guarded_image_fill(&in);
        for (int column = 0; kernels_column(column) != NULL; column++) {
            struct guarded_image out =
                guarded_image_new((size[0] + step - 1) / step, (size[1] + step - 1) / step);
            struct shrink_job job = {in.image, out.image, log2_step, random_int(1, 3)};
            kernels_column(column)->shrink(&job);
            check_shrunk(&in.image, &out.image, step);
            guarded_image_free(&out);
        }
        guarded_image_free(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_are_exact),
        cmocka_unit_test(resize_columns_agree),
        cmocka_unit_test(shrink_is_the_mean),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
