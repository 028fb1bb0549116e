// Where shots begin: a labelled film drawn here - cuts between scenes that differ much or little,
// with pans, lights that go on, fades, noise and still pictures between them.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/shot.h"

enum { WIDTH = 160, HEIGHT = 90, SHOTS = 80, SHOT_PICTURES = 24 };

static uint32_t state = 20261122;

static uint32_t next(void)
{
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

// A scene: colour blobs; a seed says which, x and light say from where it is seen.
static void draw(uint8_t *out, uint32_t seed, float x, float light)
{
    float phase = (float)(seed % 628) / 100, scale = 0.03f + (float)(seed % 7) * 0.01f;
    float base[3] = {(float)(seed % 101) + 60, (float)(seed / 3 % 97) + 60,
                     (float)(seed / 7 % 103) + 60};

    for (int i = 0; i < WIDTH * HEIGHT; i++) {
        float u = (float)(i % WIDTH) + x, v = (float)(i / WIDTH);
        float t = 50 * sinf(u * scale + phase) * cosf(v * scale * 1.3f) +
                  25 * sinf(u * 0.21f + v * 0.17f + phase);
        for (int c = 0; c < 3; c++) {
            float value = (base[c] + t * (c == 1 ? 1.0f : 0.7f)) * light + (float)(next() % 9) - 4;
            out[i * 4 + c] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
        out[i * 4 + 3] = 255;
    }
}

static void blend(uint8_t *a, const uint8_t *b, float part)
{
    for (int i = 0; i < WIDTH * HEIGHT * 4; i++)
        a[i] = (uint8_t)((float)a[i] + ((float)b[i] - (float)a[i]) * part);
}

// One picture of a shot. kind: 0 still, 1 pan, 2 fast pan, 3 a light that goes on, 4 fades in from
// the scene before.
static void picture(uint8_t *out, uint32_t seed, uint32_t old_seed, int kind, int at)
{
    static uint8_t old[WIDTH * HEIGHT * 4];
    float t = (float)at / SHOT_PICTURES;

    draw(out, seed,
         kind == 1   ? t * 40
         : kind == 2 ? t * 200
                     : 0,
         kind == 3 ? 0.7f + 0.3f * fminf(t * 3, 1) : 1);
    if (kind == 4 && at < 16) {
        draw(old, old_seed, 0, 1);
        blend(out, old, 1 - (float)(at + 1) / 16);
    }
}

static void cuts_are_found(void **unused)
{
    static uint8_t pixels[WIDTH * HEIGHT * 4];
    struct image image = {pixels, WIDTH, HEIGHT, WIDTH * 4};
    struct shot shot = {0};
    int found = 0, missed = 0, wrong = 0;
    uint32_t seed = next(), old_seed = seed;

    for (int s = 0; s < SHOTS; s++) {
        int kind = (int)(next() % 5);
        for (int at = 0; at < SHOT_PICTURES; at++) {
            picture(pixels, seed, old_seed, s == 0 ? 0 : kind, at);
            bool cut = shot_feed(&shot, &image), expected = at == 0 && (kind != 4 || s == 0);
            found += cut && expected;
            missed += expected && !cut;
            wrong += cut && !expected;
        }
        old_seed = seed;
        seed = next();
    }
    double precision = (double)found / (found + wrong), recall = (double)found / (found + missed);
    printf("%d cuts found, %d missed, %d wrong: precision %.3f, recall %.3f\n", found, missed,
           wrong, precision, recall);
    assert_true(precision >= 0.97);
    assert_true(recall >= 0.93);
}

static void the_first_picture_begins_a_shot(void **unused)
{
    static uint8_t pixels[WIDTH * HEIGHT * 4];
    struct image image = {pixels, WIDTH, HEIGHT, WIDTH * 4}, tiny = {pixels, 1, 1, 4};
    struct shot shot = {0};

    draw(pixels, 5, 0, 1);
    assert_true(shot_feed(&shot, &image));
    assert_false(shot_feed(&shot, &image));
    assert_int_equal(shot.length, 2);
    shot_reset(&shot);
    assert_true(shot_feed(&shot, &image));
    assert_int_equal(shot.length, 1);
    shot_feed(&shot, &tiny); // any size will do
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_are_found),
        cmocka_unit_test(the_first_picture_begins_a_shot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
