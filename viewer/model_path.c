#include "viewer/model_path.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"

#define SHIPPED "models/deep3d-small.onnx"

// The folder of the running program, with a slash; "" where the system does not tell.
static void program_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);

    out[n > 0 ? n : 0] = '\0';
    if (strrchr(out, '/'))
        strrchr(out, '/')[1] = '\0';
}

char *model_path(const char *asked)
{
    char folder[PATH_MAX], *installed, *source;

    if (asked)
        return mem_strdup(asked);
    program_folder(folder, sizeof(folder));
    installed = mem_printf("%s../share/deep3d/" SHIPPED, folder);
    if (access(installed, R_OK) == 0)
        return installed;
    source = mem_strdup(DEEP3D_ASSETS "/" SHIPPED);
    if (access(source, R_OK) != 0) {
        log_error(
            "the network's file is missing: neither %s nor %s is there; name one with --model",
            installed, source);
        mem_free(source);
        source = NULL;
    }
    mem_free(installed);
    return source;
}
