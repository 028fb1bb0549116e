#include "viewer/converter_open.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "viewer/options.h"

#define SHIPPED "deep3d-small.onnx"
#define SHIPPED_FOR_GPU "deep3d-large.onnx"

// The folder of the running program, with a slash; "" where the system does not tell.
static void program_folder(char *out, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", out, size - 1);

    out[n > 0 ? n : 0] = '\0';
    if (strrchr(out, '/'))
        strrchr(out, '/')[1] = '\0';
}

// A new string: beside the installed program, or in the source tree. NULL: it is at neither place.
static char *shipped_model(const char *name)
{
    char folder[PATH_MAX], *places[2], *found = NULL;

    program_folder(folder, sizeof(folder));
    places[0] = mem_printf("%s../share/deep3d/models/%s", folder, name);
    places[1] = mem_printf(DEEP3D_ASSETS "/models/%s", name);
    for (int i = 0; i < 2; i++) {
        if (!found && access(places[i], R_OK) == 0)
            found = mem_strdup(places[i]);
        mem_free(places[i]);
    }
    return found;
}

struct deep3d *converter_open(const struct options *options, const uint8_t *gpu_uuid)
{
    char *model = options->model ? mem_strdup(options->model) : shipped_model(SHIPPED),
         *gpu_model = options->model ? NULL : shipped_model(SHIPPED_FOR_GPU);
    struct deep3d_params params = {
        .model = model,
        .gpu_model = gpu_model,
        .backend = options_backends[options->backend],
        .threads = options->threads,
        .synthesis = (enum deep3d_synthesis)options->synthesis,
        .gpu_uuid = gpu_uuid,
    };
    struct deep3d *converter = model ? deep3d_create(&params) : NULL;

    if (!model)
        log_error("the network's file " SHIPPED " is missing, in ../share/deep3d/models beside "
                  "the program and in " DEEP3D_ASSETS "/models; name one with --model");
    mem_free(model);
    mem_free(gpu_model);
    return converter;
}
