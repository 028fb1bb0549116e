#include "tests/original/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void file_finish(struct file *f)
{
    free(f->bytes);
    *f = (struct file){0};
}

void file_raw(struct file *f, const void *bytes, size_t size)
{
    while (f->size + size > f->room) {
        f->room = f->room ? f->room * 2 : 4096;
        f->bytes = realloc(f->bytes, f->room);
        if (!f->bytes)
            abort();
    }
    memcpy(f->bytes + f->size, bytes, size);
    f->size += size;
}

void file_u32(struct file *f, uint32_t value)
{
    file_raw(f, &value, sizeof(value));
}

void file_u64(struct file *f, uint64_t value)
{
    file_raw(f, &value, sizeof(value));
}

void file_begin(struct file *f, uint64_t arrays)
{
    file_u64(f, 0x112);
    file_u64(f, 0);
    file_u64(f, arrays);
}

void file_head(struct file *f, enum file_version version, const int64_t *dims, int32_t type)
{
    uint32_t rank = 0;

    while (dims[rank])
        rank++;
    if (version != FILE_V0)
        file_u32(f, 0xF993FAC8u + (uint32_t)version - FILE_V1);
    if (version >= FILE_V2)
        file_u32(f, 0); // dense
    file_u32(f, rank);
    for (uint32_t i = 0; i < rank; i++) {
        if (version == FILE_V0)
            file_u32(f, (uint32_t)dims[i]);
        else
            file_u64(f, (uint64_t)dims[i]);
    }
    if (rank == 0 && version != FILE_V3)
        return;
    file_u32(f, 2); // GPU
    file_u32(f, 0);
    file_u32(f, (uint32_t)type);
}

void file_name(struct file *f, const char *name)
{
    file_u64(f, strlen(name));
    file_raw(f, name, strlen(name));
}

void file_save(const struct file *f, size_t size, const char *path)
{
    FILE *out = fopen(path, "wb");

    if (!out || fwrite(f->bytes, 1, size, out) != size || fclose(out) != 0)
        abort();
}
