// The desktop window as a display, alone or beside the headset, in any stereo layout.
//
// Drawn on the main thread at the window's own pace: as the first display it takes the frame that
// is due at the moment the picture will be seen, as a mirror whatever the headset shows, up to 30
// times a second. It waits for the device only where the window was resized: else what
// cannot be drawn now is drawn at a later poll.
//
// Its statistics: a period is one refresh of the screen; it is late when a picture that should be
// drawn waited through all of it, or the main thread was away.
#pragma once

#include "viewer/display.h"
#include "viewer/window.h"

// NULL, logged. The window outlives the display, so that a new device can take it over.
struct display *display_window_create(const struct display_context *context, struct window *window);
