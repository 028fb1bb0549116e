// Pictures laid over both eyes after synthesis, at a depth of their own: captions, on-screen text.
//
//     overlay_set(o, pieces, count, width, height);    when they change
//     overlay_draw(o, converter, &depth, pts_ns, &eyes);    into every frame
//
// Pieces that touch, or nearly, make one box, which has one depth: in front of what it covers
// (deep3d_parallax_over), eased so that a caption does not jump while it is read. Each eye gets the
// box moved sideways by half its parallax. A frame costs the boxes' pixels, and nothing where there
// are none. Eyes in a GPU's memory are drawn into by the GPU, which gets the pieces when they
// change.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deep3d;
struct deep3d_eyes;
struct overlay;

// A picture with its place in the frame; parts beyond the frame's border are left out.
struct overlay_piece {
    int x, y, width, height; // > 0
    size_t stride_bytes;
    const uint8_t *coverage; // [height][stride_bytes], 0..255, of one colour; NULL: `rgba`
    uint8_t colour[4];       // of the coverage: R, G, B, A, not premultiplied
    const uint8_t *rgba;     // [height][stride_bytes], premultiplied
};

struct overlay_depth {
    bool fixed;
    float pct;       // parallax in % of the width; > 0: in front of the screen
    float least_pct; // not fixed: no farther than this
};

struct overlay_box {
    int x, y, width, height; // before it is moved
    float parallax_pct;
    int move_px[2]; // to the right, for the left and the right eye
};

// Never NULL.
struct overlay *overlay_create(void);
// Accepts a pointer to NULL; sets it to NULL.
void overlay_destroy(struct overlay **overlay);

// Copies what it is given, in this order, the last on top; none: nothing is drawn. A box where
// another was before begins at that one's depth. False, logged: no memory; nothing is drawn.
bool overlay_set(struct overlay *overlay, const struct overlay_piece *pieces, int count, int width,
                 int height);
// eyes: of the size given to overlay_set() and 8 bits a sample, else nothing is drawn; those in
// CUDA's memory on the GPU that the calling thread works on, where the drawing is queued. pts_ns:
// media time, for easing. converter NULL: as if all lay on the screen.
void overlay_draw(struct overlay *overlay, const struct deep3d *converter,
                  const struct overlay_depth *depth, int64_t pts_ns,
                  const struct deep3d_eyes *eyes);
// How many boxes there are, and what the last overlay_draw() did with the index-th.
int overlay_box_count(const struct overlay *overlay);
struct overlay_box overlay_box(const struct overlay *overlay, int index);
