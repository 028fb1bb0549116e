// Writes MXNet parameter files by hand, right or wrong ones.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stddef.h>
#include <stdint.h>

enum file_version { FILE_V0, FILE_V1, FILE_V2, FILE_V3 };

struct file {
    uint8_t *bytes;
    size_t size, room;
};

void file_finish(struct file *file);
void file_raw(struct file *file, const void *bytes, size_t size);
void file_u32(struct file *file, uint32_t value);
void file_u64(struct file *file, uint64_t value);

void file_begin(struct file *file, uint64_t arrays);
// One array's head, dims end with the first 0; its data are to follow. type: 0 float32, 2 float16.
void file_head(struct file *file, enum file_version version, const int64_t *dims, int32_t type);
void file_name(struct file *file, const char *name);
void file_save(const struct file *file, size_t size, const char *path);
