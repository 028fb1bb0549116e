// Eyes of 16 bits a sample: the same eyes as those of 8 bits, with what the picture has beyond
// them.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/deep3d.h"
#include "tests/golden/scene.h"

enum { WIDTH = 360, HEIGHT = 200, BAR = 24, PICTURES = 30 };

struct setup {
    struct deep3d *converter;
    uint16_t samples[3][HEIGHT * WIDTH]; // G, B, R of 10 bits
    struct deep3d_picture picture;
    struct deep3d_eyes narrow, fine;
};

static struct deep3d *create(void)
{
    struct deep3d *c = deep3d_create(&(struct deep3d_params){.model = DEEP3D_MODEL});
    const struct deep3d_comfort comfort = {
        .screen_width_m = 3, .distance_m = 3, .floating_window = true};

    assert_non_null(c);
    deep3d_set_comfort(c, &comfort);
    return c;
}

static struct deep3d_eyes new_eyes(const struct deep3d_picture *picture, int bits)
{
    struct deep3d_eyes e = {.bits = bits};

    deep3d_eyes_size(picture, &e.width, &e.height);
    e.stride_bytes = (size_t)e.width * (size_t)(bits / 2) + 16;
    for (int i = 0; i < 2; i++)
        e.pixels[i] = calloc((size_t)e.height, e.stride_bytes);
    return e;
}

// The scene between bars, with two bits of its own below the eight.
static struct setup *setup_new(int rotation_deg)
{
    struct setup *s = calloc(1, sizeof(*s));
    uint8_t *rgba = malloc(HEIGHT * WIDTH * 4);

    scene_draw(&(struct scene){WIDTH, HEIGHT, 0, 0}, 0, rgba);
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        for (int c = 0; c < 3; c++) {
            bool bar = i / WIDTH < BAR || i / WIDTH >= HEIGHT - BAR;
            s->samples[c][i] = bar ? 0 : (uint16_t)(rgba[i * 4 + (c + 1) % 3] * 4 + (i + c) % 4);
        }
    free(rgba);
    s->picture = (struct deep3d_picture){.width = WIDTH,
                                         .height = HEIGHT,
                                         .layout = DEEP3D_PLANAR,
                                         .matrix = DEEP3D_MATRIX_RGB,
                                         .bits = 10,
                                         .full_range = true,
                                         .rotation_deg = rotation_deg};
    for (int c = 0; c < 3; c++) {
        s->picture.plane[c] = (const uint8_t *)s->samples[c];
        s->picture.stride_bytes[c] = WIDTH * 2;
    }
    s->converter = create();
    s->narrow = new_eyes(&s->picture, 8);
    s->fine = new_eyes(&s->picture, 16);
    return s;
}

static void setup_free(struct setup *s)
{
    deep3d_destroy(&s->converter);
    for (int i = 0; i < 2; i++) {
        free(s->narrow.pixels[i]);
        free(s->fine.pixels[i]);
    }
    free(s);
}

static const struct deep3d_settings usual = {.strength = 3, .convergence = 0.5f, .flat = true};

static void convert(struct setup *s, const struct deep3d_settings *settings,
                    const struct deep3d_eyes *eyes)
{
    deep3d_reset(s->converter);
    assert_true(deep3d_convert(s->converter, &s->picture, settings, eyes));
}

static int fine_at(const struct setup *s, int eye, int y, int i)
{
    const uint8_t *row = s->fine.pixels[eye] + (size_t)y * s->fine.stride_bytes;

    return ((const uint16_t *)(const void *)row)[i];
}

// No sample further from the 8-bit one's than `tolerance`; all within their rows.
static void compare(const struct setup *s, int tolerance)
{
    for (int eye = 0; eye < 2; eye++)
        for (int y = 0; y < s->fine.height; y++) {
            const uint8_t *row = s->narrow.pixels[eye] + (size_t)y * s->narrow.stride_bytes;
            for (int i = 0; i < s->fine.width * 4; i++)
                if (abs(fine_at(s, eye, y, i) - row[i] * 257) > tolerance)
                    fail_msg("eye %d, row %d, sample %d: %d, and %d of 8 bits", eye, y, i,
                             fine_at(s, eye, y, i), row[i]);
            for (int i = s->fine.width * 4; i < s->fine.width * 4 + 8; i++)
                assert_int_equal(fine_at(s, eye, y, i), 0);
        }
}

static void same_shapes(void **state)
{
    for (int rotation = 0; rotation < 360; rotation += 90) {
        struct setup *s = setup_new(rotation);
        for (int i = 0; i < PICTURES; i++) // until the bars are known
            convert(s, &usual, &s->narrow);
        convert(s, &usual, &s->fine);
        // rounded twice, once before and once after four taps of which some are negative
        compare(s, 330);
        assert_int_equal(rotation == 0 ? deep3d_last_flat(s->converter).top_px : BAR, BAR);
        setup_free(s);
    }
}

static void all_ten_bits(void **state)
{
    static bool seen[65536];
    struct setup *s = setup_new(0);
    const struct deep3d_settings none = {.convergence = 0.5f};
    int levels = 0;

    convert(s, &none, &s->fine);
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        for (int c = 0; c < 3; c++) {
            int v = fine_at(s, c % 2, i / WIDTH, i % WIDTH * 4 + c);
            int want = (int)(s->samples[(c + 2) % 3][i] * 65535.0 / 1023 + 0.5);
            assert_in_range(v + 1, want, want + 2);
            levels += !seen[v];
            seen[v] = true;
        }
    assert_true(levels > 700);
    setup_free(s);
}

// Pictures that have 8 bits whoever asks for them.
static void other_views(void **state)
{
    struct setup *s = setup_new(0);

    for (int view = DEEP3D_VIEW_LAYERS; view < DEEP3D_VIEW_COUNT; view++) {
        deep3d_set_view(s->converter, (enum deep3d_view)view);
        convert(s, &usual, &s->narrow);
        convert(s, &usual, &s->fine);
        compare(s, 0);
    }
    setup_free(s);
}

static void bad_eyes_and_short_memory(void **state)
{
    struct setup *s = setup_new(0);
    struct deep3d_eyes eyes = s->fine;

    eyes.bits = 10;
    assert_false(deep3d_convert(s->converter, &s->picture, &usual, &eyes));
    eyes.bits = 16;
    eyes.stride_bytes = WIDTH * 8 - 8;
    assert_false(deep3d_convert(s->converter, &s->picture, &usual, &eyes));
    eyes.stride_bytes = WIDTH * 8 + 4;
    assert_false(deep3d_convert(s->converter, &s->picture, &usual, &eyes));
    convert(s, &usual, &s->narrow);
    mem_fail_block(1); // the picture in 16 bits is all that is missing
    assert_false(deep3d_convert(s->converter, &s->picture, &usual, &s->fine));
    mem_fail_block(0);
    convert(s, &usual, &s->fine);
    convert(s, &usual, &s->narrow);
    compare(s, 330);
    setup_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_shapes),
        cmocka_unit_test(all_ten_bits),
        cmocka_unit_test(other_views),
        cmocka_unit_test(bad_eyes_and_short_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
