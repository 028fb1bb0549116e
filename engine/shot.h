// Shots: tells, picture by picture, where a new one begins, before that picture is shown.
//
// Pictures are fed in the film's order, up to SHOT_AHEAD of them before the verdict on the oldest
// is asked for: what follows is what tells a cut from a photographer's flash or from a jolt.
//
//     shot_feed(&s, picture 0..n);  step = shot_next(&s);  shot_feed(&s, picture n + 1);  ...
//
// Of each picture two things are kept: a 32x18 thumbnail of luma (what stands where) and histograms
// of R, G and B (what colours there are).
// - cut: both change much more than they did lately and than they do right after; motion changes
//   the first only, light the second only.
// - flash: such a change all one way, brighter or darker, after which the picture before it comes
//   back within the pictures ahead.
// - fade: pictures of one colour (black, mostly) tell nothing; the shot begins with the first
//   picture that shows something again, or where a logo or a few words always did, with the first
//   that shows more than these.
// - dissolve: over some 8 to 24 pictures each point goes on a straight way from what was there to
//   something unlike it, and the mixture between has less contrast than its ends, which no motion
//   of the camera brings about.
//
// Without pictures ahead (a live source) cuts are found as well; flashes count as cuts then.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "kernels/image.h"

#define SHOT_WIDTH 32
#define SHOT_HEIGHT 18
#define SHOT_BINS 16
#define SHOT_AHEAD 4
#define SHOT_LOOKS 32 // remembered; a power of two

enum shot_kind {
    SHOT_SAME, // no new shot
    SHOT_CUT,  // the film's first picture included
    SHOT_FADE, // out of a picture of one colour
    SHOT_DISSOLVE,
};

struct shot_step {
    enum shot_kind begins; // what kind of new shot this picture begins
    bool hold;             // it says nothing of the scene: a flash, or one colour
    float turn; // 0..1: the part of the past that gives way with this picture; 1: all, a new shot
};

struct shot_look {
    float luma[SHOT_WIDTH * SHOT_HEIGHT]; // 0..255
    float colours[3 * SHOT_BINS];         // parts of 1, a channel
    float contrast;                       // standard deviation of single pixels' luma
    float spread; // the same of the thumbnail's, where what stands out far does not count for more
    float luma_step, colour_step; // change against the picture before
};

struct shot {
    long fed, told; // pictures since the last reset; all-zero: none yet
    struct shot_look looks[SHOT_LOOKS];
    float usual_luma, usual_colours; // how much pictures change lately
    long first;                      // picture of this shot, after its fade-in
    long flash_end;                  // the picture that comes after the flash
    long dissolve_end;               // no picture of a dissolve was seen from here on
    bool rising;                     // a fade-in is going on
    bool dark;                       // there was nothing but a logo, at most
    float marks;                     // contrast before the fade-in
};

// Forgets all, pictures ahead included: the next picture begins a shot.
void shot_reset(struct shot *shot);
// The next picture of the film, any size; a small one is enough. At most SHOT_AHEAD wait already.
void shot_feed(struct shot *shot, const struct image *picture);
// How many pictures were fed whose verdict is not told yet.
int shot_waiting(const struct shot *shot);
// The verdict on the oldest of them; there must be one.
struct shot_step shot_next(struct shot *shot);
