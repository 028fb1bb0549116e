// A scene whose every view is known: textured discs and a ground at known nearness, drawn by ray
// for any eye.
#pragma once
#include <stdint.h>

struct scene {
    int width, height;
    float gain_px; // see struct synth_job
    float convergence;
};

// Nearness at a point of the picture between the eyes, pixels.
float scene_nearness(const struct scene *scene, float x, float y);
// What an eye sees: -1 left, 0 the picture between, +1 right. [height][width] R, G, B, 255;
// averaged over each pixel's width.
void scene_draw(const struct scene *scene, int eye, uint8_t *out);
// Nearness as a network gives it: coarse and a little soft. out: [height][width].
void scene_coarse(const struct scene *scene, int width, int height, float *out);
// Peak signal to noise ratio of R, G and B over columns that are at least margin_px from the sides,
// dB.
double scene_psnr(const struct scene *scene, const uint8_t *a, const uint8_t *b, int margin_px);
