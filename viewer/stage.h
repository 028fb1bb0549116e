// Where the film is shown: the displays that are here, the Vulkan device and the ring of stereo
// frames that they share.
//
// The headset is the first display where there is one, else the window; a window beside a headset
// mirrors it. When the headset's runtime dies, everything is built anew, and where it stays away
// the window goes on alone.
//
// Thread-safety: main thread only.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "viewer/commands.h"
#include "viewer/display.h"

struct stage;

// Only options, clock, commands and stats of the context are given; they outlive the stage.
// NULL, logged: nothing to show it on.
struct stage *stage_create(const struct display_context *context);
// Nothing uses the ring any more. Afterwards xr_left_behind() counts. Accepts a pointer to NULL; sets it to NULL.
void stage_destroy(struct stage **stage);

// Another one after stage_rebuild(), NULL where that failed.
struct stereo_ring *stage_ring(struct stage *stage);
// Which GPU shows the pictures: its UUID, until stage_rebuild(). NULL: none.
#define STAGE_UUID_BYTES 16
const uint8_t *stage_gpu_uuid(const struct stage *stage);
// Frames are shown at their time. False (null display): as fast as they come.
bool stage_keeps_time(const struct stage *stage);

// Path or URL of what plays, for the window's title.
void stage_set_title(struct stage *stage, const char *file);
// Looks after every display; may wait a few milliseconds.
enum display_state stage_poll(struct stage *stage);
// The picture as the viewer sees it, on the first display.
struct display_screen stage_screen(const struct stage *stage);
void stage_command(struct stage *stage, enum command_kind kind, double value);
// After DISPLAY_LOST, with the ring no longer used: all made anew, which may take seconds. False:
// nothing is left to show it on, logged, or give_up became true.
bool stage_rebuild(struct stage *stage, const atomic_bool *give_up);
