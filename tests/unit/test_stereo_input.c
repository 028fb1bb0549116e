// How films say that they show both eyes.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <libavutil/stereo3d.h>

#include "viewer/stereo_input.h"

static void names(void **state)
{
    static const struct {
        const char *path;
        enum stereo_input input;
    } cases[] = {
        {"film.mkv", STEREO_INPUT_AUTO},
        {"", STEREO_INPUT_AUTO},
        {"film.sbs.mkv", STEREO_INPUT_SBS},
        {"Film.3D.H-SBS.1080p.mkv", STEREO_INPUT_HALF_SBS},
        {"Film 2009 3D Half-SBS.mp4", STEREO_INPUT_HALF_SBS},
        {"film_HSBS.mkv", STEREO_INPUT_HALF_SBS},
        {"film.full-sbs.mkv", STEREO_INPUT_FULL_SBS},
        {"film_3d_tab.mkv", STEREO_INPUT_TOP_BOTTOM},
        {"film (3D half OU).mkv", STEREO_INPUT_HALF_TB},
        {"film.htab.mkv", STEREO_INPUT_HALF_TB},
        {"film.3d.full.ou.mkv", STEREO_INPUT_FULL_TB},
        {"http://host/films/film%20hsbs.mkv?x=1", STEREO_INPUT_AUTO}, // "20hsbs" is no word
        {"/3d/sbs/film.mkv", STEREO_INPUT_AUTO},                      // folders do not count
        // words of other meanings
        {"ou est le tab.mkv", STEREO_INPUT_AUTO},
        {"Pierrot le Fou.mkv", STEREO_INPUT_AUTO},
        {"film.3D.hou.mkv", STEREO_INPUT_HALF_TB},
        {"how sbsx works.mkv", STEREO_INPUT_AUTO},
        {"half of it.mkv", STEREO_INPUT_AUTO},
        {"a_very_long_word_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaasbs.mkv", STEREO_INPUT_AUTO},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (stereo_input_named(cases[i].path) != cases[i].input)
            fail_msg("%s: %d, not %d", cases[i].path, stereo_input_named(cases[i].path),
                     cases[i].input);
}

static struct stereo_halves halves(struct stereo_words words, int width, int height, double sample)
{
    struct stereo_halves out;

    assert_true(stereo_input_halves(&words, width, height, sample, &out));
    return out;
}

static void who_is_believed(void **state)
{
    const AVStereo3D beside = {.type = AV_STEREO3D_SIDEBYSIDE},
                     above = {.type = AV_STEREO3D_TOPBOTTOM, .flags = AV_STEREO3D_FLAG_INVERT},
                     flat = {.type = AV_STEREO3D_2D}, lines = {.type = AV_STEREO3D_LINES};
    struct stereo_halves h = halves((struct stereo_words){0}, 3840, 1080, 0);

    assert_int_equal(h.packing, DEEP3D_ONE_EYE);
    h = halves((struct stereo_words){.named = STEREO_INPUT_SBS}, 3840, 1080, 0);
    assert_int_equal(h.packing, DEEP3D_SIDE_BY_SIDE);
    assert_false(h.right_first);
    h = halves((struct stereo_words){.named = STEREO_INPUT_SBS, .said = &above}, 3840, 1080, 0);
    assert_int_equal(h.packing, DEEP3D_TOP_BOTTOM);
    assert_true(h.right_first);
    h = halves((struct stereo_words){.named = STEREO_INPUT_SBS, .said = &flat}, 3840, 1080, 0);
    assert_int_equal(h.packing, DEEP3D_ONE_EYE);
    h = halves((struct stereo_words){.asked = STEREO_INPUT_FULL_TB, .said = &beside}, 640, 480, 0);
    assert_int_equal(h.packing, DEEP3D_TOP_BOTTOM);
    h = halves((struct stereo_words){.asked = STEREO_INPUT_FLAT, .said = &beside}, 640, 480, 0);
    assert_int_equal(h.packing, DEEP3D_ONE_EYE);
    h = halves((struct stereo_words){.said = &above, .swapped = true}, 640, 480, 0);
    assert_false(h.right_first);
    assert_false(stereo_input_halves(&(struct stereo_words){.said = &lines}, 640, 480, 0, &h));
    assert_int_equal(h.packing, DEEP3D_ONE_EYE);
    h = halves((struct stereo_words){.said = &lines, .asked = STEREO_INPUT_SBS}, 640, 480, 0);
    assert_int_equal(h.packing, DEEP3D_SIDE_BY_SIDE);
}

static void shapes(void **state)
{
    static const struct {
        enum stereo_input input;
        int width, height;
        double sample;
        bool half;
        double aspect;
    } cases[] = {
        {STEREO_INPUT_SBS, 3840, 1080, 1, false, 16.0 / 9},
        {STEREO_INPUT_SBS, 1920, 1080, 1, true, 16.0 / 9},
        {STEREO_INPUT_SBS, 1920, 1080, 0, true, 16.0 / 9},
        {STEREO_INPUT_SBS, 1920, 1080, 2, true, 16.0 / 9},
        {STEREO_INPUT_SBS, 1280, 480, 1, false, 4.0 / 3},
        {STEREO_INPUT_SBS, 1920, 800, 1, true, 2.4},
        {STEREO_INPUT_SBS, 1440, 540, 16.0 / 15, false, 1440 * 16.0 / 15 / 1080}, // DV's samples
        {STEREO_INPUT_SBS, 1440, 576, 64.0 / 45, false, 16.0 / 9},                // PAL's
        {STEREO_INPUT_SBS, 720, 576, 128.0 / 45, true, 16.0 / 9},
        {STEREO_INPUT_HALF_SBS, 720, 576, 64.0 / 45, true, 16.0 / 9},
        {STEREO_INPUT_HALF_TB, 720, 576, 64.0 / 45, true, 16.0 / 9},
        {STEREO_INPUT_TOP_BOTTOM, 720, 576, 32.0 / 45, true, 16.0 / 9},
        {STEREO_INPUT_TOP_BOTTOM, 1920, 2160, 1, false, 16.0 / 9},
        {STEREO_INPUT_TOP_BOTTOM, 1920, 1080, 1, true, 16.0 / 9},
        {STEREO_INPUT_TOP_BOTTOM, 1920, 1080, 0.5, true, 16.0 / 9},
        {STEREO_INPUT_FULL_SBS, 1920, 1080, 1, false, 8.0 / 9},
        {STEREO_INPUT_HALF_SBS, 3840, 1080, 1, true, 32.0 / 9},
        {STEREO_INPUT_FULL_TB, 1920, 1080, 1, false, 32.0 / 9},
        {STEREO_INPUT_HALF_TB, 1920, 1080, 1, true, 16.0 / 9},
        {STEREO_INPUT_FLAT, 1920, 1080, 1, false, 16.0 / 9},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct stereo_halves h = halves((struct stereo_words){.asked = cases[i].input},
                                        cases[i].width, cases[i].height, cases[i].sample);
        double aspect = stereo_halves_aspect(&h, cases[i].width, cases[i].height, cases[i].sample);

        assert_int_equal(h.half, cases[i].half);
        assert_float_equal(aspect, cases[i].aspect, 1e-6);
    }
}

// All that are told apart come once, and what a person began with is left for good where it is not.
static void next_ones(void **state)
{
    enum stereo_input input = STEREO_INPUT_AUTO;
    int seen = 0, count = 0;

    do {
        seen |= 1 << input;
        assert_non_null(stereo_input_describe(input));
        input = stereo_input_next(input);
    } while (++count < 20 && input != STEREO_INPUT_AUTO);
    assert_int_equal(count, 6);
    assert_int_equal(seen, 1 << STEREO_INPUT_AUTO | 1 << STEREO_INPUT_FLAT |
                               1 << STEREO_INPUT_FULL_SBS | 1 << STEREO_INPUT_HALF_SBS |
                               1 << STEREO_INPUT_FULL_TB | 1 << STEREO_INPUT_HALF_TB);
    assert_int_equal(stereo_input_next(STEREO_INPUT_SBS), STEREO_INPUT_FULL_SBS);
    assert_int_equal(stereo_input_next(STEREO_INPUT_TOP_BOTTOM), STEREO_INPUT_FULL_TB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(who_is_believed),
        cmocka_unit_test(shapes),
        cmocka_unit_test(next_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
