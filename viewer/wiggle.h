// A photograph that sways: views from left to right and back, over and over, as a moving GIF, WebP
// or MP4 by the file's ending. Depth for people without glasses.
//
// FFmpeg's filters bring the views into the format: GIF gets a palette of its own for all views,
// GIF and WebP are made at most WIGGLE_SMALL_PX wide, since they are sent around.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define WIGGLE_FRAMES_PER_S 15
#define WIGGLE_SMALL_PX 800

struct AVFrame;
struct wiggle;

// NULL, logged. There is nothing under the name yet, or what was there before. path outlives it.
struct wiggle *wiggle_create(const char *path, int width, int height);
// The next view: R, G, B, unused; of the size given. False, logged.
bool wiggle_add(struct wiggle *wiggle, const uint8_t *pixels, int stride_bytes);
// Completes the file under its name and destroys; false, logged.
bool wiggle_finish(struct wiggle **wiggle);
// Leaves no file. Accepts a pointer to NULL; sets it to NULL.
void wiggle_discard(struct wiggle **wiggle);
