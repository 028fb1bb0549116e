#include "tests/viewer/window_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "viewer/media_clock.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"
#include "viewer/vk_frames.h"

#define PATIENCE_NS (20 * NS_PER_S)
#define TITLE "test film.mkv"

static bool was_open;

// What the machine lacks is lacking from the beginning: later on, it is a failure.
static void skip_or_fail(const char *reason)
{
    if (was_open)
        fail_msg("%s, but there was one before", reason);
    fprintf(stderr, "SKIPPED: %s\n", reason);
    exit(77);
}

// The first line of a command's output.
static bool ask(const char *command, char *out, size_t size)
{
    FILE *pipe = popen(command, "r");
    bool ok = pipe && fgets(out, (int)size, pipe);

    if (pipe && pclose(pipe) != 0)
        ok = false;
    if (ok)
        out[strcspn(out, "\n")] = '\0';
    return ok;
}

void rig_open_display(struct rig *rig, bool first)
{
    struct vk_device_params params = {
        .swapchain = true,
        .can_present = window_can_present,
        .can_present_user = rig->window,
    };
    struct display_context context;
    struct stereo_memory memory;

    params.instance_extensions =
        window_instance_extensions(rig->window, &params.instance_extension_count);
    rig->vk = vk_device_create(&params);
    if (!rig->vk)
        skip_or_fail("no Vulkan device that draws into windows");
    // so that a software device draws as a graphics card does
    rig->vk->properties.deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    rig->frames = vk_frames_create(rig->vk);
    memory = vk_frames_memory(rig->frames);
    rig->ring = stereo_ring_create(RIG_RING, &memory);
    context = (struct display_context){
        .options = &rig->options,
        .ring = rig->ring,
        .clock = rig->clock,
        .commands = rig->commands,
        .stats = rig->stats,
        .vk = rig->vk,
        .frames = rig->frames,
        .first = first,
    };
    rig->display = display_window_create(&context, rig->window);
    assert_non_null(rig->display);
}

void rig_close_display(struct rig *rig)
{
    display_destroy(&rig->display);
    stereo_ring_destroy(&rig->ring);
    vk_frames_destroy(&rig->frames);
    vk_device_destroy(&rig->vk);
}

void rig_open(struct rig *rig, bool first)
{
    static const char *files[] = {"/some/where/" TITLE};

    *rig = (struct rig){
        .options = {.display = DISPLAY_KIND_WINDOW, .files = files, .file_count = 1},
    };
    rig->window = window_create(&rig->options);
    if (!rig->window)
        skip_or_fail("no X display");
    rig->clock = media_clock_create();
    rig->commands = command_queue_create();
    rig->stats = stats_create();
    rig_open_display(rig, first);
    rig_poll(rig, 200 * NS_PER_MS);
    assert_true(ask("xdotool search --name '" TITLE " - deep3d'", rig->id, sizeof(rig->id)));
    was_open = true;
}

void rig_close(struct rig *rig)
{
    rig_close_display(rig);
    window_destroy(&rig->window);
    media_clock_destroy(&rig->clock);
    command_queue_destroy(&rig->commands);
    stats_destroy(&rig->stats);
}

void rig_put(struct rig *rig, int width, int height, double aspect, int64_t pts_ns,
             rig_paint *paint)
{
    struct stereo_frame *f = stereo_ring_acquire(rig->ring, width, height, DEEP3D_MEMORY_HOST);

    assert_non_null(f);
    for (int eye = 0; eye < 2; eye++)
        for (int y = 0; y < height; y++)
            for (int x = 0; x < width; x++) {
                uint8_t *pixel = f->eyes.pixels[eye] + (size_t)y * f->eyes.stride_bytes + x * 4;

                paint(eye, x, y, pixel);
                pixel[3] = 255;
            }
    f->pts_ns = pts_ns;
    f->duration_ns = 40 * NS_PER_MS;
    f->aspect = aspect > 0 ? aspect : (double)width / height;
    f->generation = 0;
    assert_true(stereo_ring_publish(rig->ring, f));
}

void rig_poll(struct rig *rig, int64_t duration_ns)
{
    int64_t end_ns = clock_now_ns() + duration_ns;

    do
        assert_int_equal(display_poll(rig->display), DISPLAY_RUNNING);
    while (clock_now_ns() < end_ns);
}

void rig_show(struct rig *rig, int width, int height, double aspect, rig_paint *paint)
{
    int64_t shown = atomic_load(&rig->stats->frames_shown);
    int64_t give_up_ns = clock_now_ns() + PATIENCE_NS;

    stereo_ring_restart(rig->ring, 0);
    rig_put(rig, width, height, aspect, 0, paint);
    while (atomic_load(&rig->stats->frames_shown) == shown) {
        rig_poll(rig, 0);
        assert_true(clock_now_ns() < give_up_ns);
    }
    rig_poll(rig, 200 * NS_PER_MS); // and until the X server has it
}

void rig_xdotool(struct rig *rig, const char *arguments)
{
    char command[512];

    snprintf(command, sizeof(command), "ID=%s; xdotool %s", rig->id, arguments);
    assert_int_equal(system(command), 0);
}

void rig_resize(struct rig *rig, int width, int height)
{
    int64_t give_up_ns = clock_now_ns() + PATIENCE_NS;
    char arguments[64];
    int w, h;

    snprintf(arguments, sizeof(arguments), "windowsize $ID %d %d", width, height);
    rig_xdotool(rig, arguments);
    do {
        rig_poll(rig, 0);
        window_size(rig->window, &w, &h);
        assert_true(clock_now_ns() < give_up_ns);
    } while (w != width || h != height);
    rig_poll(rig, 300 * NS_PER_MS);
}

struct shot rig_shoot(struct rig *rig)
{
    struct shot shot = {0};
    char command[256], size[64];
    size_t bytes;
    FILE *pipe;

    snprintf(command, sizeof(command),
             "xdotool getwindowgeometry --shell %s | grep -E '^(WIDTH|HEIGHT)=' | cut -d= -f2 | "
             "paste -sd' '",
             rig->id);
    assert_true(ask(command, size, sizeof(size)));
    assert_int_equal(sscanf(size, "%d %d", &shot.width, &shot.height), 2);
    snprintf(command, sizeof(command), "import -window %s -depth 8 rgb:-", rig->id);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    bytes = (size_t)shot.width * (size_t)shot.height * 3;
    shot.rgb = mem_new(bytes, 1);
    if (fread(shot.rgb, 1, bytes, pipe) != bytes || fgetc(pipe) != EOF)
        fail_msg("import gave another number of pixels than %dx%d", shot.width, shot.height);
    pclose(pipe);
    return shot;
}

void rig_keep(struct rig *rig, const char *name)
{
    const char *directory = getenv("DEEP3D_TEST_PICTURES");
    char command[512];

    if (!directory)
        return;
    snprintf(command, sizeof(command), "import -window %s '%s/%s.png'", rig->id, directory, name);
    assert_int_equal(system(command), 0);
}

const uint8_t *shot_at(const struct shot *shot, int x, int y)
{
    assert_true(x >= 0 && x < shot->width && y >= 0 && y < shot->height);
    return shot->rgb + ((size_t)y * (size_t)shot->width + (size_t)x) * 3;
}

void shot_free(struct shot *shot)
{
    mem_free(shot->rgb);
    *shot = (struct shot){0};
}
