// From a picture and its depth to what is seen: both eyes, or a view for people who look into the
// works.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/canvas.h"
#include "engine/comfort.h"
#include "engine/deep3d.h"
#include "engine/depth.h"
#include "engine/rig.h"

struct drawing;

// What is known of the picture that lies shrunk in the rig's stereo.
struct drawing_picture {
    // [near_height][near_width], in the rig's memory, not within the view's limits yet; NULL: none
    const float *nearness;
    int near_width, near_height;
    bool refined;             // stereo_refine() has had it
    struct synth_inner inner; // what of the picture has depth
    struct comfort_view view;
};

// With what the rig has and what the network of this depth said last; both outlive the drawing.
// threads: 0: all cores. Never NULL.
struct drawing *drawing_create(struct rig *rig, struct depth *depth, int threads);
// Accepts a pointer to NULL; sets it to NULL.
void drawing_destroy(struct drawing **drawing);

// Makes room for pictures of this width and the depth's answers to them; does nothing where it is
// there. False, logged, where memory is short.
bool drawing_resize(struct drawing *drawing, int picture_width);

// Draws, or queues, both eyes of the picture's size where the rig works. Those of a network that
// Deep3D (2016) trained are drawn as it did. False, logged where memory is short: nothing is drawn.
bool drawing_run(struct drawing *drawing, const struct drawing_picture *picture,
                 enum deep3d_view what, enum deep3d_shift shift, const struct deep3d_eyes *eyes);
// The depth layers alone, in the host's memory. False: nothing is known of the picture.
bool drawing_layers(const struct drawing *drawing, const struct drawing_picture *picture,
                    const struct canvas *canvas);
