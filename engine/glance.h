// A glance at a picture: a small copy by single samples, before any work is done on it. It is for
// judgements about the film (shot.h), not for drawing: no sample is averaged, nothing is turned
// upright.
//
// Cost: reads three samples for each of its 14,400 pixels, whatever the picture's size.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include "engine/deep3d.h"
#include "kernels/kernels.h"

#define GLANCE_WIDTH 160
#define GLANCE_HEIGHT 90

struct glance {
    uint8_t pixels[GLANCE_HEIGHT][GLANCE_WIDTH * 4]; // R, G, B, 255
};

// picture: one that picture_check() let pass, in the host's memory.
void glance_take(struct glance *out, const struct deep3d_picture *picture);
// The work of it, for the kernels whose memory the picture lies in. out: as struct glance.
struct glance_job glance_job(const struct deep3d_picture *picture, uint8_t *out);
// Valid as long as the glance; its rows have no padding.
struct image glance_image(struct glance *glance);
