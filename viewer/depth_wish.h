// What the person wants of depth: from the options and the screen that they sit before to what the
// converter takes, and to a line that says what applies.
//
// Thread-safety: pure functions.
#pragma once
#include <stddef.h>

#include "viewer/conversion.h"
#include "viewer/display.h"
#include "viewer/options.h"

struct conversion_depth depth_wish(const struct options *options, struct display_screen screen);
// The line of the log.
void depth_wish_describe(const struct options *options, struct display_screen screen, char *text,
                         size_t size);
// A few words, for the screen: what the keys change.
void depth_wish_say(const struct options *options, char *text, size_t size);
