#include "viewer/file_name.h"

#include <string.h>
#include <strings.h>

const char *file_name_ending(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');

    return dot && dot > (slash ? slash + 1 : path) ? dot : path + strlen(path);
}

bool file_name_ends(const char *path, const char *ending)
{
    const char *own = file_name_ending(path);

    return *own && strcasecmp(own + 1, ending) == 0;
}
