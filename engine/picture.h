// Checks the description of a caller's picture and says how to read it.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"
#include "kernels/colour.h"

// False, with the reason logged, where the description makes no sense. gpu: GPU memory is taken
// too.
bool picture_check(const struct deep3d_picture *picture, bool gpu);
// The same for the eyes of a checked picture.
bool picture_check_eyes(const struct deep3d_picture *picture, const struct deep3d_eyes *eyes,
                        bool gpu);
// Of a checked picture: how many planes there are, and what they hold.
int picture_planes(const struct deep3d_picture *picture);
size_t picture_row_bytes(const struct deep3d_picture *picture, int plane);
int picture_rows(const struct deep3d_picture *picture, int plane);
// What is stored of one eye: the picture, or half of it.
struct deep3d_size picture_eye_size(const struct deep3d_picture *picture);
// That part of a checked picture. eye: 0 left, 1 right.
struct deep3d_picture picture_eye(const struct deep3d_picture *picture, int eye);
// The conversion of a checked picture; out and threads are left for the caller.
struct colour_job picture_colour_job(const struct deep3d_picture *picture);
