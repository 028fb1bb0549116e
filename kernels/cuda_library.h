// Finds the CUDA library of ours at run time: the program never depends on CUDA to start.
//
// Thread-safety: safe; the library is loaded once and stays.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "kernels/kernels_cuda.h"

// NULL: text says what is missing (the library, the driver, a GPU). Else text is the GPU's name.
const struct kernels_cuda *cuda_library(char *text, size_t size);
