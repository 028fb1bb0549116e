// A decoded frame on its way from the source to the converter.
//
// Frames come from a source's pool and go back to it; nothing is allocated while a film plays.
#pragma once
#include <stdint.h>

#include "engine/deep3d.h"

struct AVFrame;

struct frame {
    struct AVFrame *av;            // the source's; owns the memory that `picture` points into
    struct deep3d_picture picture; // as the converter takes it
    int64_t pts_ns;                // media time; 0 is the beginning of the file
    int64_t duration_ns;           // > 0; of a still image: how long it is shown
    unsigned generation;           // raised by each seek: frames of an older one are stale
    double aspect; // width / height of an eye as it is to look, upright (sample aspect applied)
};
