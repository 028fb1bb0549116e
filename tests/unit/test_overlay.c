// Pictures laid over both eyes: where they land, how they group, how their depth moves. With the
// argument "gpu" the eyes lie in a GPU's memory.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "kernels/kernels.h"
#include "viewer/overlay.h"

#define GUARD 64
#define GREY 100

static const struct device *gpu; // NULL: eyes lie in the host's memory

// Two grey eyes with guard bytes behind every row, before and after all.
struct frame {
    uint8_t *block;
    size_t bytes;
    struct deep3d_eyes eyes;
};

static struct frame new_frame(int width, int height)
{
    size_t stride = (size_t)width * 4 + GUARD, eye = stride * (size_t)height;
    struct frame f = {.bytes = GUARD + 2 * eye};

    f.block = malloc(f.bytes);
    memset(f.block, 0xa5, f.bytes);
    f.eyes = (struct deep3d_eyes){.width = width,
                                  .height = height,
                                  .pixels = {f.block + GUARD, f.block + GUARD + eye},
                                  .stride_bytes = stride};
    for (int e = 0; e < 2; e++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++)
                memcpy(f.eyes.pixels[e] + (size_t)y * stride + (size_t)x * 4,
                       (uint8_t[]){GREY, GREY, GREY, 255}, 4);
    return f;
}

static void free_frame(struct frame *f)
{
    for (size_t i = 0; i < GUARD; i++)
        assert_int_equal(f->block[i], 0xa5);
    for (int e = 0; e < 2; e++)
        for (int y = 0; y < f->eyes.height; y++)
            for (int i = 0; i < GUARD; i++)
                assert_int_equal(f->eyes.pixels[e][(size_t)y * f->eyes.stride_bytes +
                                                   (size_t)f->eyes.width * 4 + (size_t)i],
                                 0xa5);
    free(f->block);
}

// overlay_draw(), on the GPU into a copy that comes back.
static void draw(struct overlay *o, const struct overlay_depth *depth, int64_t pts_ns,
                 const struct frame *f)
{
    struct deep3d_eyes there = f->eyes;
    uint8_t *block;

    if (!gpu) {
        overlay_draw(o, NULL, depth, pts_ns, &f->eyes);
        return;
    }
    block = gpu->take(f->bytes);
    assert_non_null(block);
    gpu->upload(block, f->block, f->bytes);
    there.memory = DEEP3D_MEMORY_CUDA;
    for (int e = 0; e < 2; e++)
        there.pixels[e] = block + (f->eyes.pixels[e] - f->block);
    overlay_draw(o, NULL, depth, pts_ns, &there);
    gpu->download(f->block, block, f->bytes);
    assert_true(gpu->wait());
    gpu->give(block);
}

static const uint8_t *at(const struct frame *f, int eye, int x, int y)
{
    return f->eyes.pixels[eye] + (size_t)y * f->eyes.stride_bytes + (size_t)x * 4;
}

// How many pixels of an eye are no longer grey, and where they lie.
static int changed(const struct frame *f, int eye, int *out_left, int *out_right)
{
    int count = 0;

    *out_left = f->eyes.width;
    *out_right = 0;
    for (int y = 0; y < f->eyes.height; y++) {
        for (int x = 0; x < f->eyes.width; x++) {
            if (at(f, eye, x, y)[0] == GREY)
                continue;
            count++;
            *out_left = x < *out_left ? x : *out_left;
            *out_right = x >= *out_right ? x + 1 : *out_right;
        }
    }
    return count;
}

static struct overlay_piece white(int x, int y, int width, int height)
{
    static uint8_t full[512 * 512];

    memset(full, 255, sizeof(full));
    return (struct overlay_piece){.x = x,
                                  .y = y,
                                  .width = width,
                                  .height = height,
                                  .stride_bytes = 512,
                                  .coverage = full,
                                  .colour = {255, 255, 255, 255}};
}

static const struct overlay_depth in_front = {.fixed = true, .pct = 5},
                                  behind = {.fixed = true, .pct = -5}, on_screen = {.fixed = true};

static void each_eye_gets_half(void **state)
{
    struct overlay *o = overlay_create();
    struct overlay_piece piece = white(40, 10, 20, 5);
    int left, right;

    assert_true(overlay_set(o, &piece, 1, 100, 50));
    for (int i = 0; i < 2; i++) {
        struct frame f = new_frame(100, 50);

        draw(o, i == 0 ? &in_front : &behind, i * 10 * NS_PER_S, &f);
        // 5 pixels of 100: 3 in one eye, 2 in the other
        assert_int_equal(changed(&f, 0, &left, &right), 100);
        assert_int_equal(left, i == 0 ? 43 : 37);
        assert_int_equal(changed(&f, 1, &left, &right), 100);
        assert_int_equal(left, i == 0 ? 38 : 42);
        assert_int_equal(overlay_box(o, 0).move_px[0] - overlay_box(o, 0).move_px[1],
                         i == 0 ? 5 : -5);
        free_frame(&f);
    }
    overlay_destroy(&o);
}

static void colours_and_transparency(void **state)
{
    static const uint8_t half[] = {0, 128, 255}, rgba[] = {0, 64, 0, 128};
    struct overlay_piece pieces[] = {
        {.x = 0,
         .width = 3,
         .height = 1,
         .stride_bytes = 3,
         .coverage = half,
         .colour = {255, 0, 0, 255}},
        {.x = 1, .y = 2, .width = 1, .height = 1, .stride_bytes = 4, .rgba = rgba},
        {.x = 2,
         .width = 1,
         .height = 1,
         .stride_bytes = 3,
         .coverage = half + 2,
         .colour = {0, 0, 255, 51}},
    };
    static const uint8_t expected[][4] = {
        {GREY, GREY, GREY, 255}, {178, 50, 50, 255}, {204, 0, 51, 255}, {50, 114, 50, 255}};
    struct overlay *o = overlay_create();
    struct frame f = new_frame(5, 5);

    assert_true(overlay_set(o, pieces, 3, 5, 5));
    draw(o, &on_screen, 0, &f);
    for (int eye = 0; eye < 2; eye++)
        for (int i = 0; i < 4; i++)
            for (int c = 0; c < 4; c++)
                assert_in_range(at(&f, eye, i < 3 ? i : 1, i < 3 ? 0 : 2)[c] + 1, expected[i][c],
                                expected[i][c] + 2);
    free_frame(&f);
    overlay_destroy(&o);
}

// Beyond the frame's borders nothing is written, whatever is asked for.
static void borders_clip(void **state)
{
    static const int sizes[][2] = {{1, 1}, {7, 3}, {33, 17}, {130, 41}};
    static const int places[][4] = {
        {-10, -10, 20, 20},      {-500, 0, 512, 512},  {0, 0, 300, 300}, {5, 2, 200, 1},
        {INT32_MAX, 0, 100, 10}, {0, INT32_MIN, 9, 9}, {-4, -4, 4, 4},   {6, 2, 1, 1},
        {-3, 1, 512, 2}};
    static const struct overlay_depth depths[] = {
        {.fixed = true, .pct = 10}, {.fixed = true, .pct = -5}, {.fixed = true, .pct = 150}};
    struct overlay *o = overlay_create();

    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        for (size_t p = 0; p < sizeof(places) / sizeof(places[0]); p++) {
            struct overlay_piece piece =
                white(places[p][0], places[p][1], places[p][2], places[p][3]);

            assert_true(overlay_set(o, &piece, 1, sizes[s][0], sizes[s][1]));
            for (int d = 0; d < 3; d++) {
                struct frame f = new_frame(sizes[s][0], sizes[s][1]);

                draw(o, &depths[d], d * 10 * NS_PER_S, &f);
                free_frame(&f);
            }
        }
    }
    overlay_destroy(&o);
}

static void near_pieces_share_a_box(void **state)
{
    struct overlay_piece pieces[100];
    struct overlay *o = overlay_create();

    // two lines of a caption, and a sign far from them
    pieces[0] = white(100, 400, 200, 30);
    pieces[1] = white(120, 435, 160, 30);
    pieces[2] = white(500, 20, 50, 20);
    assert_true(overlay_set(o, pieces, 3, 640, 480));
    assert_int_equal(overlay_box_count(o), 2);
    assert_int_equal(overlay_box(o, 0).height + overlay_box(o, 1).height, 65 + 20);

    // one more may join what was apart
    pieces[3] = white(290, 30, 220, 400);
    assert_true(overlay_set(o, pieces, 4, 640, 480));
    assert_int_equal(overlay_box_count(o), 1);

    // however many there are, they are all drawn
    for (int i = 0; i < 100; i++)
        pieces[i] = white(i % 10 * 64, i / 10 * 48, 3, 3);
    assert_true(overlay_set(o, pieces, 100, 640, 480));
    struct frame f = new_frame(640, 480);
    int left, right;
    draw(o, &on_screen, 0, &f);
    assert_int_equal(changed(&f, 0, &left, &right), 900);
    free_frame(&f);
    overlay_destroy(&o);
}

// Within the life of a caption its depth goes in small steps, nearer faster than farther; after a
// seek it is at once where it belongs.
static void depth_is_eased(void **state)
{
    struct overlay *o = overlay_create();
    struct overlay_piece piece = white(300, 100, 100, 20);
    struct frame f = new_frame(1000, 200);
    const int64_t step = 40 * NS_PER_MS;
    int64_t pts = 0;
    float before, after;

    assert_true(overlay_set(o, &piece, 1, 1000, 200));
    draw(o, &on_screen, pts, &f);
    assert_float_equal(overlay_box(o, 0).parallax_pct, 0, 1e-6);
    for (int i = 0; i < 12; i++) {
        before = overlay_box(o, 0).parallax_pct;
        draw(o, &in_front, pts += step, &f);
        after = overlay_box(o, 0).parallax_pct;
        assert_true(after > before && after - before < 2);
    }
    assert_true(after > 4.5f); // half a second later
    draw(o, &on_screen, pts += step, &f);
    assert_true(after - overlay_box(o, 0).parallax_pct < 0.3f);

    // however far the film is wound, depth is at once where it belongs
    for (int i = 0; i < 2; i++) {
        draw(o, &in_front, pts = i ? 0 : 3600 * NS_PER_S, &f);
        assert_float_equal(overlay_box(o, 0).parallax_pct, 5, 1e-6);
    }
    draw(o, &on_screen, pts += step, &f);

    // other content at the same place goes on from there; at another place it begins anew
    before = overlay_box(o, 0).parallax_pct;
    piece = white(310, 105, 90, 20);
    assert_true(overlay_set(o, &piece, 1, 1000, 200));
    draw(o, &on_screen, pts += step, &f);
    assert_true(before - overlay_box(o, 0).parallax_pct < 0.3f);
    piece = white(310, 5, 90, 20);
    assert_true(overlay_set(o, &piece, 1, 1000, 200));
    draw(o, &on_screen, pts += step, &f);
    assert_float_equal(overlay_box(o, 0).parallax_pct, 0, 1e-6);

    draw(o, &in_front, pts - 60 * NS_PER_S, &f);
    assert_float_equal(overlay_box(o, 0).parallax_pct, 5, 1e-6);
    free_frame(&f);
    overlay_destroy(&o);
}

static void nothing_where_there_is_nothing(void **state)
{
    struct overlay *o = overlay_create();
    struct overlay_piece piece = white(0, 0, 9, 9);
    struct frame f = new_frame(20, 20);
    int left, right;

    draw(o, &on_screen, 0, &f);
    assert_true(overlay_set(o, NULL, 0, 20, 20));
    draw(o, &on_screen, 0, &f);
    assert_true(overlay_set(o, &piece, 1, 30, 20)); // made for another size
    draw(o, &on_screen, 0, &f);
    mem_fail_block(1);
    piece = white(0, 0, 19, 19);
    assert_false(overlay_set(o, &piece, 1, 20, 20));
    draw(o, &on_screen, 0, &f);
    assert_int_equal(changed(&f, 0, &left, &right), 0);
    free_frame(&f);
    overlay_destroy(&o);
}

static bool find_gpu(void)
{
    char text[256];
    int index;
    const struct kernels *column = kernels_gpu(NULL, &index, text, sizeof(text));

    puts(text);
    if (column)
        gpu = column->device;
    return column && gpu->enter(index);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_eye_gets_half), cmocka_unit_test(colours_and_transparency),
        cmocka_unit_test(borders_clip),       cmocka_unit_test(near_pieces_share_a_box),
        cmocka_unit_test(depth_is_eased),     cmocka_unit_test(nothing_where_there_is_nothing),
    };

    if (argc > 1 && strcmp(argv[1], "gpu") == 0 && !find_gpu())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
