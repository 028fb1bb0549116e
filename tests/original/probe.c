// What an imported model says of a picture, for reference.py: probe MODEL WIDTH HEIGHT RGB
// PROBABILITIES RIGHT. All three files are raw: bytes [h][w][3], floats [33][h][w] and [3][h][w].
#include <stdio.h>
#include <stdlib.h>

#include "kernels/select.h"
#include "tests/original/run.h"

static uint8_t *read_picture(const char *path, int width, int height)
{
    size_t count = (size_t)width * (size_t)height;
    uint8_t *rgba = malloc(count * 4);
    FILE *f = fopen(path, "rb");
    bool ok = f != NULL;

    for (size_t i = 0; ok && i < count; i++)
        ok = fread(rgba + i * 4, 1, 3, f) == 3;
    if (f != NULL)
        fclose(f);
    if (ok)
        return rgba;
    free(rgba);
    return NULL;
}

static bool write_floats(const char *path, const float *values, size_t count)
{
    FILE *f = fopen(path, "wb");
    bool ok = f != NULL && fwrite(values, sizeof(*values), count, f) == count;

    return f != NULL && fclose(f) == 0 && ok;
}

int main(int argc, char **argv)
{
    int width = argc == 7 ? atoi(argv[2]) : 0, height = argc == 7 ? atoi(argv[3]) : 0;
    uint8_t *rgba = width > 0 && height > 0 ? read_picture(argv[4], width, height) : NULL;
    struct run run;
    bool ok = false;

    if (rgba == NULL) {
        fprintf(stderr, "probe MODEL WIDTH HEIGHT RGB PROBABILITIES RIGHT\n");
        return 1;
    }
    if (run_open(&run, argv[1]) && run_picture(&run, rgba, width, height))
        ok = write_floats(argv[5], run.probability,
                          (size_t)SELECT_CHANNELS * (size_t)run.width * (size_t)run.height) &&
             write_floats(argv[6], run.right, 3 * (size_t)width * (size_t)height);
    run_finish(&run);
    free(rgba);
    return ok ? 0 : 1;
}
