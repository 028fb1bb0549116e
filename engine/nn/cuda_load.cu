#include <dlfcn.h>
#include <string>

#include "engine/nn/cuda_way.h"

bool cuda_library_load(const char *name, const char *folder,
                       const std::vector<cuda_symbol> &symbols)
{
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);

    if (!library && *folder)
        library = dlopen((std::string(folder) + "/" + name).c_str(), RTLD_NOW | RTLD_LOCAL);
    for (const cuda_symbol &s : symbols) {
        *s.out = library ? dlsym(library, s.name) : NULL;
        if (!*s.out)
            return false;
    }
    return true;
}
