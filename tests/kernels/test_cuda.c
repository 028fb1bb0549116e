// The CUDA column against plain C on a GPU, bit for bit: random jobs, odd sizes, one pixel, guard
// bytes all round.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <cuda_runtime_api.h>

#include "kernels/cuda_library.h"
#include "tests/kernels/guard.h"

#define CUDA(call) assert_int_equal((call), cudaSuccess)
#define GUARD_BYTES 4096

static const struct kernels_cuda *cuda;

// Device memory with a copy of `bytes` bytes and guard bytes on both sides.
struct device {
    uint8_t *block, *data;
    size_t bytes;
};

static struct device to_device(const void *data, size_t bytes)
{
    struct device d = {.bytes = bytes};

    CUDA(cudaMalloc((void **)&d.block, bytes + 2 * GUARD_BYTES));
    CUDA(cudaMemset(d.block, 0xcd, bytes + 2 * GUARD_BYTES));
    d.data = d.block + GUARD_BYTES;
    CUDA(cudaMemcpy(d.data, data, bytes, cudaMemcpyHostToDevice));
    return d;
}

// Compares with what plain C wrote, looks at the guards, and frees.
static void same_as(struct device *d, const void *expected, const char *what)
{
    uint8_t *host = guard_new(d->bytes + 2 * GUARD_BYTES);

    CUDA(cudaDeviceSynchronize());
    CUDA(cudaMemcpy(host, d->block, d->bytes + 2 * GUARD_BYTES, cudaMemcpyDeviceToHost));
    for (size_t i = 0; i < GUARD_BYTES; i++) {
        if (host[i] != 0xcd || host[GUARD_BYTES + d->bytes + i] != 0xcd)
            fail_msg("%s: wrote outside its memory", what);
    }
    if (memcmp(host + GUARD_BYTES, expected, d->bytes) != 0)
        fail_msg("%s: differs from plain C", what);
    guard_free(host);
    CUDA(cudaFree(d->block));
}

static size_t image_bytes(const struct image *i)
{
    return i->stride_bytes * (size_t)(i->height - 1) + (size_t)(i->width + 2 * IMAGE_PAD_PX) * 4;
}

static uint8_t *image_begin(const struct image *i)
{
    return i->pixels - IMAGE_PAD_PX * 4;
}

static struct image on_device(const struct image *host, struct device *out)
{
    struct image i = *host;

    *out = to_device(image_begin(host), image_bytes(host));
    i.pixels = out->data + IMAGE_PAD_PX * 4;
    return i;
}

// Planar 4:2:0 of 8 or 10 bits, every turn.
static void colour_at(int width, int height, int turns, bool mirrored, bool wide)
{
    size_t word = wide ? 2 : 1, half_w = (size_t)(width + 1) / 2, half_h = (size_t)(height + 1) / 2;
    size_t bytes[3] = {(size_t)width * (size_t)height * word, half_w * half_h * word,
                       half_w * half_h * word};
    bool turned = turns % 2 != 0;
    struct guarded_image plain =
        guarded_image_new(turned ? height : width, turned ? width : height);
    struct colour_job job = {.width = width,
                             .height = height,
                             .wide = wide,
                             .quarter_turns = turns,
                             .mirrored = mirrored};
    uint8_t *planes[3];
    struct device device_planes[3], device_out;

    guarded_image_fill(&plain);
    job.matrix = colour_matrix_for(COLOUR_BT709, wide ? 10 : 8, 0, false, false);
    for (int i = 0; i < 3; i++) {
        planes[i] = guard_new(bytes[i]);
        for (size_t k = 0; k < bytes[i]; k++)
            planes[i][k] = (uint8_t)(wide && k % 2 ? random_next() & 3 : random_next());
        job.component[i] = (struct colour_component){
            planes[i], (ptrdiff_t)((i ? half_w : (size_t)width) * word), 1, i != 0, i != 0};
    }
    job.out = on_device(&plain.image, &device_out);
    for (int i = 0; i < 3; i++) {
        device_planes[i] = to_device(planes[i], bytes[i]);
        job.component[i].samples = device_planes[i].data;
    }
    assert_true(cuda->colour(&job, NULL));
    for (int i = 0; i < 3; i++)
        job.component[i].samples = planes[i];
    job.out = plain.image;
    kernels_column(0)->colour(&job);
    same_as(&device_out, image_begin(&plain.image), "colour");
    for (int i = 0; i < 3; i++) {
        same_as(&device_planes[i], planes[i], "colour's input");
        guard_free(planes[i]);
    }
    guarded_image_free(&plain);
}

static void colour(void **state)
{
    random_start("cuda colour");
    for (int i = 0; i < guard_size_count; i++) {
        for (int turn = 0; turn < 8; turn++)
            colour_at(guard_sizes[i][0], guard_sizes[i][1], turn % 4, turn >= 4, i % 2 != 0);
    }
}

static void resize_to(const struct image *in, const struct image *device_in, int width, int height)
{
    size_t plane = (size_t)width * (size_t)height;
    float *plain = guard_new(3 * plane * sizeof(float)),
          *scratch = guard_new(resize_scratch_floats(in->width) * sizeof(float));
    struct device device = to_device(plain, 3 * plane * sizeof(float));
    struct resize_job job = {.in = *device_in,
                             .width = width,
                             .height = height,
                             .channel = {2, 1, 0},
                             .scale = {1, 0.5f, 2},
                             .offset = {0, 1, -3},
                             .bands = 1,
                             .scratch = scratch};

    for (int p = 0; p < 3; p++)
        job.out[p] = (float *)(void *)device.data + (size_t)p * plane;
    assert_true(cuda->resize(&job, NULL));
    job.in = *in;
    for (int p = 0; p < 3; p++)
        job.out[p] = plain + (size_t)p * plane;
    kernels_column(0)->resize(&job);
    same_as(&device, plain, "resize");
    guard_free(scratch);
    guard_free(plain);
}

static void resize(void **state)
{
    static const int outputs[][2] = {{1, 1}, {16, 16}, {33, 17}, {384, 224}};

    random_start("cuda resize");
    for (int i = 0; i < guard_size_count; i++) {
        struct guarded_image in = guarded_image_new(guard_sizes[i][0], guard_sizes[i][1]);
        struct device device;
        struct image device_in;

        guarded_image_fill(&in);
        device_in = on_device(&in.image, &device);
        for (int o = 0; o < 4; o++)
            resize_to(&in.image, &device_in, outputs[o][0], outputs[o][1]);
        same_as(&device, image_begin(&in.image), "resize's input");
        guarded_image_free(&in);
    }
}

static void shrink_by(const struct guarded_image *in, int log2_step)
{
    int step = 1 << log2_step;
    struct guarded_image plain = guarded_image_new((in->image.width + step - 1) / step,
                                                   (in->image.height + step - 1) / step);
    struct device device_in, device_out;
    struct shrink_job job = {.log2_step = log2_step, .threads = 1};

    guarded_image_fill(&plain);
    job.in = on_device(&in->image, &device_in);
    job.out = on_device(&plain.image, &device_out);
    assert_true(cuda->shrink(&job, NULL));
    job.in = in->image;
    job.out = plain.image;
    kernels_column(0)->shrink(&job);
    same_as(&device_out, image_begin(&plain.image), "shrink");
    same_as(&device_in, image_begin(&in->image), "shrink's input");
    guarded_image_free(&plain);
}

static void shrink(void **state)
{
    random_start("cuda shrink");
    for (int i = 0; i < guard_size_count; i++) {
        struct guarded_image in = guarded_image_new(guard_sizes[i][0], guard_sizes[i][1]);

        guarded_image_fill(&in);
        for (int log2_step = 0; log2_step <= 3; log2_step++)
            shrink_by(&in, log2_step);
        guarded_image_free(&in);
    }
}

static void levels_of(int width, int height, int count)
{
    size_t plane = (size_t)width * (size_t)height;
    float *probability = guard_new(plane * (size_t)count * sizeof(float)),
          *plain = guard_new(2 * plane * sizeof(float));
    struct device in, out = to_device(plain, 2 * plane * sizeof(float));
    struct levels_job job = {.levels = count, .width = width, .height = height, .threads = 1};

    for (size_t i = 0; i < plane * (size_t)count; i++)
        probability[i] = random_float() / (float)count;
    in = to_device(probability, plane * (size_t)count * sizeof(float));
    job.probability = (const float *)(const void *)in.data;
    job.nearness = (float *)(void *)out.data;
    job.sureness = job.nearness + plane;
    assert_true(cuda->levels(&job, NULL));
    job.probability = probability;
    job.nearness = plain;
    job.sureness = plain + plane;
    kernels_column(0)->levels(&job);
    same_as(&out, plain, "levels");
    same_as(&in, probability, "levels' input");
    guard_free(plain);
    guard_free(probability);
}

static void levels(void **state)
{
    random_start("cuda levels");
    levels_of(1, 1, 2);
    levels_of(17, 9, 33);
    levels_of(192, 112, 33);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colour),
        cmocka_unit_test(resize),
        cmocka_unit_test(shrink),
        cmocka_unit_test(levels),
    };
    char text[256];

    cuda = cuda_library(text, sizeof(text));
    if (!cuda) {
        printf("SKIPPED: no GPU to test on: %s\n", text);
        return 77;
    }
    printf("on %s\n", text);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
