// The window display with everything that it needs, on the X display of DISPLAY, and what a person
// sees of it and does to it.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "viewer/commands.h"
#include "viewer/display_window.h"
#include "viewer/options.h"
#include "viewer/vk_device.h"

#define RIG_RING 6

struct rig {
    struct options options;
    struct window *window;
    struct vk_device *vk;
    struct vk_frames *frames;
    struct stereo_ring *ring;
    struct media_clock *clock;
    struct command_queue *commands;
    struct stats *stats;
    struct display *display;
    char id[32]; // of the X window
};

// What is on the screen of the window.
struct shot {
    int width, height;
    uint8_t *rgb; // [height][width][3]
};

// 8-bit values of a pixel of one eye, 0 left, 1 right.
typedef void rig_paint(int eye, int x, int y, uint8_t out_rgb[3]);

// Exits the program with 77 where there is no window or no Vulkan device.
void rig_open(struct rig *rig, bool first);
void rig_close(struct rig *rig);
// The Vulkan device, its frames, ring and display, which live shorter than the window.
void rig_open_display(struct rig *rig, bool first);
void rig_close_display(struct rig *rig);

// One more frame into the ring. aspect 0: that of the pixels.
void rig_put(struct rig *rig, int width, int height, double aspect, int64_t pts_ns,
             rig_paint *paint);
// Polls for this long; fails the test when the display is lost.
void rig_poll(struct rig *rig, int64_t duration_ns);
// Puts a frame, restarted as the first of its generation, and polls until it is on screen.
void rig_show(struct rig *rig, int width, int height, double aspect, rig_paint *paint);
// Sets the window's size and waits until it is so.
void rig_resize(struct rig *rig, int width, int height);
// Runs xdotool with these arguments; $ID is the window.
void rig_xdotool(struct rig *rig, const char *arguments);

struct shot rig_shoot(struct rig *rig);
// The same, kept as a PNG file of this name in the directory of DEEP3D_TEST_PICTURES, if set.
void rig_keep(struct rig *rig, const char *name);
const uint8_t *shot_at(const struct shot *shot, int x, int y);
void shot_free(struct shot *shot);
