// How much the eyes swim at edges of depth: where the film stands still, from picture to picture,
// and an edge of depth is near, how much more the eyes change than the film does. Shots do not
// count as change.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct eval_swim;

struct eval_swim_picture {
    const uint8_t *film, *eyes[2]; // [height][width], R, G, B, x without gaps
    const float *nearness;         // [near_height][near_width]
    int near_width, near_height;
};

// Size of the pictures. reach_px: how far an eye's pixels may come from. Never NULL.
struct eval_swim *eval_swim_create(int width, int height, int reach_px);
// Accepts a pointer to NULL; sets it to NULL.
void eval_swim_destroy(struct eval_swim **swim);
// The next picture. new_shot: nothing is compared.
void eval_swim_add(struct eval_swim *swim, const struct eval_swim_picture *picture, bool new_shot);
// The mean change of the eyes less that of the film, steps of 255; 0 where nothing could be
// compared.
double eval_swim_steps(const struct eval_swim *swim);
// The part of all pixels that could be compared.
double eval_swim_share(const struct eval_swim *swim);
