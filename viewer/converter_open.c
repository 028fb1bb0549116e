#include "viewer/converter_open.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "viewer/options.h"

#define SHIPPED "models/deep3d-small.onnx"

// The folder of the running program, with a slash; "" where the system does not tell.
static void program_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);

    out[n > 0 ? n : 0] = '\0';
    if (strrchr(out, '/'))
        strrchr(out, '/')[1] = '\0';
}

// A new string. NULL, logged with the places looked at: there is none.
static char *model_path(const char *asked)
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

struct deep3d *converter_open(const struct options *options, const uint8_t *gpu_uuid)
{
    char *model = model_path(options->model);
    struct deep3d_params params = {
        .model = model,
        .backend = options_backends[options->backend],
        .threads = options->threads,
        .synthesis = (enum deep3d_synthesis)options->synthesis,
        .gpu_uuid = gpu_uuid,
    };
    struct deep3d *converter = model ? deep3d_create(&params) : NULL;

    mem_free(model);
    return converter;
}
