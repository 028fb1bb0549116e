// Interaction profiles: which input and output paths a controller has. After "Interaction Profile
// Paths" of OpenXR 1.0.
//
// Thread-safety: constant.
#pragma once
#include <stdbool.h>

// Index of a profile; -1 where OpenXR 1.0 has none of this name.
int sim_profile_find(const char *profile);
const char *sim_profile_name(int profile);
// Whether a binding path, like /user/hand/left/input/menu/click, may be suggested for it.
bool sim_profile_allows(int profile, const char *binding);
#define SIM_PROFILES 9
