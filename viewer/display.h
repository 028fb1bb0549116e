// A place where stereo frames are seen: headset, window, or nothing at all (null).
//
// The player makes the displays, calls display_poll() of each again and again on the main thread,
// and destroys them. One of them is the first and moves the ring on (stereo_ring.h); the others
// mirror it.
//
// Thread-safety: main thread only; a display may run a thread of its own.
#pragma once
#include <stdbool.h>

#include "viewer/options.h"

struct command_queue;
struct media_clock;
struct stats;
struct stereo_ring;
struct vk_device;
struct vk_frames;

// What displays work with. Everything outlives them.
struct display_context {
    struct options *options; // main thread only: commands change it
    struct stereo_ring *ring;
    struct media_clock *clock;
    struct command_queue *commands;
    struct stats *stats;
    struct vk_device *vk;     // NULL for the null display
    struct vk_frames *frames; // NULL for the null display
    bool first;               // this display moves the ring on and keeps the statistics
};

enum display_state {
    DISPLAY_STARTING, // not yet able to show: the film waits
    DISPLAY_RUNNING,
    DISPLAY_ENDED, // the runtime asked for the end, or the viewer left for good
    DISPLAY_LOST,  // broken: making it anew may help, from the Vulkan device up
};

struct display;

struct display_screen {
    double width_m, distance_m;
};

struct display_ops {
    const char *name; // as in the statistics
    // Looks after events and, in a window, draws. Never blocks for longer than a frame takes to
    // draw.
    enum display_state (*poll)(struct display *display);
    // Ends its thread, releases its frames. Accepts a half-built display. A headset's runtime that
    // hangs keeps both: xr_left_behind().
    void (*destroy)(struct display *display);
    // Does a command that is the display's own (fullscreen, recenter, ...). Optional: NULL means it
    // has none.
    void (*command)(struct display *display, int kind, double value);
    // The picture as the viewer sees it: its width and how far away it is. Optional: NULL means the
    // screen of the options.
    struct display_screen (*screen)(const struct display *display);
};

// First member of every display's own struct.
struct display {
    const struct display_ops *ops;
    struct display_context context;
};

enum display_state display_poll(struct display *display);
void display_command(struct display *display, int kind, double value);
struct display_screen display_screen(const struct display *display);
// Accepts a pointer to NULL; sets it to NULL.
void display_destroy(struct display **display);

// Takes every frame as soon as it is there and drops none: for tests and benchmarks.
struct display *display_null_create(const struct display_context *context);
