// Where shots begin: a labelled film drawn here - cuts between scenes that differ much or little,
// fades through black, dissolves and flashes, with pans, lights that go on, noise and still
// pictures between them.
#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/shot.h"

enum {
    WIDTH = 160,
    HEIGHT = 90,
    SHOTS = 120,
    SHOT_PICTURES = 48,
    PICTURES = SHOTS * SHOT_PICTURES
};

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

// How a shot comes, and what goes on in it.
enum entry { CUT, FADE, DISSOLVE, ENTRIES };
enum event { STILL, PAN, FAST_PAN, LIGHT, FLASH, WHITE_FLASH, EVENTS };

struct plan {
    uint32_t seed;
    enum entry entry;
    enum event event;
    int length; // of the entry
};

// When the light of a flash is on; it may last up to three pictures.
static float flash(const struct plan *p, int at)
{
    int begin = 30 + (int)(p->seed % 5);

    if ((p->event != FLASH && p->event != WHITE_FLASH) || at < begin ||
        at > begin + (int)(p->seed % 3))
        return 1;
    return p->event == FLASH ? 1.7f : 20;
}

static float place(const struct plan *p, int at)
{
    float t = (float)at / SHOT_PICTURES;

    return p->event == PAN ? t * 50 : p->event == FAST_PAN ? t * 400 : 0;
}

static void picture(uint8_t *out, const struct plan *p, const struct plan *old, int at)
{
    static uint8_t before[WIDTH * HEIGHT * 4];
    float light = p->event == LIGHT ? 0.7f + 0.3f * fminf((float)at / 12, 1) : 1;
    float part = (float)(at + 1) / (float)p->length; // of the entry

    if (p->entry == FADE && at < p->length) // down to black and up again
        light = fmaxf(fabsf(2 * part - 1) - 0.15f, 0) / 0.85f;
    if (p->entry == FADE && part < 0.5f) {
        draw(out, old->seed, place(old, SHOT_PICTURES + at), light);
        return;
    }
    draw(out, p->seed, place(p, at), light * flash(p, at));
    if (p->entry == DISSOLVE && part < 1) {
        draw(before, old->seed, place(old, SHOT_PICTURES + at), 1);
        blend(out, before, 1 - part);
    }
}

struct tally {
    int found[ENTRIES], missed[ENTRIES], wrong[ENTRIES];
};

// The kind that each picture of the film begins, with as many pictures ahead as there may be.
static void watch(const struct plan *plans, int ahead, enum shot_kind *out)
{
    static uint8_t pixels[WIDTH * HEIGHT * 4];
    static struct shot shot;
    struct image image = {pixels, WIDTH, HEIGHT, WIDTH * 4};
    int told = 0;

    state = 4;
    shot_reset(&shot);
    for (int i = 0; i < PICTURES; i++) {
        const struct plan *p = &plans[i / SHOT_PICTURES];
        picture(pixels, p, p - (i >= SHOT_PICTURES), i % SHOT_PICTURES);
        shot_feed(&shot, &image);
        while (shot_waiting(&shot) > ahead)
            out[told++] = shot_next(&shot).begins;
    }
    while (told < PICTURES)
        out[told++] = shot_next(&shot).begins;
}

static struct tally judge(const struct plan *plans, enum shot_kind *kinds)
{
    struct tally t = {0};

    for (int s = 0; s < SHOTS; s++) {
        enum shot_kind *kind = kinds + s * SHOT_PICTURES;
        // what is gradual counts when it is told before it is over, or right after
        int end = plans[s].entry == CUT ? 1 : plans[s].length + 2, found = 0;
        for (int i = 0; i < end; i++) {
            found |= kind[i] != SHOT_SAME;
            kind[i] = SHOT_SAME;
        }
        t.found[plans[s].entry] += found;
        t.missed[plans[s].entry] += !found;
    }
    for (int i = 0; i < PICTURES; i++)
        if (kinds[i] != SHOT_SAME)
            t.wrong[kinds[i] == SHOT_CUT ? CUT : kinds[i] == SHOT_FADE ? FADE : DISSOLVE]++;
    return t;
}

static struct tally run(int ahead)
{
    static const char *const names[] = {"cuts", "fades", "dissolves"};
    static struct plan plans[SHOTS];
    static enum shot_kind kinds[PICTURES];
    struct tally t;

    state = 20261122;
    for (int s = 0; s < SHOTS; s++)
        plans[s] = (struct plan){.seed = next(),
                                 .entry = s == 0 ? CUT : (enum entry)(next() % ENTRIES),
                                 .event = (enum event)(next() % EVENTS),
                                 .length = 10 + (int)(next() % 15)};
    // nobody dissolves in the middle of a whip pan
    for (int s = 0; s < SHOTS; s++)
        if (plans[s].event == FAST_PAN &&
            (plans[s].entry == DISSOLVE || plans[(s + 1) % SHOTS].entry == DISSOLVE))
            plans[s].event = PAN;
    watch(plans, ahead, kinds);
    t = judge(plans, kinds);
    for (int e = 0; e < ENTRIES; e++)
        printf("%d ahead, %s: %d found, %d missed, %d wrong: precision %.3f, recall %.3f\n", ahead,
               names[e], t.found[e], t.missed[e], t.wrong[e],
               (double)t.found[e] / (t.found[e] + t.wrong[e]),
               (double)t.found[e] / (t.found[e] + t.missed[e]));
    return t;
}

static void check(const struct tally *t, enum entry e, double precision, double recall)
{
    assert_true(t->found[e] >= precision * (t->found[e] + t->wrong[e]));
    assert_true(t->found[e] >= recall * (t->found[e] + t->missed[e]));
}

static void shots_are_known_before_they_are_shown(void **unused)
{
    struct tally t = run(SHOT_AHEAD);

    check(&t, CUT, 0.97, 0.97);
    check(&t, FADE, 0.97, 0.97);
    check(&t, DISSOLVE, 0.85, 0.85);
}

// A live source: flashes are taken for cuts, but no cut is missed.
static void without_foresight_cuts_are_found(void **unused)
{
    struct tally t = run(0);

    check(&t, CUT, 0, 0.97);
    check(&t, FADE, 0.97, 0.97);
}

static void the_first_picture_begins_a_shot(void **unused)
{
    static uint8_t pixels[WIDTH * HEIGHT * 4];
    static struct shot shot;
    struct image image = {pixels, WIDTH, HEIGHT, WIDTH * 4}, tiny = {pixels, 1, 1, 4};

    draw(pixels, 5, 0, 1);
    shot_feed(&shot, &image);
    shot_feed(&shot, &image);
    assert_int_equal(shot_waiting(&shot), 2);
    struct shot_step step = shot_next(&shot);
    assert_true(step.begins == SHOT_CUT && step.turn == 1 && !step.hold);
    step = shot_next(&shot);
    assert_true(step.begins == SHOT_SAME && step.turn == 0 && !step.hold);
    shot_feed(&shot, &image);
    shot_reset(&shot);
    assert_int_equal(shot_waiting(&shot), 0);
    shot_feed(&shot, &image);
    assert_int_equal(shot_next(&shot).begins, SHOT_CUT);
    shot_feed(&shot, &tiny); // any size will do
    shot_next(&shot);
}

// While a flash lights the scene, or nothing can be seen, depth stays as it was.
static void flashes_and_black_are_held(void **unused)
{
    static uint8_t pixels[WIDTH * HEIGHT * 4];
    static struct shot shot;
    struct image image = {pixels, WIDTH, HEIGHT, WIDTH * 4};
    static const float lights[] = {1, 1, 1, 1, 2, 1.5f, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1};
    int count = sizeof(lights) / sizeof(*lights), told = 0;

    shot_reset(&shot);
    for (int i = 0; i < count; i++) {
        draw(pixels, 77, 0, lights[i]);
        if (lights[i] == 0)
            memset(pixels, 3, sizeof(pixels));
        shot_feed(&shot, &image);
        if (shot_waiting(&shot) <= SHOT_AHEAD && i + 1 < count)
            continue;
        while (shot_waiting(&shot) > (i + 1 < count ? SHOT_AHEAD : 0)) {
            struct shot_step step = shot_next(&shot);
            assert_int_equal(step.hold, lights[told] != 1);
            assert_int_equal(step.begins != SHOT_SAME, told == 0 || told == 16);
            told++;
        }
    }
    assert_int_equal(told, count);
}

// A scene so dim that its contrast is noise for the most part, and one of fog, are scenes all the
// same; a page of one colour is none, whatever its colour.
static void dim_scenes_are_seen(void **unused)
{
    static uint8_t pixels[WIDTH * HEIGHT * 4];
    static struct shot shot;
    struct image image = {pixels, WIDTH, HEIGHT, WIDTH * 4};

    for (int scene = 0; scene < 3; scene++) {
        shot_reset(&shot);
        for (int i = 0; i < 24; i++) {
            draw(pixels, i < 8 ? 77 : 1234, 0, i < 8 ? 1 : 0.12f);
            for (int k = 0; scene == 1 && i >= 8 && k < WIDTH * HEIGHT * 4; k++)
                pixels[k] = (uint8_t)(pixels[k] + 140);
            for (int k = 0; scene == 2 && i >= 8 && k < WIDTH * HEIGHT * 4; k++)
                pixels[k] = k % 4 == 0 ? 240 : 255;
            shot_feed(&shot, &image);
            if (i < SHOT_AHEAD)
                continue;
            struct shot_step step = shot_next(&shot);
            int told = i - SHOT_AHEAD;
            assert_int_equal(step.begins,
                             told == 0 || (told == 8 && scene < 2) ? SHOT_CUT : SHOT_SAME);
            assert_int_equal(step.hold, scene == 2 && told >= 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shots_are_known_before_they_are_shown),
        cmocka_unit_test(without_foresight_cuts_are_found),
        cmocka_unit_test(the_first_picture_begins_a_shot),
        cmocka_unit_test(flashes_and_black_are_held),
        cmocka_unit_test(dim_scenes_are_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
