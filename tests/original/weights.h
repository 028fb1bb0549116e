// Weights and pictures of the exact architecture, made from a hash of their index as reference.py
// makes them.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/original/file.h"

#define WEIGHTS_ARRAYS 60

// A whole parameter file, in the order that reference.py has. half: float16, rounded.
void weights_write(struct file *file, enum file_version version, bool half);
// [height][width][4]; free() it.
uint8_t *weights_picture(int width, int height, uint32_t seed);
