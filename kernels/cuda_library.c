#include "kernels/cuda_library.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME "libdeep3d_cuda.so"

typedef const struct kernels_cuda *entry(void);

static pthread_once_t once = PTHREAD_ONCE_INIT;
// set once:
static const struct kernels_cuda *table;

// Beside the installed program, else in the build folder that it comes from.
static void *load(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("../lib/deep3d/" NAME));
    char *slash;
    void *library = NULL;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash) {
        strcpy(slash + 1, "../lib/deep3d/" NAME);
        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    }
#ifdef DEEP3D_CUDA_BUILT
    if (!library)
        library = dlopen(DEEP3D_CUDA_BUILT, RTLD_NOW | RTLD_LOCAL);
#endif
    return library;
}

static void find(void)
{
    void *library = load();
    // through memory: ISO C has no conversion from an object pointer to a function pointer
    void *symbol = library ? dlsym(library, "deep3d_kernels_cuda") : NULL;
    entry *get = NULL;

    memcpy(&get, &symbol, sizeof(get));
    table = get ? get() : NULL;
}

const struct kernels_cuda *cuda_library(char *text, size_t size)
{
    pthread_once(&once, find);
    if (!table) {
        snprintf(text, size, "this program was built without it (no nvcc)");
        return NULL;
    }
    return table->probe(text, size) ? table : NULL;
}
