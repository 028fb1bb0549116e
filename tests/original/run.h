// One picture through an imported model: what the proof of the original compares.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct run {
    int width, height;        // of the distribution
    const float *probability; // [SELECT_CHANNELS][height][width]
    float *right;             // [3][picture_height][picture_width], R, G, B, 0..255
    struct depth *depth;
    struct stereo *stereo;
};

// NULL model or a failure: false, logged. Finish with run_finish() in any case.
bool run_open(struct run *run, const char *model);
// rgba: [height][width][4]. False where it failed.
bool run_picture(struct run *run, const uint8_t *rgba, int width, int height);
void run_finish(struct run *run);
