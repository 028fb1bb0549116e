// What happens to a window in its life: keys, fullscreen, closing, timing as the first display,
// mirroring, hiding, and another Vulkan device under it. Without a word from the validation layer.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "tests/viewer/window_rig.h"
#include "viewer/media_clock.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"

#define FRAME_NS (40 * NS_PER_MS)

static struct rig rig;

static void paint_grey(int eye, int x, int y, uint8_t out_rgb[3])
{
    memset(out_rgb, 90, 3);
}

static void paint_white(int eye, int x, int y, uint8_t out_rgb[3])
{
    memset(out_rgb, 255, 3);
}

static void drain_commands(void)
{
    struct command c;

    while (command_queue_pop(rig.commands, &c)) {
    }
}

// Polls until there is a command, for some seconds at most.
static bool wait_command(struct command *out)
{
    int64_t end_ns = clock_now_ns() + 5 * NS_PER_S;

    while (clock_now_ns() < end_ns) {
        rig_poll(&rig, 0);
        if (command_queue_pop(rig.commands, out))
            return true;
    }
    return false;
}

static int first_level(void)
{
    struct shot shot = rig_shoot(&rig);
    int level = shot_at(&shot, shot.width / 2, shot.height / 2)[0];

    shot_free(&shot);
    return level;
}

// --- keys

struct expectation {
    const char *keys; // for xdotool
    enum command_kind kind;
    double value;
};

static void test_keys(void **state)
{
    static const struct expectation expectations[] = {
        {"space", COMMAND_PAUSE, 0},
        {"p", COMMAND_PAUSE, 0},
        {"Left", COMMAND_SEEK_BY, -5},
        {"Right", COMMAND_SEEK_BY, 5},
        {"shift+Left", COMMAND_SEEK_BY, -1},
        {"shift+Right", COMMAND_SEEK_BY, 1},
        {"Up", COMMAND_SEEK_BY, 60},
        {"Down", COMMAND_SEEK_BY, -60},
        {"Prior", COMMAND_CHAPTER_BY, 1}, // page up
        {"Next", COMMAND_CHAPTER_BY, -1},
        {"period", COMMAND_STEP, 1},
        {"comma", COMMAND_STEP, -1},
        {"bracketleft", COMMAND_SPEED_BY, 1 / 1.1},
        {"bracketright", COMMAND_SPEED_BY, 1.1},
        {"BackSpace", COMMAND_SPEED_BY, 0},
        {"f", COMMAND_FULLSCREEN, 0},
        {"m", COMMAND_MUTE, 0},
        {"9", COMMAND_VOLUME_BY, -0.05},
        {"0", COMMAND_VOLUME_BY, 0.05},
        {"greater", COMMAND_NEXT, 1},
        {"less", COMMAND_NEXT, -1},
        {"t", COMMAND_LAYOUT, 0},
        {"d", COMMAND_VIEW, 0},
        {"1", COMMAND_STRENGTH_BY, -0.1},
        {"2", COMMAND_STRENGTH_BY, 0.1},
        {"3", COMMAND_CONVERGENCE_BY, -0.05},
        {"4", COMMAND_CONVERGENCE_BY, 0.05},
        {"c", COMMAND_AUTO_CONVERGENCE, 0},
        {"b", COMMAND_BUDGET, 0},
        {"w", COMMAND_FLOATING_WINDOW, 0},
        {"a", COMMAND_AUDIO_TRACK, 1},
        {"shift+a", COMMAND_AUDIO_TRACK, -1},
        {"k", COMMAND_AUDIO_DELAY_BY, -0.05},
        {"shift+k", COMMAND_AUDIO_DELAY_BY, 0.05},
        {"j", COMMAND_SUBTITLE_TRACK, 1},
        {"shift+j", COMMAND_SUBTITLE_TRACK, -1},
        {"v", COMMAND_SUBTITLE_SHOW, 0},
        {"z", COMMAND_SUBTITLE_DELAY_BY, -0.1},
        {"shift+z", COMMAND_SUBTITLE_DELAY_BY, 0.1},
        {"i", COMMAND_INPUT, 0},
        {"e", COMMAND_SWAP_EYES, 0},
        {"r", COMMAND_RECENTER, 0},
        {"q", COMMAND_QUIT, 0},
    };

    rig_xdotool(&rig, "windowfocus --sync $ID");
    rig_poll(&rig, 200 * NS_PER_MS);
    drain_commands();
    for (size_t i = 0; i < sizeof(expectations) / sizeof(expectations[0]); i++) {
        const struct expectation *e = &expectations[i];
        struct command c = {0};
        char arguments[64];

        snprintf(arguments, sizeof(arguments), "key %s", e->keys);
        rig_xdotool(&rig, arguments);
        if (!wait_command(&c))
            fail_msg("key %s does nothing", e->keys);
        if (c.kind != e->kind || c.value != e->value)
            fail_msg("key %s gives command %d with %g", e->keys, c.kind, c.value);
    }
    rig_poll(&rig, 100 * NS_PER_MS);
    assert_false(command_queue_pop(rig.commands, &(struct command){0})); // one each
}

// Escape in a window, keys that mean nothing, and keys with control are not ours.
static void test_other_keys(void **state)
{
    struct command c;

    rig_xdotool(&rig, "key Escape ctrl+q alt+f x F5 y u");
    rig_poll(&rig, 200 * NS_PER_MS);
    if (command_queue_pop(rig.commands, &c))
        fail_msg("command %d", c.kind);
}

static void test_mouse(void **state)
{
    struct command c;

    rig_xdotool(&rig, "mousemove --window $ID 100 100 click 1");
    rig_poll(&rig, 700 * NS_PER_MS);
    assert_false(command_queue_pop(rig.commands, &c));
    rig_xdotool(&rig, "click --repeat 2 --delay 60 1");
    assert_true(wait_command(&c));
    assert_int_equal(c.kind, COMMAND_FULLSCREEN);
    assert_false(command_queue_pop(rig.commands, &c));
}

// --- as the first display

static void show_white(void)
{
    rig_show(&rig, 64, 36, 0, paint_white);
    assert_int_equal(first_level(), 255);
}

// A film of 25 frames a second: each is shown, none long before or after its time.
static void test_timing(void **state)
{
    enum { FRAMES = 50 };
    int64_t shown, offsets, start_ns;
    int within = 0;

    rig_resize(&rig, 320, 180);
    show_white();
    stereo_ring_restart(rig.ring, 0);
    shown = atomic_load(&rig.stats->frames_shown);
    offsets = atomic_load(&rig.stats->av_offset_count);
    start_ns = clock_now_ns() + 100 * NS_PER_MS;
    media_clock_start(rig.clock, 0, start_ns);
    for (int i = 0; i < FRAMES; i++) {
        rig_put(&rig, 64, 36, 0, i * FRAME_NS, paint_grey);
        rig_poll(&rig, start_ns + (i - 1) * FRAME_NS - clock_now_ns());
    }
    rig_poll(&rig, 4 * FRAME_NS);
    assert_int_equal(stereo_ring_skipped(rig.ring), 0);
    assert_int_equal(atomic_load(&rig.stats->frames_shown) - shown, FRAMES);
    assert_int_equal(atomic_load(&rig.stats->av_offset_count) - offsets, FRAMES);
    for (int i = 0; i < FRAMES; i++) {
        int us = abs(atomic_load(&rig.stats->av_offset_us[offsets + i]));

        within += us <= 20000;
    }
    print_message("%d of %d frames within 20 ms\n", within, FRAMES);
    assert_true(within >= FRAMES * 9 / 10);
    assert_true(atomic_load(&rig.stats->periods) > 0);
    assert_true(atomic_load(&rig.stats->first_frame_ns) > 0);
    media_clock_stop(rig.clock);
}

// A late converter: frames that are no longer due are passed over, the latest one is shown.
static void test_late_frames_are_passed_over(void **state)
{
    int64_t skipped = stereo_ring_skipped(rig.ring);

    show_white();
    media_clock_start(rig.clock, 10 * NS_PER_S, clock_now_ns());
    for (int i = 0; i < 3; i++)
        rig_put(&rig, 64, 36, 0, i * FRAME_NS, i == 2 ? paint_grey : paint_white);
    rig_poll(&rig, 300 * NS_PER_MS);
    assert_int_equal(first_level(), 90);
    assert_int_equal(stereo_ring_skipped(rig.ring) - skipped, 2);
    media_clock_stop(rig.clock);
}

static int64_t accounted(void)
{
    return atomic_load(&rig.stats->frames_shown) + atomic_load(&rig.stats->frames_skipped) +
           stereo_ring_skipped(rig.ring);
}

// A hidden window shows nothing, but the film goes on, and it is there again afterwards; every
// frame is accounted for.
static void test_hidden(void **state)
{
    int64_t start_ns, before;

    show_white();
    before = accounted();
    rig_xdotool(&rig, "windowunmap --sync $ID");
    rig_poll(&rig, 200 * NS_PER_MS);
    stereo_ring_restart(rig.ring, 0);
    start_ns = clock_now_ns();
    media_clock_start(rig.clock, 0, start_ns);
    for (int i = 0; i < 2 * RIG_RING; i++) {
        rig_put(&rig, 64, 36, 0, i * FRAME_NS, paint_grey); // blocks for ever if none is released
        rig_poll(&rig, start_ns + i * FRAME_NS - clock_now_ns());
    }
    rig_xdotool(&rig, "windowmap --sync $ID");
    rig_poll(&rig, 500 * NS_PER_MS);
    assert_int_equal(first_level(), 90);
    assert_int_equal(accounted() - before, 2 * RIG_RING);
    media_clock_stop(rig.clock);
}

// --- the window under other displays

static void test_another_device(void **state)
{
    rig_close_display(&rig);
    rig_open_display(&rig, true);
    rig_poll(&rig, 200 * NS_PER_MS);
    assert_int_equal(first_level(), 0); // black until there is a frame
    show_white();
}

// Beside a headset the window takes what the other display took, moves nothing on, and draws at
// most 30 times a second.
static void test_mirror(void **state)
{
    enum { FRAMES = 60 };
    struct stereo_frame *taken = NULL;
    int64_t start_ns;

    rig_close_display(&rig);
    rig_open_display(&rig, false);
    start_ns = clock_now_ns();
    for (int i = 0; i < FRAMES; i++) {
        rig_put(&rig, 64, 36, 0, i, i == FRAMES - 1 ? paint_white : paint_grey);
        rig_poll(&rig, 10 * NS_PER_MS);
        taken = stereo_ring_due(rig.ring, i, taken ? taken->number : 0);
        assert_non_null(taken); // the mirror left it alone
        stereo_ring_release(rig.ring, taken);
    }
    rig_poll(&rig, 600 * NS_PER_MS);
    assert_int_equal(first_level(), 255);
    print_message("%d frames in %d ms, %d drawn\n", FRAMES,
                  (int)((clock_now_ns() - start_ns) / NS_PER_MS),
                  (int)atomic_load(&rig.stats->mirror_frames));
    assert_true(atomic_load(&rig.stats->mirror_frames) > 2);
    assert_true(atomic_load(&rig.stats->mirror_frames) <=
                2 + 30 * (clock_now_ns() - start_ns) / NS_PER_S);
    rig_close_display(&rig);
    rig_open_display(&rig, true);
}

// Without a window manager SDL cannot fill the screen; the command must be done all the same.
static void test_fullscreen(void **state)
{
    struct command c;

    display_command(rig.display, COMMAND_FULLSCREEN, 0);
    rig_poll(&rig, 300 * NS_PER_MS);
    assert_true(window_fullscreen(rig.window));
    assert_true(rig.options.fullscreen);
    show_white();
    rig_xdotool(&rig, "windowfocus --sync $ID key Escape");
    assert_true(wait_command(&c));
    assert_int_equal(c.kind, COMMAND_FULLSCREEN);
    display_command(rig.display, COMMAND_FULLSCREEN, 0);
    rig_poll(&rig, 300 * NS_PER_MS);
    assert_false(window_fullscreen(rig.window));
    assert_false(rig.options.fullscreen);
    show_white();
}

// Being asked to end takes the same way as the window's own button.
static void test_closing(void **state)
{
    struct command c = {0};

    drain_commands();
    raise(SIGTERM);
    assert_true(wait_command(&c));
    assert_int_equal(c.kind, COMMAND_QUIT);
}

static void test_no_display(void **state)
{
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    assert_null(window_create(&rig.options));
    setenv("SDL_VIDEODRIVER", "x11", 1);
    setenv("DISPLAY", ":98765", 1);
    assert_null(window_create(&rig.options));
    unsetenv("SDL_VIDEODRIVER");
    unsetenv("DISPLAY");
    assert_null(window_create(&rig.options));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_other_keys),
        cmocka_unit_test(test_mouse),
        cmocka_unit_test(test_timing),
        cmocka_unit_test(test_late_frames_are_passed_over),
        cmocka_unit_test(test_hidden),
        cmocka_unit_test(test_another_device),
        cmocka_unit_test(test_mirror),
        cmocka_unit_test(test_fullscreen),
        cmocka_unit_test(test_closing),
    };
    const struct CMUnitTest without_display[] = {cmocka_unit_test(test_no_display)};
    int failed;

    rig_open(&rig, true);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    rig_close(&rig);
    failed += cmocka_run_group_tests(without_display, NULL, NULL);
    if (vk_validation_messages() != 0) {
        fprintf(stderr, "%d messages of the validation layer\n", vk_validation_messages());
        failed++;
    }
    return failed;
}
