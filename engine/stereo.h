// From an upright picture and its nearness to both eyes: the part of the converter that needs no
// network.
//
//     stereo_resize(s, width, height);
//     fill(stereo_picture(s));            // the colour kernel writes it, padding too
//     stereo_draw(s, &view);
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

struct stereo;

struct stereo_view {
    const float *nearness; // [near_height][near_width], 0..1; as the eyes in the kernels' memory
    int near_width, near_height;
    struct synth_inner inner; // all 0: the whole picture
    float gain_px[2];         // see struct synth_job
    float convergence;
    uint8_t *eye[2]; // [height][stride_bytes], left, right; see struct synth_job
    size_t stride_bytes;
    bool refined; // stereo_refine() has had this nearness
};

// threads: 0: all cores. Never NULL.
struct stereo *stereo_create(const struct kernels *kernels, int threads);
// Accepts a pointer to NULL; sets it to NULL.
void stereo_destroy(struct stereo **stereo);

// Makes room for pictures of this size; does nothing where it is there. False, logged, where memory
// is short: there is no picture then until the next call that succeeds.
bool stereo_resize(struct stereo *stereo, int width, int height);
// Makes room for the picture in 16 bits a sample beside the one in 8, or gives that up; call after
// each resize. Both eyes then have 16 bits too. False, logged, where memory is short.
bool stereo_keep_fine(struct stereo *stereo, bool wanted);
// Written by the caller; valid until the next resize.
const struct image *stereo_picture(const struct stereo *stereo);
// Written by the caller as well; pixels NULL where it is not wanted.
const struct image *stereo_fine(const struct stereo *stereo);
// Call when the picture is complete: makes the small one. It is valid until the next call.
const struct image *stereo_shrink(struct stereo *stereo);
// The small one as it was last made; its size is right from the resize on.
const struct image *stereo_small(const struct stereo *stereo);
// Nearness of the shrunk picture takes on its edges; stereo_draw() does it where the view does not
// say that it was done.
void stereo_refine(struct stereo *stereo, const float *nearness, int near_width, int near_height);
// Both eyes of the shrunk picture.
void stereo_draw(struct stereo *stereo, const struct stereo_view *view);
// Nearness of row y as the eyes are drawn with: at full size, with the picture's edges;
// [width]. Called on several threads, each row once.
typedef void stereo_row(void *user, int y, const float *nearness);
// Calls `row` for all rows of the shrunk picture. Of the view, nearness and the inner part count.
// On a GPU the picture is brought to the host for it, and waited for. False, logged: there is no
// memory for that, or the device failed.
bool stereo_rows(struct stereo *stereo, const struct stereo_view *view, stereo_row *row,
                 void *user);
