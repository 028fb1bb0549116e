// Letterbox and pillarbox bars: black strips at the picture's sides that stay there.
//
// A row (or column) is dark where next to nothing in it is brighter than black, and lit where much
// is. A side's bar is as wide as its dark rows when a lit row follows at once, which no night scene
// does in a straight line, and when that was seen in BARS_PICTURES pictures in a row. It shrinks at
// once where a lit row shows up in it. Captions in a bar are neither dark nor lit and change
// nothing; nor do pictures that are dark altogether.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "kernels/edges.h"
#include "kernels/press.h"
#include "kernels/synth.h"

#define BARS_PICTURES 12

struct bars {
    int width, height; // of the last picture; all-zero: none yet
    int bar[4];        // left, top, right, bottom, px
    int seen[4], times[4];
    bool doubted[4];
};

// What follows may be another film, whose picture may lie where bars were known: until one has been
// seen again, it shrinks where a row is not dark, lit or not.
void bars_doubt(struct bars *bars);

// The next picture of the film, upright, and how far its sides are black. One of another size
// begins anew.
void bars_feed(struct bars *bars, int width, int height, const struct edges *edges);
// What is inside the bars of a picture of this size; all of it where the last one had another.
struct synth_inner bars_inner(const struct bars *bars, int width, int height);
// What lies under the bars takes on what is beside them, so that nothing of them is seen inside:
// the part that counts, without limits, of nearness of this size; in and out are the caller's.
struct press_job bars_cover(const struct bars *bars, int width, int height);
