// On-screen text: one short line at the screen's top left, a bit in front of the screen, for a
// moment. It answers what the viewer did, and tells what they would otherwise only read in the log.
//
// Thread-safety: safe; drawing belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "viewer/stereo_ring.h"

struct osd;

// NULL, logged: nothing can be drawn here.
struct osd *osd_create(void);
// Accepts a pointer to NULL; sets it to NULL.
void osd_destroy(struct osd **osd);

// Replaces what is shown. osd NULL: does nothing.
__attribute__((format(printf, 2, 3))) void osd_show(struct osd *osd, const char *format, ...);
// What was drawn last is not what is to be seen now: pictures that stand still want to be made anew.
// osd NULL: false.
bool osd_stale(struct osd *osd);
// Into both eyes of a converted frame. osd NULL: draws nothing.
void osd_draw(struct osd *osd, const struct deep3d *converter, const struct stereo_frame *frame);
