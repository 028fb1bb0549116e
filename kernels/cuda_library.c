#include "kernels/cuda_library.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "libdeep3d_cuda.so"

typedef const struct kernels_cuda *entry(void);

static pthread_once_t once = PTHREAD_ONCE_INIT;
// set once:
static void *library;
static const struct kernels_cuda *table;

// What DEEP3D_CUDA_LIBRARY names; else beside the installed program, else in the build folder that
// it comes from.
static void *load(void)
{
    const char *asked = getenv("DEEP3D_CUDA_LIBRARY");
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("../lib/deep3d/" NAME));
    char *slash;
    void *found = NULL;

    if (asked)
        return dlopen(asked, RTLD_NOW | RTLD_LOCAL);
    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash) {
        strcpy(slash + 1, "../lib/deep3d/" NAME);
        found = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
#ifdef DEEP3D_CUDA_BUILT
    if (!found)
        found = dlopen(DEEP3D_CUDA_BUILT, RTLD_NOW | RTLD_LOCAL);
#endif
    return found;
}

static void find(void)
{
    entry *get = NULL;
    void *symbol;

    library = load();
    symbol = library ? dlsym(library, "deep3d_kernels_cuda") : NULL;
    // through memory: ISO C has no conversion from an object pointer to a function pointer
    memcpy(&get, &symbol, sizeof(get));
    table = get ? get() : NULL;
}

const struct kernels_cuda *cuda_library(char *text, size_t size)
{
    pthread_once(&once, find);
    if (!table) {
        snprintf(text, size, "this program has no CUDA part (built without nvcc, or %s is lost)",
                 NAME);
        return NULL;
    }
    return table->probe(text, size) ? table : NULL;
}

bool cuda_library_symbol(const char *name, void *out_function, char *text, size_t size)
{
    void *symbol;

    if (!cuda_library(text, size))
        return false;
    symbol = dlsym(library, name);
    memcpy(out_function, &symbol, sizeof(symbol));
    if (!symbol)
        snprintf(text, size, "the CUDA part has no %s: it is of another version", name);
    return symbol != NULL;
}
