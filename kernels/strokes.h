// Strokes: where lettering has come into a small picture's luma that was not there before and has
// stayed since. engine/flat.h says what for.
//
// A stroke is a pixel that is brighter, or darker, than both pixels STROKES_REACH_PX beside it: a
// letter's upright line, or the gap between two. What sets lettering apart from other things that
// come into a picture is how many of them stand side by side.
//
// Each pixel has a state: from one where nothing stood, a stroke may come, at once or faded in;
// then each picture in which it stays adds to its age. A stroke that was there before, or moves,
// has none. None comes while nearly all edges of the picture move (marks.h finds what stays among
// them), as a sign's would when the camera stops. Nothing outlives a cut.
//
// Cost: reads 2 bytes a pixel of the small picture, reads and writes 1; reads it again.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "kernels/marks.h"

#define STROKES_REACH_PX 2
// How much it differs, of 255, and at most where nothing stands.
#define STROKES_LEAST 40
#define STROKES_NONE 16
// The part of the edges that is nearly all.
#define STROKES_MOVING 0.95f
// States: something else; nothing; a stroke's age follows, in pictures.
#define STROKES_OTHER 0
#define STROKES_NOTHING 1
// States that count as a stroke that has just come, and all that do.
#define STROKES_FRESH 6
#define STROKES_FRESH_LAST 8
#define STROKES_BLOCK_PX 8

struct strokes_job {
    const uint8_t *luma, *old; // [height][width], of this picture and the one before
    int width, height;
    int left, top, right, bottom; // the part that is judged, right and bottom the first beyond it;
                                  // not the STROKES_REACH_PX outermost columns
    bool cut;                     // this picture begins a shot
    const struct marks_edges *edges; // of this picture's marks_job
    uint8_t *state;                  // [height][width], in, out
    // out: strokes in each block of STROKES_BLOCK_PX x STROKES_BLOCK_PX, [rows][columns], those at
    // the end cut off: that have just come, and all that have come and stayed
    uint8_t *fresh, *all;
};

typedef void kernel_strokes(const struct strokes_job *job);
