// Letterbox and pillarbox bars: black strips at the picture's sides that stay there.
//
// A row (or column) is dark where next to nothing in it is brighter than black, and lit where much
// is. A side's bar is as wide as its dark rows when a lit row follows at once, which no night scene
// does in a straight line, and when that was seen in BARS_PICTURES pictures in a row. It shrinks at
// once where a lit row shows up in it. Captions in a bar are neither dark nor lit and change
// nothing; nor do pictures that are dark altogether.
//
// Cost: reads every eighth pixel of the bars' rows, and of one row more.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include "kernels/synth.h"

#define BARS_PICTURES 12

struct bars {
    int width, height; // of the last picture; all-zero: none yet
    int bar[4];        // left, top, right, bottom, px
    int seen[4], times[4];
};

// The next picture of the film, upright; what is inside its bars. One of another size begins anew.
struct synth_inner bars_feed(struct bars *bars, const struct image *picture);
// What lies under the bars takes on what is beside them, so that nothing of them is seen inside.
// nearness: [height][width] of a picture of the last size.
void bars_cover(const struct bars *bars, float *nearness, int width, int height);
