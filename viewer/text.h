// Text drawn by libass, for captions and for the on-screen text.
//
//     text_create -> text_add_font ... -> text_start -> text_draw for each frame -> text_destroy
//
// Thread-safety: none; the owner locks.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ass_track; // libass' ASS_Track: whoever fills one includes <ass/ass.h>
struct overlay;
struct text;

// The frame to draw for.
struct text_frame {
    int width, height;
    double aspect; // of the whole frame as it is to look
};

// NULL, logged: no libass.
struct text *text_create(void);
// Tracks made from it are freed before. Accepts a pointer to NULL; sets it to NULL.
void text_destroy(struct text **text);
// A font that comes with a film, beside the machine's own. Copies it. Before text_start().
void text_add_font(struct text *text, const char *name, const uint8_t *font, int size);
// Looks for fonts, some 20 ms. False, logged once in the program's life: there is none, of the
// machine's or a film's, and nothing is drawn.
bool text_start(struct text *text);
// An empty track; free with ass_free_track().
struct ass_track *text_new_track(struct text *text);
// 1: as large as the track says.
void text_set_scale(struct text *text, double scale);
// Puts into `overlay` what the track shows at this moment, where that has changed since the last
// call, or `anew`.
void text_draw(struct text *text, struct ass_track *track, int64_t time_ns,
               const struct text_frame *frame, bool anew, struct overlay *overlay);
