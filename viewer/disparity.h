// Nearness as a picture of its own: 16-bit grey, as a disparity file holds it.
//
// Thread-safety: safe.
#pragma once

struct deep3d_eyes;

// Draws nearness ([near_height][near_width], 0 far .. 1 near; what is beyond is cut off) over the
// left eye's memory: rows of 16-bit words, 0 far .. 65535 near, interpolated to the eyes' size.
void disparity_draw(const float *nearness, int near_width, int near_height,
                    const struct deep3d_eyes *eyes);
