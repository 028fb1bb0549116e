// Both eyes as Deep3D (2016) draws them (kernels/select.h): the other way from a picture to a
// stereo pair, for comparing.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"
#include "kernels/kernels.h"

struct selection;

// threads: 0: all cores. Never NULL.
struct selection *selection_create(const struct kernels *kernels, int threads);
// Accepts a pointer to NULL; sets it to NULL.
void selection_destroy(struct selection **selection);

// Makes room for pictures of this width and answers of that one; does nothing where it is there.
// False, logged, where memory is short.
bool selection_resize(struct selection *selection, int picture_width, int answer_width);
// probability: [SELECT_CHANNELS][height][width]. The eyes have the picture's size.
void selection_draw(struct selection *selection, const struct image *picture,
                    const float *probability, int width, int height,
                    const struct deep3d_eyes *eyes);
