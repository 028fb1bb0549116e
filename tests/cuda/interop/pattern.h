// Patterns in memory that CUDA and another API share: written and looked at by CUDA.
//
// All is queued on the per-thread default stream of the calling thread.
//
// Thread-safety: one thread.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// False: no GPU; text says why.
bool pattern_open(char *text, size_t size);
void pattern_close(void);
// pixels: device memory, [height][stride_bytes]
bool pattern_write(uint8_t *pixels, int width, int height, size_t stride_bytes, uint32_t seed);
bool pattern_look(const uint8_t *pixels, int width, int height, size_t stride_bytes, uint32_t seed);
// Waits for what was queued. False: the GPU failed, or a pattern that was looked at since the last
// call has wrong pixels, one of which is at *out_x, *out_y in that of *out_seed.
bool pattern_right(uint32_t *out_seed, uint32_t *out_x, uint32_t *out_y);

#ifdef __CUDACC__
#define PATTERN_BOTH __host__ __device__
#else
#define PATTERN_BOTH
#endif

// One pixel of a pattern; another one for each seed.
PATTERN_BOTH static inline uint32_t pattern_pixel(uint32_t seed, uint32_t x, uint32_t y)
{
    uint32_t v = seed * 0x9E3779B1u ^ (y * 70001u + x) * 0x85EBCA77u;

    v = (v ^ v >> 15) * 0x2C1B3C6Du;
    return v ^ v >> 13;
}

#ifdef __cplusplus
}
#endif
