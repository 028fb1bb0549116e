// Two JPEGs as one MPO file, the format of stereo cameras: the right eye's picture lies behind the
// left eye's, and a segment in each says what the two are to each other.
//
// Source: CIPA DC-007, "Multi-Picture Format" (2009), type "disparity".
//
// Thread-safety: safe.
#pragma once
#include <stddef.h>
#include <stdint.h>

// jpeg, bytes: left, right; each a whole JPEG that begins with SOI. The file's bytes, free with
// mem_free(); NULL, logged: one is no JPEG, both together pass 2 GiB, or no memory.
uint8_t *mpo_join(const uint8_t *const jpeg[2], const size_t bytes[2], size_t *out_bytes);
