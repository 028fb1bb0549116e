// Gives every file of the folders named on the command line to a fuzz target once: what was found
// stays fixed.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int replay_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t size = 0;

    if (!f)
        return -1;
    if (fseek(f, 0, SEEK_END) == 0 && ftell(f) >= 0) {
        size = (size_t)ftell(f);
        rewind(f);
        bytes = malloc(size ? size : 1); // exactly as long: a read past it is seen
    }
    if (bytes && fread(bytes, 1, size, f) == size)
        LLVMFuzzerTestOneInput(bytes, size);
    free(bytes);
    fclose(f);
    return bytes ? 0 : -1;
}

static int replay_folder(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *entry;
    int count = 0;

    while (d && (entry = readdir(d))) {
        char path[4096];

        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        count += replay_file(path) == 0;
    }
    if (d)
        closedir(d);
    return count;
}

int main(int argc, char **argv)
{
    int count = 0;

    for (int i = 1; i < argc; i++)
        count += replay_folder(argv[i]);
    printf("%d files replayed\n", count);
    return count > 0 ? 0 : 1;
}
