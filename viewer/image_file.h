// Still pictures into files, by FFmpeg's encoders. The file's ending says which: .jpg, .png, .webp.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

struct AVFrame;
struct AVPacket;

// The ending is one of them.
bool image_file_takes(const char *path);
// One picture of any pixel format that swscale reads; 16-bit grey stays so in PNG. The whole file
// as a packet, free with av_packet_free(). NULL, logged with `path`, whose ending counts here.
struct AVPacket *image_file_encode(const char *path, const struct AVFrame *picture);
// The same, into the file. False, logged.
bool image_file_write(const char *path, const struct AVFrame *picture);
