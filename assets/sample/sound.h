// The sample clip's sound: a quiet plucked melody under what can be heard in the shots.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>
#include "assets/sample/story.h"

// Writes a WAV file, 16 bits, 48 kHz, stereo, exactly as long as the shots together. False, logged,
// where path cannot be written.
bool sound_write(const struct shot *const *shots, int count, const char *path);
