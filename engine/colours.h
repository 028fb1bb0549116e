// Nearness as colours: black is the farthest, pale yellow the nearest.
//
// The colours are matplotlib's "inferno" by Nathaniel J. Smith and Stefan van der Walt, given to
// the public (CC0): github.com/matplotlib/matplotlib, lib/matplotlib/_cm_listed.py. Every fifteenth
// of its 256 is kept and the others are interpolated, which is within 6 of 255.
//
// Thread-safety: safe on disjoint outputs.
#pragma once
#include <stdint.h>

#include "engine/canvas.h"

// count pixels: R, G, B, 255. nearness outside 0..1 is taken for the end that it passed.
void colours_row(const float *nearness, int count, uint8_t *out);
// The scale, at the picture's right border: which colour is which parallax, in % of the picture's
// width; in front of the screen it is positive. parallax = strength * (nearness - convergence).
void colours_scale(const struct canvas *canvas, float strength, float convergence);
