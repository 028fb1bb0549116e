// Depth layers, disparity's colours and the numbers on them: what each place shows.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/canvas.h"
#include "engine/colours.h"
#include "engine/layers.h"

enum { NET_WIDTH = 8, NET_HEIGHT = 4, NET = NET_WIDTH * NET_HEIGHT };

// A canvas whose last row and column must stay as they are.
static struct canvas canvas_new(int width, int height)
{
    size_t stride = (size_t)(width + 1) * 4;
    uint8_t *pixels = malloc(stride * (size_t)(height + 1));

    memset(pixels, 0xcd, stride * (size_t)(height + 1));
    return (struct canvas){pixels, width, height, stride};
}

static void canvas_check_and_free(struct canvas *c)
{
    for (int y = 0; y <= c->height; y++)
        for (int x = 0; x <= c->width; x++) {
            const uint8_t *p = c->pixels + (size_t)y * c->stride_bytes + (size_t)x * 4;
            assert_int_equal(p[3], y < c->height && x < c->width ? 255 : 0xcd);
        }
    free(c->pixels);
}

// What the middle of a slice shows.
static int middle(const struct canvas *c, int slice)
{
    int x = (2 * (slice % LAYERS_COLUMNS) + 1) * c->width / (2 * LAYERS_COLUMNS);
    int y = (2 * (slice / LAYERS_COLUMNS) + 1) * c->height / (2 * LAYERS_ROWS);
    const uint8_t *p = c->pixels + (size_t)y * c->stride_bytes + (size_t)x * 4;

    assert_true(p[0] == p[1] && p[1] == p[2]);
    return p[0];
}

static struct layers *make(const float *probability, int levels, bool near_first,
                           const float *nearness)
{
    struct layers *l = layers_create();

    assert_true(layers_resize(l, NET_WIDTH, NET_HEIGHT));
    layers_set(l, &(struct depth_levels){probability, levels, near_first}, nearness);
    return l;
}

// All probability in one level: it is in its slice, or in the two that it lies between.
static void a_level_is_in_its_slice(void **state)
{
    static const int counts[] = {12, 24, 32, 33};

    for (size_t i = 0; i < 4; i++)
        for (int level = 0; level < counts[i]; level++) {
            int n = counts[i], sum = 0;
            float *p = calloc((size_t)(n * NET), sizeof(*p));
            for (int k = 0; k < NET; k++)
                p[level * NET + k] = 1;
            struct layers *l = make(p, n, true, NULL);
            struct canvas c = canvas_new(400, 150);
            layers_draw(l, &c, 2, 2, 0.5f, 2);
            for (int slice = 0; slice < LAYERS; slice++) {
                bool inside = level * LAYERS < (slice + 1) * n && (level + 1) * LAYERS > slice * n;
                assert_int_equal(middle(&c, slice) > 0, inside);
                sum += middle(&c, slice) == 255;
            }
            if (n % LAYERS == 0)
                assert_int_equal(sum, 1); // certain: white
            canvas_check_and_free(&c);
            layers_destroy(&l);
            free(p);
        }
}

// The same distribution counted from the other end; a number alone is certain of one slice.
static void order_and_numbers(void **state)
{
    float p[12 * NET] = {0}, nearness[NET];
    struct canvas c = canvas_new(400, 150);

    for (int k = 0; k < NET; k++) {
        p[2 * NET + k] = 1;
        nearness[k] = 1 - 2.5f / 12;
    }
    for (int way = 0; way < 3; way++) {
        struct layers *l = make(way < 2 ? p : NULL, 12, way == 0, nearness);
        layers_draw(l, &c, 2, 2, 0.5f, 1);
        for (int slice = 0; slice < LAYERS; slice++)
            assert_int_equal(middle(&c, slice), slice == (way == 1 ? 9 : 2) ? 255 : 0);
        layers_destroy(&l);
    }
    canvas_check_and_free(&c);
}

static void every_size_is_drawn(void **state)
{
    static const int sizes[][2] = {{1, 1}, {3, 2}, {11, 200}, {200, 11}, {64, 64}, {1920, 3}};
    static const float aspects[] = {0.01f, 1, 2.4f, 100};
    float p[33 * NET] = {0};
    struct layers *l = make(p, 33, false, NULL);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
        for (size_t k = 0; k < sizeof(aspects) / sizeof(*aspects); k++) {
            struct canvas c = canvas_new(sizes[i][0], sizes[i][1]);
            layers_draw(l, &c, aspects[k], 8, 0.5f, 2);
            colours_scale(&c, 8, 0.5f);
            canvas_check_and_free(&c);
        }
    layers_destroy(&l);
}

// matplotlib's values, ends and middle; what is no number is far.
static void colours_are_infernos(void **state)
{
    static const float nearness[] = {0, 1, 0.5f, -3, 7, NAN};
    static const uint8_t want[][3] = {{0, 0, 4}, {252, 255, 164}, {188, 55, 84},
                                      {0, 0, 4}, {252, 255, 164}, {0, 0, 4}};
    uint8_t got[6 * 4];

    colours_row(nearness, 6, got);
    for (int i = 0; i < 6; i++)
        for (int c = 0; c < 3; c++)
            assert_true(abs(got[i * 4 + c] - want[i][c]) <= 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_level_is_in_its_slice),
        cmocka_unit_test(order_and_numbers),
        cmocka_unit_test(every_size_is_drawn),
        cmocka_unit_test(colours_are_infernos),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
