// Keeps nearness steady from picture to picture inside a shot (kernels/steady.h says how a pixel is
// filtered). Answers are brought to the edges of their pictures before (kernels/snap.h).
//
// What moves is followed (kernels/motion.h): a pixel's past is that of the thing that it shows now.
// Before pixels are filtered, the whole answer is brought in line with the past by the one scale
// and shift that fit the pixels that both pictures have: networks that see each picture alone
// breathe in exactly these two.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/depth.h"
#include "kernels/kernels.h"

struct steady;

// Never NULL.
struct steady *steady_create(const struct kernels *kernels);
// Accepts a pointer to NULL; sets it to NULL.
void steady_destroy(struct steady **steady);

// Makes room for answers of this size; does nothing where it is there. A change forgets the past.
// False, logged, where memory is short.
bool steady_resize(struct steady *steady, int width, int height);
// The filtered nearness, [height][width], valid until the next call. picture: the small one that
// belongs to the answer. turn: the part of the past that gives way at least, 0 inside a shot .. 1:
// it does not count.
const float *steady_run(struct steady *steady, const struct depth_answer *answer,
                        const struct image *picture, float turn);
// The same for a picture that the network did not see, inside a shot: the past, moved along with
// what is in the picture. NULL: there is no past.
const float *steady_follow(struct steady *steady, const struct image *picture);
