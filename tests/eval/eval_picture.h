// Pictures in and out of the quality program: anything that FFmpeg decodes, as R, G, B, 255.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "viewer/stereo_input.h"

struct eval_picture {
    int width, height;
    uint8_t *rgba; // [height][width * 4], or NULL
};

struct eval_film;

// A film or a single image. NULL, with a line on standard error, where it holds no picture that can
// be decoded.
struct eval_film *eval_film_open(const char *path);
// Accepts a pointer to NULL; sets it to NULL.
void eval_film_close(struct eval_film **film);
// How it shows both eyes; asked: as somebody says who knows. False: in a way that is not read here.
bool eval_film_halves(const struct eval_film *film, enum stereo_input asked,
                      struct stereo_halves *out);
// The next picture, valid until the next call; false at the end.
bool eval_film_next(struct eval_film *film, struct eval_picture *out);

// A single image, to be freed with eval_picture_free(); rgba NULL where it cannot be read.
struct eval_picture eval_picture_read(const char *path);
void eval_picture_free(struct eval_picture *picture);
// False, with a line on standard error, where it cannot be written.
bool eval_picture_write(const char *path, const uint8_t *rgba, int width, int height);

struct eval_sheet {
    int width, height;          // of each picture
    const uint8_t *left;        // [height][width * 4]
    const float *nearness;      // [near_height][near_width], 0..1
    const uint8_t *right;       // as it was drawn
    const uint8_t *right_truth; // what it is compared with
    int near_width, near_height;
};

// One picture that shows four, two by two: left, nearness (light is near), right, and how the right
// one differs from the truth (grey: not at all). False, with a line on standard error, where it
// cannot be written.
bool eval_picture_write_sheet(const char *path, const struct eval_sheet *sheet);
// The same of 16 bits, grey; *out [height][width] is the caller's to free. False: there is no such
// file, or it is no such picture (said on standard error).
bool eval_picture_read_grey16(const char *path, int *out_width, int *out_height, uint16_t **out);
