// Which files `deep3d convert` writes, and whether it may.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

#include "viewer/options.h"

// One file; two of them for a pair.
struct convert_file {
    enum file_layout layout; // never FILE_LAYOUT_PAIR
    char *path, *part;       // OUT and OUT.part
};

#define CONVERT_FILES_MAX 2

// The codec that --codec, --layout and OUT together stand for. FILE_CODEC_AUTO, logged: they do not
// go together.
enum file_codec convert_files_codec(const struct options *options);
// Names the files, into `out`. Returns how many; 0, logged: no output is given, it is the source
// itself (also under another name), or it is there already without a part and must not be
// overwritten.
int convert_files_name(const struct options *options, struct convert_file out[CONVERT_FILES_MAX]);
// False, logged: OUT is there already and must not be overwritten.
bool convert_files_may_write(const struct options *options, const struct convert_file *file);
void convert_files_finish(struct convert_file files[CONVERT_FILES_MAX]);
// Where the part of a film goes whose source failed: "film.mkv" gives "film.incomplete.mkv". A new
// string.
char *convert_files_incomplete(const char *path);
