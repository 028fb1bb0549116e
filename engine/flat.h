// Flat: captions and logos that are burnt into a film lie in one plane, so that their lettering
// does not bend with the depth of what is behind it.
//
// They are found on the small picture by what sets them apart: strong edges that stay where they
// are to the pixel while most other edges of the picture move, or that outlive a cut: there it is
// enough that they go the same way, as what lies behind has another light. Each such picture adds
// to what speaks for an edge; an edge that changes has nothing left. A picture that stands still
// says nothing of them, so nothing is found in it before the second cut: a still scene is never
// flattened. Edges must stand as close together as in lettering; boxes around them become plates.
//
// Over a picture that stands still, captions are found by how they come: in a few pictures' time
// many upright strokes stand side by side where nothing was before, in lines, and stay, while next
// to nothing else has come. They are flat until their strokes go. What was there when the shot
// began, or is uncovered bit by bit, is not found by that, and lettering of a few letters neither.
//
// A plate lies where the nearer parts of what it covers lie: in front of nearly all of it, so that
// it never seems to be cut into the scene, and no nearer than that, so that eyes need not turn.
//
// Edges and strokes are judged where the small picture lies (kernels/marks.h, strokes.h); the host
// hears how many there are in each block, and makes plates of them while the next steps are at
// work. So what is found in a picture counts from the next one on, on every device.
//
// Cost: a few operations a pixel of the small picture (some 150,000), none at full size.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "kernels/kernels.h"

struct flat;

// Never NULL.
struct flat *flat_create(const struct kernels *kernels);
// Accepts a pointer to NULL; sets it to NULL.
void flat_destroy(struct flat **flat);
// Makes room for small pictures of this size; does nothing where it is there. A change forgets what
// was found. False, logged, where memory is short.
bool flat_resize(struct flat *flat, int width, int height);
// Another film, or another place in it: nothing is known.
void flat_reset(struct flat *flat);
// Queues what flat_feed() needs to know of the next small picture. inner: the part of it that is
// judged, px; its borders, the edges of bars, are not. cut: it begins a shot.
void flat_look(struct flat *flat, const struct image *picture, struct synth_inner inner, bool cut);
// What was seen of it; the device has been waited for.
void flat_feed(struct flat *flat, bool cut);
// The part of the picture that plates cover, 0..1.
float flat_share(const struct flat *flat);
// Puts the plates into nearness, [height][width], in the device's memory: queued.
void flat_press(struct flat *flat, float *nearness, int width, int height);
