#include "engine/original/mean.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "engine/nn/onnx.h"

#define COUNT (MEAN_PLANES * MEAN_HEIGHT * MEAN_WIDTH)
#define ENTRY "left.npy"
#define LARGEST 255.0 // that a mean may be

#define END_BYTES 22     // ZIP's end of the central directory
#define CENTRAL_BYTES 46 // an entry in it, without its name
#define LOCAL_BYTES 30   // the header before an entry's data, without its name

struct bytes {
    const uint8_t *at;
    size_t size;
};

static uint32_t number(const uint8_t *at, int bytes)
{
    uint32_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)at[i] << 8 * i;
    return value;
}

// What lies at offset; NULL: not that much is there.
static const uint8_t *look(const struct bytes *b, size_t offset, size_t size)
{
    return offset <= b->size && size <= b->size - offset ? b->at + offset : NULL;
}

// The entry that the central directory's record describes. False: it is compressed, or damaged.
static bool open_entry(const struct bytes *zip, const uint8_t *central, struct bytes *out)
{
    size_t local = number(central + 42, 4);
    const uint8_t *header = look(zip, local, LOCAL_BYTES);

    out->size = number(central + 24, 4);
    if (!header || memcmp(header, "PK\3\4", 4) != 0 || number(central + 10, 2) != 0)
        return false;
    out->at =
        look(zip, local + LOCAL_BYTES + number(header + 26, 2) + number(header + 28, 2), out->size);
    return out->at;
}

// The file ENTRY of a ZIP archive.
static bool find_entry(const struct bytes *zip, struct bytes *out)
{
    const uint8_t *end = NULL;
    size_t at;

    for (size_t back = END_BYTES; !end && back <= zip->size && back < 65536 + END_BYTES; back++)
        if (memcmp(zip->at + zip->size - back, "PK\5\6", 4) == 0)
            end = zip->at + zip->size - back;
    if (!end)
        return false;
    at = number(end + 16, 4);
    for (uint32_t left = number(end + 10, 2); left > 0; left--) {
        const uint8_t *central = look(zip, at, CENTRAL_BYTES), *name;

        if (!central || memcmp(central, "PK\1\2", 4) != 0)
            return false;
        name = look(zip, at + CENTRAL_BYTES, number(central + 28, 2));
        if (name && number(central + 28, 2) == strlen(ENTRY) &&
            memcmp(name, ENTRY, strlen(ENTRY)) == 0)
            return open_entry(zip, central, out);
        at += CENTRAL_BYTES + number(central + 28, 2) + number(central + 30, 2) +
              number(central + 32, 2);
    }
    return false;
}

// The header's text, without spaces; mem_free() it. NULL: no NPY file.
static char *npy_header(const struct bytes *npy, struct bytes *out_data)
{
    bool first = npy->size >= 10 && npy->at[6] == 1;
    size_t start = first ? 10 : 12, length, kept = 0;
    char *text;

    if (npy->size < 12 || memcmp(npy->at, "\x93NUMPY", 6) != 0)
        return NULL;
    length = number(npy->at + 8, first ? 2 : 4);
    if (!look(npy, start, length))
        return NULL;
    text = mem_new(length + 1, 1);
    for (size_t i = 0; i < length; i++)
        if (npy->at[start + i] != ' ')
            text[kept++] = (char)npy->at[start + i];
    *out_data = (struct bytes){npy->at + start + length, npy->size - start - length};
    return text;
}

static bool read_npy(const struct bytes *npy, float *out)
{
    struct bytes data;
    char *header = npy_header(npy, &data);
    bool wide = header && strstr(header, "'descr':'<f8'");
    bool known = header && (wide || strstr(header, "'descr':'<f4'")) &&
                 strstr(header, "'fortran_order':False") && strstr(header, "'shape':(3,160,384)") &&
                 data.size == COUNT * (wide ? sizeof(double) : sizeof(float));

    mem_free(header);
    for (size_t i = 0; known && i < COUNT; i++) {
        double value = 0;
        if (wide)
            memcpy(&value, data.at + i * sizeof(value), sizeof(value));
        else
            memcpy(&out[i], data.at + i * sizeof(*out), sizeof(*out));
        out[i] = wide ? (float)value : out[i];
        known = out[i] >= 0 && out[i] <= (float)LARGEST;
    }
    return known;
}

bool mean_parse(const void *bytes, size_t size, float *out)
{
    struct bytes zip = {bytes, size}, entry;

    return find_entry(&zip, &entry) && read_npy(&entry, out);
}

static bool read_npz(const char *path, struct mean *out)
{
    size_t size;
    void *block = onnx_read_file(path, &size);
    bool ok;

    if (!block)
        return false;
    *out = (struct mean){MEAN_HEIGHT, MEAN_WIDTH, mem_new(COUNT, sizeof(float))};
    ok = mean_parse(block, size, out->values);
    mem_free(block);
    if (ok)
        return true;
    log_error("%s: not a mean picture; wanted is numpy.savez(file, left=...) with a float array of "
              "shape (3, 160, 384), values 0 to 255",
              path);
    mem_free(out->values);
    *out = (struct mean){0};
    return false;
}

// How many numbers text is made of, 0 where it is something else.
static int read_numbers(const char *text, double value[3])
{
    int count = 0;

    for (;;) {
        char *end;

        if (count == 3)
            return 0;
        value[count] = strtod(text, &end);
        if (end == text || !(value[count] >= 0 && value[count] <= LARGEST))
            return 0;
        count++;
        if (*end == '\0')
            return count;
        if (*end != ',')
            return 0;
        text = end + 1;
    }
}

bool mean_read(const char *text, struct mean *out)
{
    size_t length = strlen(text);
    double rgb[3];
    int count = read_numbers(text, rgb);

    if (count == 0 && length > 4 && strcmp(text + length - 4, ".npz") == 0)
        return read_npz(text, out);
    if (count != 1 && count != 3) {
        log_error("mean \"%s\" is not one number from 0 to 255, not three as R,G,B, and not a file "
                  "whose name ends with .npz",
                  text);
        return false;
    }
    *out = (struct mean){1, 1, mem_new(MEAN_PLANES, sizeof(float))};
    for (int i = 0; i < MEAN_PLANES; i++)
        out->values[i] = (float)rgb[count == 1 ? 0 : 2 - i];
    return true;
}
