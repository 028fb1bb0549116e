// The readers of what Deep3D (2016) left: MXNet's parameter files, and the archive with the mean
// picture. Each gets all the bytes: their beginnings differ.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/log.h"
#include "engine/original/mean.h"
#include "engine/original/params.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void discard(void *user, enum log_level level, const char *line)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static float mean[MEAN_PLANES * MEAN_HEIGHT * MEAN_WIDTH];
    struct params_file file;

    log_set_sink(discard, NULL);
    if (params_parse(bytes, size, "fuzz.params", &file)) {
        for (int i = 0; i < file.count; i++) {
            float *values = malloc(file.arrays[i].count * sizeof(*values) + 1);
            params_floats(&file.arrays[i], values);
            free(values);
        }
        params_finish(&file);
    }
    mean_parse(bytes, size, mean);
    return 0;
}
