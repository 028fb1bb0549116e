// The desktop window: SDL2 and Vulkan, alone or beside the headset, in any stereo layout; its keys
// become commands.
//
// Drawn on the main thread at the window's own pace: as the first display it takes the frame that
// is due at the moment the picture will be seen, as a mirror whatever the headset shows.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "viewer/display.h"

struct window;

// Opens the window itself, which must exist before the Vulkan device. NULL with one clear line: no
// display here.
struct window *window_create(const struct options *options);
void window_destroy(struct window **window);
// The Vulkan instance extensions it needs; the array lives as long as the window.
const char *const *window_instance_extensions(struct window *window, uint32_t *out_count);

// NULL, logged. The window outlives the display (so that a new device can take it over).
struct display *display_window_create(const struct display_context *context, struct window *window);
