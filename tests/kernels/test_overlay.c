// Overlay: every column of the table against plain C, bit for bit, and plain C against the formula
// in 64-bit floats; what lies beside the box stays as it is.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kernels/guard.h"

struct box {
    struct overlay_job job;
    uint8_t *colour, *keep, *out, *before;
    size_t out_bytes;
};

// Random premultiplied pixels over a random picture with rows of its own length, in guarded memory.
static struct box random_box(int width, int height)
{
    size_t stride = (size_t)(width + random_int(0, 3)) * 4;
    size_t out_stride = (size_t)(width + random_int(0, 3)) * 4;
    size_t bytes = stride * (size_t)height, out_bytes = out_stride * (size_t)height;
    struct box b = {
        {.stride_bytes = stride, .out_stride_bytes = out_stride, .width = width, .height = height},
        guard_new(bytes),
        guard_new(bytes),
        guard_new(out_bytes),
        guard_new(out_bytes),
        out_bytes};

    for (size_t i = 0; i < bytes; i++) {
        int alpha = random_int(0, 4) == 0 ? random_int(0, 1) * 255 : random_int(0, 255);
        b.keep[i] = (uint8_t)(255 - alpha);
        b.colour[i] = (uint8_t)random_int(0, alpha);
    }
    for (size_t i = 0; i < out_bytes; i++)
        b.before[i] = (uint8_t)random_int(0, 255);
    b.job.colour = b.colour;
    b.job.keep = b.keep;
    b.job.out = b.out;
    return b;
}

static void free_box(struct box *b)
{
    guard_free(b->colour);
    guard_free(b->keep);
    guard_free(b->out);
    guard_free(b->before);
}

static uint8_t expected(const struct box *b, size_t y, size_t byte)
{
    size_t at = y * b->job.stride_bytes + byte;
    double under = b->before[y * b->job.out_stride_bytes + byte];

    if (byte >= (size_t)b->job.width * 4)
        return (uint8_t)under;
    return (uint8_t)(b->colour[at] + floor(under * b->keep[at] / 255 + 0.5));
}

static void is_over(void **state)
{
    random_start("overlay");
    for (int i = 0; i < guard_size_count; i++) {
        struct box b = random_box(guard_sizes[i][0], guard_sizes[i][1]);

        for (int column = 0; kernels_column(column); column++) {
            memcpy(b.out, b.before, b.out_bytes);
            kernels_column(column)->overlay(&b.job);
            for (size_t y = 0; y < (size_t)b.job.height; y++)
                for (size_t x = 0; x < b.job.out_stride_bytes; x++)
                    assert_int_equal(b.out[y * b.job.out_stride_bytes + x], expected(&b, y, x));
        }
        free_box(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_over)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
