// The desktop window itself: SDL2's part, without drawing. Its keys become commands, as mpv has
// them:
//
//     space p         pause          left right          5 s back, on
//     f, double click fullscreen     shift + left right  1 s back, on
//     Esc             no fullscreen  up down             60 s on, back
//     9 0             volume         < >                 previous, next file
//     m               mute           1 2                 strength
//     t               stereo layout  3 4                 convergence
//     d               view           c                   automatic convergence
//     b               budget         w                   floating window
//     i               input layout   e                   eyes exchanged
//     a A             sound track    k K                 sound sooner, later
//     j J             captions       v                   hide them
//     z Z             captions sooner, later             Page up, down       chapter
//     . ,             picture on, back                   [ ] backspace       speed
//     r               recenter the headset               q, closing          quit
//
// Thread-safety: main thread only.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

struct command_queue;
struct options;
struct window;

// Opens the window, which must exist before the Vulkan device. NULL with one clear line: no display
// here, or none that Vulkan can draw on; an error where the person asked for the window.
struct window *window_create(const struct options *options);
// The display that draws in it is gone. Accepts a pointer to NULL; sets it to NULL.
void window_destroy(struct window **window);
// Path or URL of what plays; the title shows its last part. NULL: nothing plays.
void window_set_title(struct window *window, const char *file);

// The Vulkan instance extensions it needs; the array lives as long as the window.
const char *const *window_instance_extensions(struct window *window, uint32_t *out_count);
// Whether a queue family can show pictures in it: vk_device_params.can_present, user: the window.
bool window_can_present(void *window, VkInstance instance, VkPhysicalDevice physical,
                        uint32_t family);
// The caller destroys it before the instance. False, logged.
bool window_create_surface(struct window *window, VkInstance instance, VkSurfaceKHR *out);

// Looks after all waiting events. True: the window wants to be drawn (uncovered, resized, ...).
bool window_events(struct window *window, struct command_queue *commands);
// Sleeps until an event is there, or this long.
void window_wait(int timeout_ms);
void window_toggle_fullscreen(struct window *window);
bool window_fullscreen(const struct window *window);
// Its desktop may hold drawing in step with the screen up for as long as the window is covered, as
// Wayland does.
bool window_may_starve(const struct window *window);
// Neither minimised nor hidden.
bool window_visible(const struct window *window);
// In pixels, not in the desktop's scaled units.
void window_size(const struct window *window, int *out_width, int *out_height);
// Width of the monitor that it is on, in metres; 0: the monitor does not say it, or what it says
// cannot be.
double window_monitor_width_m(const struct window *window);
// The window's width as a part of the monitor's; 1 where that is not known.
double window_part_of_monitor(const struct window *window);
// Of the monitor that it is on.
int64_t window_refresh_ns(const struct window *window);
