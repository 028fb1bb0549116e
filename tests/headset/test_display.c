// The headset display by itself, fed with stereo frames by the test, on the simulated headset: each
// frame is accounted for, and the picture is there again after whatever happens to the session.
//
//     test_display CASE        the environment holds the case's SIM_SCRIPT, and SIM_REPORT
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "viewer/commands.h"
#include "viewer/display_xr.h"
#include "viewer/display_xr_system.h"
#include "viewer/media_clock.h"
#include "viewer/stats.h"
#include "viewer/vk_frames.h"

#define FRAME_NS (40 * NS_PER_MS)
#define PATIENCE_NS (20 * NS_PER_S)

// A display and what it works with; the frames are made on the test's own thread.
struct rig {
    struct xr_system *system;
    struct options options;
    struct display_context context;
    struct display *display;
    enum display_state state;
    int fed;
    int64_t start_ns; // of the film; 0: not started
};

static void rig_init(struct rig *r)
{
    struct vk_device_params params = {0};
    struct stereo_memory memory;

    memset(r, 0, sizeof(*r));
    r->options = (struct options){.screen_width_m = 3, .screen_distance_m = 3};
    r->system = xr_system_create(LOG_ERROR);
    assert_non_null(r->system);
    params.maker = xr_system_vk_maker(r->system);
    r->context = (struct display_context){
        .options = &r->options,
        .clock = media_clock_create(),
        .commands = command_queue_create(),
        .stats = stats_create(),
        .vk = vk_device_create(&params),
        .first = true,
    };
    assert_non_null(r->context.vk);
    r->context.frames = vk_frames_create(r->context.vk);
    memory = vk_frames_memory(r->context.frames);
    r->context.ring = stereo_ring_create(5, &memory);
    stereo_ring_restart(r->context.ring, 1);
}

static void rig_open(struct rig *r)
{
    r->display = display_xr_create(&r->context, r->system);
    assert_non_null(r->display);
}

// Returns the sum of shown and skipped frames.
static int64_t rig_finish(struct rig *r)
{
    struct stats *stats = r->context.stats;
    int64_t accounted;

    stereo_ring_stop(r->context.ring);
    display_destroy(&r->display);
    accounted = stats->frames_shown + stats->frames_skipped + stereo_ring_skipped(r->context.ring);
    stereo_ring_destroy(&r->context.ring);
    vk_frames_destroy(&r->context.frames);
    vk_device_destroy(&r->context.vk);
    xr_system_destroy(&r->system);
    stats_destroy(&r->context.stats);
    media_clock_destroy(&r->context.clock);
    command_queue_destroy(&r->context.commands);
    assert_int_equal(vk_validation_messages(), 0);
    return accounted;
}

// The simulated headset's report, written when the instance was destroyed.
static cJSON *read_report(void)
{
    static char text[1 << 20];
    FILE *file = fopen(getenv("SIM_REPORT"), "r");

    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
    fclose(file);
    return cJSON_Parse(text);
}

static int64_t reported(const char *name)
{
    cJSON *report = read_report(), *item = cJSON_GetObjectItem(report, name);
    int64_t value;

    assert_true(cJSON_IsNumber(item));
    value = (int64_t)cJSON_GetNumberValue(item);
    cJSON_Delete(report);
    return value;
}

// The sizes of all swapchains, in the order in which they were made.
static void reported_sizes(char *out, size_t size)
{
    cJSON *report = read_report(), *event;

    out[0] = '\0';
    cJSON_ArrayForEach(event, cJSON_GetObjectItem(report, "events"))
    {
        const char *detail = cJSON_GetStringValue(cJSON_GetObjectItem(event, "detail"));
        size_t end = strlen(out);

        if (!strcmp(cJSON_GetStringValue(cJSON_GetObjectItem(event, "event")), "swapchain"))
            snprintf(out + end, size - end, " %.*s", (int)strcspn(detail, " "), detail);
    }
    cJSON_Delete(report);
}

static void feed(struct rig *r, int width, int height)
{
    struct stereo_frame *f =
        stereo_ring_acquire(r->context.ring, width, height, DEEP3D_MEMORY_HOST);

    assert_non_null(f);
    for (int eye = 0; eye < 2; eye++)
        memset(f->eyes.pixels[eye], r->fed * 8 + eye * 100,
               f->eyes.stride_bytes * (size_t)f->eyes.height);
    f->pts_ns = r->fed++ * FRAME_NS;
    f->duration_ns = FRAME_NS;
    f->generation = 1;
    f->aspect = (double)width / height;
    assert_true(stereo_ring_publish(r->context.ring, f));
}

static void poll(struct rig *r)
{
    r->state = display_poll(r->display);
    clock_sleep_until_ns(clock_now_ns() + 2 * NS_PER_MS);
}

// Starts the film with its first frame, once the headset is on.
static void start_film(struct rig *r)
{
    int64_t deadline_ns = clock_now_ns() + PATIENCE_NS;

    do
        poll(r);
    while (r->state == DISPLAY_STARTING && clock_now_ns() < deadline_ns);
    assert_int_equal(r->state, DISPLAY_RUNNING);
    r->start_ns = clock_now_ns() + FRAME_NS;
    media_clock_start(r->context.clock, 0, r->start_ns);
}

// Polls until the film has come to this time.
static void play_until(struct rig *r, int64_t media_ns)
{
    while (clock_now_ns() < r->start_ns + media_ns)
        poll(r);
}

// Feeds and plays so many frames, each a while before it is due.
static void play(struct rig *r, int count, int width, int height)
{
    for (int i = 0; i < count; i++) {
        feed(r, width, height);
        if (!r->start_ns)
            start_film(r);
        play_until(r, (r->fed - 2) * FRAME_NS);
    }
    play_until(r, r->fed * FRAME_NS);
}

static void every_frame_is_accounted_for(void **state)
{
    struct rig r;
    int64_t shown;

    rig_init(&r);
    rig_open(&r);
    play(&r, 50, 320, 180);
    assert_true(r.context.stats->first_frame_ns > 0);
    assert_true(r.context.stats->periods > 100);
    shown = r.context.stats->frames_shown;
    assert_true(r.context.stats->av_offset_count > shown - 5);
    assert_int_equal(rig_finish(&r), 50);
    assert_int_equal(reported("violations_total"), 0);
    assert_int_equal(reported("distinct_images_shown"), shown);
    assert_int_equal(reported("images_released"), 2 * shown);
    assert_int_equal(reported("swapchains"), 2);
}

static void pictures_change_their_size(void **state)
{
    struct rig r;

    rig_init(&r);
    rig_open(&r);
    play(&r, 10, 320, 180);
    play(&r, 10, 321, 1);
    play(&r, 10, 1, 77);
    play(&r, 10, 320, 180);
    assert_int_equal(rig_finish(&r), 40);
    assert_int_equal(reported("violations_total"), 0);
    assert_int_equal(reported("swapchains"), 8);
}

static void larger_than_the_runtime_takes(void **state)
{
    struct rig r;

    rig_init(&r);
    r.system->max_width = 200;
    r.system->max_height = 100;
    rig_open(&r);
    play(&r, 10, 320, 180);
    play(&r, 10, 640, 90);
    assert_true(r.context.stats->frames_shown > 0);
    assert_int_equal(rig_finish(&r), 20);
    assert_int_equal(reported("violations_total"), 0);
    assert_int_equal(reported("swapchains"), 4);
}

// The headset shows a screen as wide as its distance with 688 pixels; a film of four times that is
// halved, until the screen has grown.
static void finer_than_the_headset(void **state)
{
    char sizes[256];
    struct rig r;

    rig_init(&r);
    rig_open(&r);
    play(&r, 10, 2800, 63);
    r.options.screen_width_m = 9;
    poll(&r);
    play(&r, 10, 2800, 63);
    r.options.screen_width_m = 3;
    poll(&r);
    play(&r, 5, 1920, 108);
    play(&r, 5, 5600, 63); // a quarter would do, but a copy looks at two by two pixels
    assert_int_equal(rig_finish(&r), 30);
    assert_int_equal(reported("violations_total"), 0);
    reported_sizes(sizes, sizeof(sizes));
    assert_string_equal(sizes,
                        " 1400x32 1400x32 2800x63 2800x63 1920x108 1920x108 2800x32 2800x32");
}

// The runtime says nothing of a limit, and refuses all the same.
static void larger_than_the_runtime_admits(void **state)
{
    struct rig r;

    rig_init(&r);
    r.options.screen_width_m = 50; // so that every pixel counts
    r.system->max_width = r.system->max_height = 0;
    rig_open(&r);
    play(&r, 10, 10000, 2);
    assert_true(r.context.stats->frames_shown > 0);
    assert_int_equal(rig_finish(&r), 10);
    assert_int_equal(reported("swapchains"), 2);
    assert_int_equal(reported("sessions"), 1);
}

// The session goes while the film is paused: no new frame comes, and the last one must be there
// again.
static void paused_when_the_session_is_lost(void **state)
{
    struct rig r;
    int64_t shown;

    rig_init(&r);
    rig_open(&r);
    play(&r, 5, 320, 180);
    media_clock_pause(r.context.clock, true);
    shown = r.context.stats->frames_shown;
    r.start_ns = clock_now_ns();
    play_until(&r, 4 * NS_PER_S);
    assert_int_equal(r.state, DISPLAY_RUNNING);
    assert_int_equal(r.context.stats->frames_shown, shown);
    assert_int_equal(rig_finish(&r), 5);
    assert_int_equal(reported("violations_total"), 0);
    assert_int_equal(reported("sessions"), 2);
    assert_int_equal(reported("swapchains"), 4);
}

// The film runs on while the headset lies on the table, and ends there.
static void unseen_to_the_end(void **state)
{
    struct rig r;
    int64_t end_ns;

    rig_init(&r);
    rig_open(&r);
    play(&r, 60, 320, 180);
    stereo_ring_end(r.context.ring);
    play_until(&r, 61 * FRAME_NS);
    assert_true(stereo_ring_drained(r.context.ring, &end_ns));
    assert_in_range(r.context.stats->frames_shown, 1, 40);
    assert_int_equal(rig_finish(&r), 60);
    assert_int_equal(reported("violations_total"), 0);
}

static void nothing_to_show(void **state)
{
    struct rig r;

    rig_init(&r);
    rig_open(&r);
    r.start_ns = clock_now_ns();
    play_until(&r, NS_PER_S);
    assert_int_equal(r.state, DISPLAY_RUNNING);
    assert_int_equal(rig_finish(&r), 0);
    assert_int_equal(reported("violations_total"), 0);
    assert_int_equal(reported("frames_with_layers"), 0);
    assert_true(reported("frames_submitted") > 30);
}

static void closed_at_once(void **state)
{
    struct rig r;

    for (int i = 0; i < 3; i++) {
        rig_init(&r);
        rig_open(&r);
        assert_int_equal(rig_finish(&r), 0);
    }
    assert_int_equal(reported("violations_total"), 0);
    assert_int_equal(reported("instances"), 3);
}

// Buttons become commands; the size of the screen is the display's own.
static void controllers(void **state)
{
    struct rig r;
    struct command c;
    int pauses = 0, seeks = 0, sizes = 0;

    rig_init(&r);
    rig_open(&r);
    play(&r, 60, 320, 180);
    while (command_queue_pop(r.context.commands, &c)) {
        pauses += c.kind == COMMAND_PAUSE;
        seeks += c.kind == COMMAND_SEEK_BY && c.value == 10;
        sizes += c.kind == COMMAND_SCREEN_SIZE_BY && c.value > 1;
        display_command(r.display, c.kind, c.value);
    }
    assert_int_equal(pauses, 1);
    assert_in_range(seeks, 1, 2);
    assert_true(sizes > 1);
    assert_true(r.options.screen_width_m > 3);
    for (int i = 0; i < 1000; i++)
        display_command(r.display, COMMAND_SCREEN_SIZE_BY, 2);
    assert_true(r.options.screen_width_m <= 50);
    assert_int_equal(rig_finish(&r), 60);
    assert_int_equal(reported("violations_total"), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_is_accounted_for),
        cmocka_unit_test(pictures_change_their_size),
        cmocka_unit_test(larger_than_the_runtime_takes),
        cmocka_unit_test(finer_than_the_headset),
        cmocka_unit_test(larger_than_the_runtime_admits),
        cmocka_unit_test(paused_when_the_session_is_lost),
        cmocka_unit_test(unseen_to_the_end),
        cmocka_unit_test(nothing_to_show),
        cmocka_unit_test(closed_at_once),
        cmocka_unit_test(controllers),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s CASE\n", argv[0]);
        return 2;
    }
    log_set_level(LOG_DEBUG);
    cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
