// Makes one picture of a shot at one moment.
//
// Thread-safety: one picture at a time; each uses all cores through base/parallel.h.
#pragma once
#include <stdint.h>
#include "assets/sample/story.h"

struct picture {
    int width, height; // in pixels, multiples of 4
    float *light;      // [height][width][3], linear; the caller's, RENDER_BYTES(width, height) long
};
#define RENDER_BYTES(width, height) ((size_t)(width) * (height)*3 * sizeof(float))

// time: seconds since the shot began. shutter: seconds that the picture is open for. samples: rays
// a pixel, >= 1; each sees another point of the pixel and another moment of the shutter's time,
// which smooths edges and movement.
void render_picture(const struct shot *shot, float time, float shutter, int samples,
                    struct picture *out);
// Film curve, a soft vignette and gamma 2.2 with fine grain: out is [height][width][3], 8 bits.
// seed: of the grain, another one for each picture.
void render_develop(const struct picture *in, int seed, uint8_t *out);
