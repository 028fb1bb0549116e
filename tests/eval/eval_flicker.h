// How unsteady depth is in a film: the mean change of nearness from picture to picture along the
// motion that is seen, over points that are the same in both pictures. Shots do not count as
// change.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct eval_flicker;

// width, height: of nearness. Never NULL.
struct eval_flicker *eval_flicker_create(int width, int height);
// Accepts a pointer to NULL; sets it to NULL.
void eval_flicker_destroy(struct eval_flicker **flicker);
// The next picture, R, G, B, x without gaps, and its nearness [height][width]. new_shot: nothing is
// compared.
void eval_flicker_add(struct eval_flicker *flicker, const uint8_t *rgba, int picture_width,
                      int picture_height, const float *nearness, bool new_shot);
// In % of the range of nearness; 0 where nothing could be compared.
double eval_flicker_percent(const struct eval_flicker *flicker);
