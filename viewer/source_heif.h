// Photographs in HEIF (HEIC of phones, which FFmpeg 5 cannot put together from their tiles),
// decoded by libheif and handed to FFmpeg as a PPM picture in memory: from there on they take the
// road of every other image. libheif turns them upright.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>

struct AVIOContext;
struct source_heif;

// By its first bytes, whatever its name is. False also where it cannot be read.
bool source_heif_is_one(const char *path);
// The primary picture, 8 bits a sample or as many as it has. NULL, logged.
struct source_heif *source_heif_open(const char *path);
// FFmpeg no longer uses it. Accepts a pointer to NULL; sets it to NULL.
void source_heif_close(struct source_heif **heif);
// For AVFormatContext.pb, at the picture's beginning; its owner stays `heif`.
struct AVIOContext *source_heif_io(struct source_heif *heif);
