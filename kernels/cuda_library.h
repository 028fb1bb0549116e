// Finds the CUDA library of ours at run time: the program never depends on CUDA to start.
//
// Thread-safety: safe; the library is loaded once and stays.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "kernels/kernels_cuda.h"

// The environment variable DEEP3D_CUDA_LIBRARY names another library to use in its place.

// NULL: text says what is missing (the library, the driver, a GPU). Else text is the GPU's name.
const struct kernels_cuda *cuda_library(char *text, size_t size);
// Another of the library's functions: out_function points to a pointer to it. False: as above.
bool cuda_library_symbol(const char *name, void *out_function, char *text, size_t size);
