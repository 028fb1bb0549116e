// The network's answer as LAYERS slices from near to far, side by side: a grid of LAYERS_COLUMNS by
// LAYERS_ROWS pictures, the nearest at the left above, as Deep3D's page showed its depth layers.
//
// A slice is an equal part of the range between the nearest and the farthest level. Its picture
// shows how likely it is that a pixel lies in it: the sum of the levels' probabilities, a level
// that lies on the border between two slices giving each its part. Light is proportional to
// probability (values are sRGB), white is certain. Channel 0 of Deep3D (2016) is no level and is
// not shown. Models that give a number and no distribution are certain of one slice for each pixel.
//
// The number in a slice is the parallax in its middle, in % of the picture's width; what is in
// front of the screen has a positive one.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include "engine/canvas.h"
#include "engine/depth.h"

#define LAYERS_COLUMNS 4
#define LAYERS_ROWS 3
#define LAYERS (LAYERS_COLUMNS * LAYERS_ROWS)

struct layers;

// Never NULL.
struct layers *layers_create(void);
// Accepts a pointer to NULL; sets it to NULL.
void layers_destroy(struct layers **layers);

// Makes room for answers of this size; does nothing where it is there. False, logged, where memory
// is short.
bool layers_resize(struct layers *layers, int width, int height);
// Takes what the network said. levels.probability NULL: nearness, [height][width], counts.
void layers_set(struct layers *layers, const struct depth_levels *levels, const float *nearness);
// All slices, each in the shape of a picture of aspect (width / height), as large as the canvas
// allows; black around them. threads: 0: all cores.
void layers_draw(const struct layers *layers, const struct canvas *canvas, float aspect,
                 float strength, float convergence, int threads);
