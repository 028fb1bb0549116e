// What the kernel tests share: memory with guard bytes all round, random numbers, and pictures.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/kernels.h"

// A block with guard bytes before and after it; contents start as 0xcd. Free with guard_free(),
// which fails the test where a guard byte has changed.
void *guard_new(size_t bytes);
void guard_free(void *block);

// The same sequence for the same seed; random_start() prints it. DEEP3D_SEED in the environment
// sets it.
void random_start(const char *test);
uint32_t random_next(void);
// least..most
int random_int(int least, int most);
float random_float(void); // 0..1

// A padded picture in guarded memory, rows longer than they need to be by extra bytes; `block` for
// guard_free().
struct guarded_image {
    struct image image;
    void *block;
};
struct guarded_image guarded_image_new(int width, int height);
// With 16 bits a sample.
struct guarded_image guarded_image_new16(int width, int height);
// Random pixels, padding as IMAGE_PAD_PX says.
void guarded_image_fill(struct guarded_image *image);
void guarded_image_fill16(struct guarded_image *image);
void guarded_image_free(struct guarded_image *image);

// Sizes that have hurt before: one pixel, odd, narrower than a vector, wider than a tile.
extern const int guard_sizes[][2];
extern const int guard_size_count;
