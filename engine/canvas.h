// A picture to draw simple things on: boxes and numbers.
//
// What lies outside is left out.
//
// Thread-safety: safe on disjoint pictures.
#pragma once
#include <stddef.h>
#include <stdint.h>

struct canvas {
    uint8_t *pixels; // R, G, B, 255; [height][stride_bytes]
    int width, height;
    size_t stride_bytes;
};

void canvas_fill(const struct canvas *canvas, int x, int y, int width, int height,
                 const uint8_t rgb[3]);
// text of 0-9, +, -, . and %, anything else is a space. x, y: its left upper corner; height_px: of
// the letters, at least 7. Dark outlines make it readable on everything.
void canvas_number(const struct canvas *canvas, int x, int y, int height_px, const char *text);
// How wide that would be, in pixels.
int canvas_number_width(int height_px, const char *text);
