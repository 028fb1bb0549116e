#include "viewer/source_exif.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ORIENTATION 0x0112
// of EXIF, enough for the entries that say how the picture lies
#define EXIF_BYTES 4096

struct tiff {
    uint8_t bytes[EXIF_BYTES];
    size_t count;
    bool little_endian;
};

// 0 beyond the end.
static uint32_t number(const struct tiff *t, size_t at, size_t bytes)
{
    uint32_t value = 0;

    for (size_t i = 0; i < bytes && at + bytes <= t->count; i++)
        value = value << 8 | t->bytes[at + (t->little_endian ? bytes - 1 - i : i)];
    return value;
}

static int orientation(struct tiff *t)
{
    size_t at, entries;

    t->little_endian = t->bytes[0] == 'I';
    if (number(t, 2, 2) != 42)
        return 0;
    at = number(t, 4, 4);
    entries = number(t, at, 2);
    for (size_t i = 0; i < entries && at + 2 + 12 * (i + 1) <= t->count; i++) {
        size_t entry = at + 2 + 12 * i;
        uint32_t value = number(t, entry + 8, 2);

        if (number(t, entry, 2) == ORIENTATION)
            return value >= 1 && value <= 8 ? (int)value : 0;
    }
    return 0;
}

static int read_chunks(FILE *file)
{
    static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    uint8_t head[8];

    if (fread(head, sizeof(head), 1, file) != 1 || memcmp(head, signature, sizeof(head)) != 0)
        return 0;
    while (fread(head, sizeof(head), 1, file) == 1 && memcmp(head + 4, "IDAT", 4) != 0) {
        uint32_t length =
            (uint32_t)head[0] << 24 | (uint32_t)head[1] << 16 | (uint32_t)head[2] << 8 | head[3];
        struct tiff exif = {.count = length < EXIF_BYTES ? length : EXIF_BYTES};

        if (memcmp(head + 4, "eXIf", 4) == 0)
            return fread(exif.bytes, exif.count, 1, file) == 1 ? orientation(&exif) : 0;
        if (length > INT32_MAX || fseek(file, (long)length + 4, SEEK_CUR) != 0)
            return 0;
    }
    return 0;
}

int source_exif_png(const char *path)
{
    FILE *file = fopen(path, "rb");
    int found = file ? read_chunks(file) : 0;

    if (file)
        fclose(file);
    return found;
}
