// The CUDA column against plain C on a GPU, bit for bit: random jobs, odd sizes, one pixel, guard
// bytes all round.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <cuda_runtime.h>

#include "kernels/cuda_library.h"
#include "tests/kernels/guard.h"

#define CUDA(call) assert_int_equal((call), cudaSuccess)
#define GUARD_BYTES 4096

static const struct kernels_cuda *cuda;

// Device memory with a copy of `bytes` bytes and guard bytes on both sides.
struct region {
    uint8_t *block, *data;
    size_t bytes;
};

static struct region to_device(const void *data, size_t bytes)
{
    struct region d = {.bytes = bytes};

    CUDA(cudaMalloc((void **)&d.block, bytes + 2 * GUARD_BYTES));
    CUDA(cudaMemset(d.block, 0xcd, bytes + 2 * GUARD_BYTES));
    d.data = d.block + GUARD_BYTES;
    CUDA(cudaMemcpy(d.data, data, bytes, cudaMemcpyHostToDevice));
    return d;
}

// Compares with what plain C wrote, looks at the guards, and frees.
static void same_as(struct region *d, const void *expected, const char *what)
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

static struct image on_device(const struct image *host, struct region *out)
{
    struct image i = *host;

    *out = to_device(image_begin(host), image_bytes(host));
    i.pixels = out->data + IMAGE_PAD_PX * 4;
    return i;
}

// How the samples of a picture of 4:2:0 lie.
struct colour_case {
    int width, height, turns;
    bool mirrored, wide, toned;
    bool paired;  // chroma in one plane
    bool aligned; // rows begin on 16 bytes
    bool bare;    // see struct colour_job
};

// Three components in one block; returns its bytes. Without samples: counts alone.
static size_t lay_planes(const struct colour_case *c, uint8_t *samples, struct colour_job *job)
{
    size_t word = c->wide ? 2 : 1, half_w = (size_t)(c->width + 1) / 2, all = 0;

    for (int i = 0; i < (c->paired ? 2 : 3); i++) {
        size_t row = (i == 0 ? (size_t)c->width : c->paired ? 2 * half_w : half_w) * word;
        size_t stride = c->aligned ? (row + 15) / 16 * 16 : row;

        job->component[i] =
            (struct colour_component){samples ? samples + all : NULL, (ptrdiff_t)stride,
                                      i && c->paired ? 2 : 1, i > 0, i > 0};
        all += stride * (size_t)(i ? (c->height + 1) / 2 : c->height - 1) + (i ? 0 : row);
        all = c->aligned ? (all + 15) / 16 * 16 : all;
    }
    if (c->paired) {
        job->component[2] = job->component[1];
        job->component[2].samples += samples ? word : 0;
    }
    return all;
}

static struct guarded_image colour_out(const struct colour_case *c)
{
    bool turned = c->turns % 2 != 0;
    int width = turned ? c->height : c->width, height = turned ? c->width : c->height;
    struct guarded_image out = guarded_image_new(width + 3, height);

    out.image.width = width;
    if (c->aligned)
        out.image.stride_bytes -= out.image.stride_bytes % 16;
    guarded_image_fill(&out);
    return out;
}

static void colour_at(struct colour_case c)
{
    struct guarded_image plain = colour_out(&c);
    struct colour_job job = {.width = c.width,
                             .height = c.height,
                             .wide = c.wide,
                             .quarter_turns = c.turns,
                             .mirrored = c.mirrored,
                             .bare = c.bare,
                             .matrix =
                                 colour_matrix_for(COLOUR_BT709, c.wide ? 10 : 8, 0, false, false)};
    size_t bytes = lay_planes(&c, NULL, &job);
    uint8_t *samples = guard_new(bytes);
    struct region on[3];
    static struct colour_tone tone;

    for (size_t k = 0; k < bytes; k++)
        samples[k] = (uint8_t)(c.wide && k % 2 ? random_next() & 3 : random_next());
    colour_tone_init(&tone, COLOUR_TRANSFER_PQ, true);
    on[0] = to_device(samples, bytes);
    on[1] = to_device(&tone, sizeof(tone));
    job.out = on_device(&plain.image, &on[2]);
    lay_planes(&c, on[0].data, &job);
    job.tone = c.toned ? (const struct colour_tone *)(const void *)on[1].data : NULL;
    assert_true(cuda->colour(&job, NULL));
    lay_planes(&c, samples, &job);
    job.out = plain.image;
    job.tone = c.toned ? &tone : NULL;
    kernels_column(0)->colour(&job);
    same_as(&on[0], samples, "colour's input");
    same_as(&on[1], &tone, "colour's table");
    same_as(&on[2], image_begin(&plain.image), "colour");
    guard_free(samples);
    guarded_image_free(&plain);
}

static void colour(void **state)
{
    random_start("cuda colour");
    for (int i = 0; i < guard_size_count; i++) {
        const int *size = guard_sizes[i];

        for (int turn = 0; turn < 8; turn++)
            colour_at((struct colour_case){.width = size[0],
                                           .height = size[1],
                                           .turns = turn % 4,
                                           .mirrored = turn >= 4,
                                           .wide = i % 2 != 0,
                                           .toned = i % 2 != 0 && turn == 1,
                                           .bare = turn % 3 == 0});
        for (int k = 0; k < 32; k++)
            colour_at((struct colour_case){.width = size[0],
                                           .height = size[1],
                                           .paired = k & 1,
                                           .wide = k & 2,
                                           .toned = k & 4,
                                           .aligned = k & 8,
                                           .bare = k & 16});
    }
}

static void resize_to(const struct image *in, const struct image *device_in, int width, int height)
{
    size_t plane = (size_t)width * (size_t)height;
    float *plain = guard_new(3 * plane * sizeof(float)),
          *scratch = guard_new(resize_scratch_floats(in->width) * sizeof(float));
    struct region device = to_device(plain, 3 * plane * sizeof(float));
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
        struct region device;
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
    struct region device_in, device_out;
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
    struct region in, out = to_device(plain, 2 * plane * sizeof(float));
    struct levels_job job = {.levels = count,
                             .width = width,
                             .height = height,
                             .threads = 1,
                             .near_first = count % 2 != 0};

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

static void fill_floats(float *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = random_float();
}

static void steady_of(int width, int height, bool sure)
{
    size_t plane = (size_t)width * (size_t)height, bytes = plane * sizeof(float);
    // nearness, sureness, guide, old guide, past
    float *host = guard_new(9 * bytes);
    struct region device;
    struct steady_job job = {width, height, .rest = 0.1f, .still = 0.02f, .moving = 0.2f};

    fill_floats(host, 9 * plane);
    for (size_t i = 0; i < 3 * plane; i++) // most pixels stand still
        host[5 * plane + i] = host[2 * plane + i] + (random_next() % 4 ? 0.0f : 0.1f);
    device = to_device(host, 9 * bytes);
    for (int where = 0; where < 2; where++) {
        float *at = where ? host : (float *)(void *)device.data;

        job.nearness = at;
        job.sureness = sure ? at + plane : NULL;
        job.guide = at + 2 * plane;
        job.old_guide = at + 5 * plane;
        job.past = at + 8 * plane;
        if (where)
            kernels_column(0)->steady(&job);
        else
            assert_true(cuda->steady(&job, NULL));
    }
    same_as(&device, host, "steady");
    guard_free(host);
}

static void steady(void **state)
{
    random_start("cuda steady");
    for (int i = 0; i < guard_size_count; i++)
        steady_of(guard_sizes[i][0], guard_sizes[i][1], i % 2 != 0);
}

static void motion_of(int width, int height)
{
    size_t rows = (size_t)motion_blocks(height) * MOTION_SEARCH_PX + 2 * MOTION_PAD_PX;
    size_t stride = (size_t)motion_stride(width), plane = rows * stride;
    size_t blocks = (size_t)(motion_blocks(width) * motion_blocks(height)) * 2,
           cells = (size_t)(motion_cells(width) * motion_cells(height)) * 2;
    uint8_t *host = guard_new(2 * plane + blocks + cells);
    struct region device;
    struct motion_job job = {.width = width, .height = height};

    for (size_t i = 0; i < plane; i++)
        host[i] = (uint8_t)random_next();
    for (size_t i = 0; i < plane; i++) // the same, moved, with some noise
        host[plane + i] =
            (uint8_t)(host[(i + stride * 2 + 3) % plane] + (random_next() % 8 ? 0 : 9));
    device = to_device(host, 2 * plane + blocks + cells);
    for (int where = 0; where < 2; where++) {
        uint8_t *at = where ? host : device.data;

        job.now =
            (struct motion_plane){at + MOTION_PAD_PX * stride + MOTION_PAD_PX, (ptrdiff_t)stride};
        job.old = job.now;
        job.old.luma += plane;
        job.blocks = (struct motion_vector *)(void *)(at + 2 * plane);
        job.cells = (struct motion_vector *)(void *)(at + 2 * plane + blocks);
        if (where)
            kernels_column(0)->motion(&job);
        else
            assert_true(cuda->motion(&job, NULL));
    }
    same_as(&device, host, "motion");
    guard_free(host);
}

static void motion(void **state)
{
    random_start("cuda motion");
    for (int i = 0; i < guard_size_count; i++)
        motion_of(guard_sizes[i][0], guard_sizes[i][1]);
    motion_of(192, 112);
}

static void refine_of(int width, int height, int log2_step, int radius)
{
    int step = 1 << log2_step, w = (width + step - 1) / step, h = (height + step - 1) / step;
    int near_width = random_int(1, 40), near_height = random_int(1, 30);
    size_t near_bytes = (size_t)(near_width * near_height) * sizeof(float);
    size_t cells_bytes = (size_t)(w * h) * REFINE_PLANES * sizeof(float);
    struct guarded_image guide = guarded_image_new(w, h);
    float *near = guard_new(near_bytes), *cells = guard_new(cells_bytes),
          *scratch = guard_new(refine_scratch_floats(w, radius) * sizeof(float));
    size_t device_floats = cuda->refine_scratch_floats(w, h);
    struct region on[4];
    struct refine_job job = {.picture_width = width,
                             .picture_height = height,
                             .near_width = near_width,
                             .near_height = near_height,
                             .radius = radius,
                             .smooth = 4e-4f,
                             .gain = 6,
                             .out = {NULL, w, h, w, log2_step},
                             .bands = 1};
    void *block;

    guarded_image_fill(&guide);
    fill_floats(near, (size_t)(near_width * near_height));
    job.guide = on_device(&guide.image, &on[0]);
    on[1] = to_device(near, near_bytes);
    on[2] = to_device(cells, cells_bytes);
    CUDA(cudaMalloc(&block, device_floats * sizeof(float)));
    job.nearness = (const float *)(const void *)on[1].data;
    job.out.cells = (float *)(void *)on[2].data;
    job.scratch = block;
    assert_true(cuda->refine(&job, NULL));
    job.guide = guide.image;
    job.nearness = near;
    job.out.cells = cells;
    job.scratch = scratch;
    kernels_column(0)->refine(&job);
    same_as(&on[2], cells, "refine");
    same_as(&on[1], near, "refine's input");
    same_as(&on[0], image_begin(&guide.image), "refine's input");
    CUDA(cudaFree(block));
    guard_free(near);
    guard_free(cells);
    guard_free(scratch);
    guarded_image_free(&guide);
}

static void refine(void **state)
{
    random_start("cuda refine");
    for (int i = 0; i < guard_size_count; i++)
        refine_of(guard_sizes[i][0], guard_sizes[i][1], i % 4, random_int(1, REFINE_RADIUS_MAX));
    refine_of(320, 180, 0, 6);
}

#define ROUGH 100 // noise, nothing of it widened: holes within holes

// Nearness anything from noise to long runs, so that rows are torn, hidden and stretched.
static void synth_of(int width, int height, int log2_step, int kind)
{
    int step = 1 << log2_step, w = (width + step - 1) / step, h = (height + step - 1) / step;
    size_t row = (size_t)w * REFINE_PLANES, cells_bytes = row * (size_t)h * sizeof(float);
    size_t eye_bytes = (size_t)width * (size_t)height * 4;
    struct guarded_image picture = guarded_image_new(width, height);
    float *cells = guard_new(cells_bytes), level = random_float();
    float *scratch = guard_new(synth_scratch_floats(width) * sizeof(float));
    uint8_t *eyes = guard_new(2 * eye_bytes);
    struct region on[3];
    struct synth_job job = {
        .grid = {NULL, w, h, w, log2_step},
        .gain_px = {random_float() * 40, random_float() * (float)(kind % 3) * 5},
        .convergence = 0.4f,
        .tear_px = 1 + random_float(),
        .look_px = random_int(0, REFINE_SOFT_MAX),
        .soft_px = kind == ROUGH ? 0 : random_int(0, SYNTH_SOFT_MAX),
        .stride_bytes = (size_t)width * 4,
        .bands = 1};
    void *block;

    job.inner = (struct synth_inner){0, 0, width, height};
    if (kind % 2) { // bars
        job.inner.left = random_int(0, width - 1);
        job.inner.right = random_int(job.inner.left + 1, width);
        job.inner.top = random_int(0, height - 1);
        job.inner.bottom = random_int(job.inner.top + 1, height);
    }
    guarded_image_fill(&picture);
    memset(cells, 0, cells_bytes);
    for (size_t i = 0; i < (size_t)(w * h); i++) {
        float *cell = cells + i / (size_t)w * row + i % (size_t)w;

        if (random_int(0, kind % 5 * 10) == 0)
            level = random_float();
        cell[0] = random_float() * 0.2f;
        cell[4 * w] = level;
        cell[5 * w] = random_float() * 0.1f;
    }
    on[0] = to_device(cells, cells_bytes);
    on[1] = to_device(eyes, 2 * eye_bytes);
    job.picture = on_device(&picture.image, &on[2]);
    CUDA(cudaMalloc(&block, cuda->synth_scratch_floats(width, height) * sizeof(float)));
    job.grid.cells = (float *)(void *)on[0].data;
    job.eye[0] = on[1].data;
    job.eye[1] = on[1].data + eye_bytes;
    job.scratch = block;
    assert_true(cuda->synth(&job, NULL));
    job.picture = picture.image;
    job.grid.cells = cells;
    job.eye[0] = eyes;
    job.eye[1] = eyes + eye_bytes;
    job.scratch = scratch;
    kernels_column(0)->synth(&job);
    same_as(&on[1], eyes, "synth");
    same_as(&on[0], cells, "synth's input");
    same_as(&on[2], image_begin(&picture.image), "synth's input");
    CUDA(cudaFree(block));
    guard_free(cells);
    guard_free(scratch);
    guard_free(eyes);
    guarded_image_free(&picture);
}

static void synth(void **state)
{
    random_start("cuda synth");
    for (int i = 0; i < guard_size_count * 4; i++)
        synth_of(guard_sizes[i % guard_size_count][0], guard_sizes[i % guard_size_count][1], i % 4,
                 i);
    for (int i = 0; i < 5; i++)
        synth_of(640, 48, i % 4, i);
    for (int i = 0; i < 4; i++) // several tiles a warp
        synth_of(2600, 5, i, i);
    for (int i = 0; i < 8; i++)
        synth_of(random_int(1, 2600), 4, 0, ROUGH);
    synth_of(16384, 2, 3, 4); // more than the memory that a block shares
}

static void overlay_of(int width, int height)
{
    size_t stride = (size_t)(width + random_int(0, 3)) * 4, bytes = stride * (size_t)height;
    size_t out_stride = (size_t)(width + random_int(0, 3)) * 4,
           out_bytes = out_stride * (size_t)height;
    uint8_t *box = guard_new(2 * bytes), *plain = guard_new(out_bytes);
    struct region on[2];
    struct overlay_job job = {
        .stride_bytes = stride, .out_stride_bytes = out_stride, .width = width, .height = height};

    for (size_t i = 0; i < bytes; i++) {
        int alpha = random_int(0, 4) == 0 ? random_int(0, 1) * 255 : random_int(0, 255);

        box[i] = (uint8_t)random_int(0, alpha);
        box[bytes + i] = (uint8_t)(255 - alpha);
    }
    for (size_t i = 0; i < out_bytes; i++)
        plain[i] = (uint8_t)random_next();
    on[0] = to_device(box, 2 * bytes);
    on[1] = to_device(plain, out_bytes);
    job.colour = on[0].data;
    job.keep = on[0].data + bytes;
    job.out = on[1].data;
    assert_true(cuda->overlay(&job, NULL));
    job.colour = box;
    job.keep = box + bytes;
    job.out = plain;
    kernels_column(0)->overlay(&job);
    same_as(&on[1], plain, "overlay");
    same_as(&on[0], box, "overlay's input");
    guard_free(box);
    guard_free(plain);
}

static void overlay(void **state)
{
    random_start("cuda overlay");
    for (int i = 0; i < guard_size_count; i++)
        overlay_of(guard_sizes[i][0], guard_sizes[i][1]);
}

// What the engine allocates, copies and times with.
static void the_device_keeps_its_contract(void **state)
{
    static const uint8_t nobody[16] = "no such GPU here";
    enum { BYTES = 3 * 1000 };
    char text[256];
    int index;
    const struct kernels *k = kernels_gpu(NULL, &index, text, sizeof(text));
    struct device_stamp from = {0}, to = {0};
    uint8_t rows[3][1200];

    assert_non_null(k);
    const struct device *d = k->device;
    assert_true(d->gpu && d->enter(index));
    uint8_t *host = d->take_host(2 * BYTES), *a = d->take(BYTES), *b = d->take(BYTES);
    assert_true(host != NULL && a != NULL && b != NULL);
    for (int i = 0; i < BYTES; i++)
        host[i] = (uint8_t)(i * 7);
    d->stamp(&from);
    d->upload(a, host, BYTES);
    d->copy(b, a, BYTES);
    d->clear(b + 100, 50);
    d->download(host + BYTES, b, BYTES);
    d->stamp(&to);
    assert_true(d->wait());
    assert_true(d->between_ns(&from, &to) >= 0);
    assert_memory_equal(host + BYTES, host, 100);
    for (int i = 100; i < 150; i++)
        assert_int_equal(host[BYTES + i], 0);
    assert_memory_equal(host + BYTES + 150, host + 150, BYTES - 150);
    d->upload_rows(a, 1000, host + 1, 1000, 800, 3);
    d->upload_rows(a, 1000, host, 1000, 800, 3);
    memset(rows, 0x5a, sizeof(rows));
    d->download_rows(rows, sizeof(rows[0]), a, 1000, 900, 3);
    assert_true(d->wait() && d->check());
    for (int y = 0; y < 3; y++) {
        assert_memory_equal(rows[y], host + y * 1000, 900);
        assert_int_equal(rows[y][900], 0x5a);
    }
    d->stamp_finish(&from);
    d->stamp_finish(&to);
    d->give(a);
    d->give(b);
    d->give(NULL);
    d->give_host(host);
    assert_null(kernels_gpu(nobody, &index, text, sizeof(text)));
    assert_non_null(strstr(text, "GPU"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colour),  cmocka_unit_test(resize),
        cmocka_unit_test(shrink),  cmocka_unit_test(levels),
        cmocka_unit_test(steady),  cmocka_unit_test(motion),
        cmocka_unit_test(refine),  cmocka_unit_test(synth),
        cmocka_unit_test(overlay), cmocka_unit_test(the_device_keeps_its_contract),
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
