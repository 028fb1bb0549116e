// Checks the description of a caller's picture and says how to read it.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

#include "engine/deep3d.h"
#include "kernels/colour.h"

// False, with the reason logged, where the description makes no sense.
bool picture_check(const struct deep3d_picture *picture);
// The conversion of a checked picture; out and threads are left for the caller.
struct colour_job picture_colour_job(const struct deep3d_picture *picture);
