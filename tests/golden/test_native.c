// Native 3D: both halves of a picture are the eyes, to the bit as each would be alone.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/deep3d.h"

#define MAX_BYTES (96 * 64 * 8)

// A picture and its samples.
struct stored {
    struct deep3d_picture picture;
    uint8_t plane[3][MAX_BYTES];
};

static const struct deep3d_settings none = {.convergence = 0.5f};

static int chroma(int side, int shift)
{
    return (side + (1 << shift) - 1) >> shift;
}

static size_t row_bytes(const struct deep3d_picture *p, int plane)
{
    int columns = plane > 0 ? chroma(p->width, p->chroma_shift_x) : p->width;

    if (p->layout == DEEP3D_RGBA)
        columns *= 4;
    else if (p->layout == DEEP3D_SEMI_PLANAR && plane > 0)
        columns *= 2;
    return (size_t)columns * (p->bits > 8 ? 2 : 1);
}

static int rows(const struct deep3d_picture *p, int plane)
{
    return plane > 0 ? chroma(p->height, p->chroma_shift_y) : p->height;
}

static int planes(const struct deep3d_picture *p)
{
    return p->layout == DEEP3D_PLANAR ? 3 : p->layout == DEEP3D_SEMI_PLANAR ? 2 : 1;
}

static struct stored *store(struct deep3d_picture like, int width, int height)
{
    struct stored *s = calloc(1, sizeof(*s));

    s->picture = like;
    s->picture.width = width;
    s->picture.height = height;
    for (int i = 0; i < 3; i++) {
        s->picture.plane[i] = s->plane[i];
        s->picture.stride_bytes[i] = (ptrdiff_t)row_bytes(&s->picture, i);
        for (size_t k = 0; k < MAX_BYTES; k++)
            s->plane[i][k] = (uint8_t)(like.bits > 8 && k % 2 ? rand() & 3 : rand());
    }
    return s;
}

// Lays `part` into `whole` from (x, y) on.
static void lay(struct stored *whole, const struct stored *part, int x, int y)
{
    const struct deep3d_picture *p = &part->picture;
    struct deep3d_picture before = *p;

    before.width = x;
    before.height = y;
    for (int i = 0; i < planes(p); i++)
        for (int r = 0; r < rows(p, i); r++)
            memcpy(whole->plane[i] + (rows(&before, i) + r) * whole->picture.stride_bytes[i] +
                       row_bytes(&before, i),
                   part->plane[i] + r * p->stride_bytes[i], row_bytes(p, i));
}

static struct deep3d_eyes convert(struct deep3d *c, const struct deep3d_picture *picture, int bits)
{
    struct deep3d_eyes e = {.bits = bits};

    deep3d_eyes_size(picture, &e.width, &e.height);
    e.stride_bytes = (size_t)e.width * (bits == 16 ? 8 : 4) + 16;
    for (int i = 0; i < 2; i++) {
        e.pixels[i] = malloc((size_t)e.height * e.stride_bytes);
        memset(e.pixels[i], 7, (size_t)e.height * e.stride_bytes);
    }
    assert_true(deep3d_convert(c, picture, &none, &e));
    return e;
}

static void finish(struct deep3d_eyes *e)
{
    for (int i = 0; i < 2; i++)
        free(e->pixels[i]);
}

// The eye's rows, and nothing behind them.
static void same_eye(const struct deep3d_eyes *a, int eye, const struct deep3d_eyes *b)
{
    assert_int_equal(a->width, b->width);
    assert_int_equal(a->height, b->height);
    assert_memory_equal(a->pixels[eye], b->pixels[eye], (size_t)a->height * a->stride_bytes);
}

// An eye of each side, of this size, in one picture with `more` columns or rows that belong to
// none.
static void both_eyes(struct deep3d *c, struct deep3d_picture like, int width, int height, int more,
                      int bits)
{
    bool beside = like.packing == DEEP3D_SIDE_BY_SIDE;
    struct deep3d_picture alone = like;

    alone.packing = DEEP3D_ONE_EYE;
    struct stored *part[2] = {store(alone, width, height), store(alone, width, height)};
    struct stored *whole =
        store(like, width * (1 + beside) + more * beside, height * (2 - beside) + more * !beside);
    int at = more >> (beside ? like.chroma_shift_x : like.chroma_shift_y)
                         << (beside ? like.chroma_shift_x : like.chroma_shift_y);
    struct deep3d_eyes eyes, expected;

    lay(whole, part[like.right_first], 0, 0);
    lay(whole, part[!like.right_first], beside ? width + at : 0, beside ? 0 : height + at);
    eyes = convert(c, &whole->picture, bits);
    for (int i = 0; i < 2; i++) {
        expected = convert(c, &part[i]->picture, bits);
        same_eye(&eyes, i, &expected);
        finish(&expected);
        free(part[i]);
    }
    finish(&eyes);
    free(whole);
}

static void halves_are_the_eyes(void **state)
{
    static const struct deep3d_picture likes[] = {
        {.layout = DEEP3D_PLANAR, .bits = 8, .chroma_shift_x = 1, .chroma_shift_y = 1},
        {.layout = DEEP3D_SEMI_PLANAR, .bits = 8, .chroma_shift_x = 1, .chroma_shift_y = 1},
        {.layout = DEEP3D_SEMI_PLANAR, .bits = 10, .chroma_shift_x = 1, .chroma_shift_y = 1},
        {.layout = DEEP3D_PLANAR, .bits = 10, .chroma_shift_x = 1, .transfer = DEEP3D_TRANSFER_PQ},
        {.layout = DEEP3D_PLANAR, .bits = 8, .matrix = DEEP3D_MATRIX_RGB, .full_range = true},
        {.layout = DEEP3D_GREY, .bits = 8},
        {.layout = DEEP3D_RGBA, .bits = 8, .matrix = DEEP3D_MATRIX_RGB},
    };
    struct deep3d *c = deep3d_create(&(struct deep3d_params){.model = DEEP3D_MODEL});

    assert_non_null(c);
    for (size_t i = 0; i < sizeof(likes) / sizeof(*likes); i++)
        for (int packing = DEEP3D_SIDE_BY_SIDE; packing <= DEEP3D_TOP_BOTTOM; packing++)
            for (int k = 0; k < 4; k++) {
                struct deep3d_picture like = likes[i];
                like.packing = (enum deep3d_packing)packing;
                like.right_first = k % 2 == 1;
                like.rotation_deg = k / 2 * 90 * (1 + (int)i % 3);
                both_eyes(c, like, 36, 20, 0, 8);
                both_eyes(c, like, 36, 20, 1, 8);
                both_eyes(c, like, 2, 2, 1, 16);
            }
    deep3d_destroy(&c);
}

static void nothing_is_known_of_their_depth(void **state)
{
    struct deep3d *c = deep3d_create(&(struct deep3d_params){.model = DEEP3D_MODEL});
    struct deep3d_picture like = {.layout = DEEP3D_RGBA, .bits = 8, .matrix = DEEP3D_MATRIX_RGB};
    struct stored *s = store(like, 64, 36);
    const struct deep3d_area middle = {0.4f, 0.4f, 0.6f, 0.6f};
    struct deep3d_eyes eyes = convert(c, &s->picture, 8);
    int width, height;

    assert_non_null(deep3d_nearness(c, &width, &height));
    finish(&eyes);
    s->picture.packing = DEEP3D_SIDE_BY_SIDE;
    eyes = convert(c, &s->picture, 8);
    assert_null(deep3d_nearness(c, &width, &height));
    assert_true(deep3d_parallax_over(c, &middle) == 0);
    assert_true(deep3d_last_timing(c).network_ns == 0);
    finish(&eyes);
    s->picture.packing = DEEP3D_ONE_EYE; // and the network is asked again
    eyes = convert(c, &s->picture, 8);
    assert_non_null(deep3d_nearness(c, &width, &height));
    assert_true(deep3d_last_timing(c).network_ns > 0);
    finish(&eyes);
    free(s);
    deep3d_destroy(&c);
}

static void too_small_or_unknown(void **state)
{
    struct deep3d *c = deep3d_create(&(struct deep3d_params){.model = DEEP3D_MODEL});
    struct deep3d_picture like = {
        .layout = DEEP3D_PLANAR, .bits = 8, .chroma_shift_x = 1, .packing = DEEP3D_SIDE_BY_SIDE};
    struct stored *s = store(like, 4, 4);
    uint8_t pixels[2][64];
    struct deep3d_eyes eyes = {1, 4, {pixels[0], pixels[1]}, 4, 8, DEEP3D_MEMORY_HOST};

    s->picture.width = 3;
    assert_false(deep3d_convert(c, &s->picture, &none, &eyes));
    s->picture.width = 4;
    s->picture.packing = (enum deep3d_packing)7;
    assert_false(deep3d_convert(c, &s->picture, &none, &eyes));
    s->picture.packing = DEEP3D_SIDE_BY_SIDE;
    assert_false(deep3d_convert(c, &s->picture, &none, &eyes)); // eyes have 2 columns
    eyes.width = 2;
    eyes.stride_bytes = 8;
    assert_true(deep3d_convert(c, &s->picture, &none, &eyes));
    free(s);
    deep3d_destroy(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_the_eyes),
        cmocka_unit_test(nothing_is_known_of_their_depth),
        cmocka_unit_test(too_small_or_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
