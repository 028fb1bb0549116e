// The ending of a file's name, which says what kind of file it is or is to become.
//
// Thread-safety: pure.
#pragma once
#include <stdbool.h>

// With its dot, within the path: ".mkv" of "a.b/film.mkv". The path's end where there is none; a
// name that only begins with a dot has none.
const char *file_name_ending(const char *path);
// ending: without its dot, "mkv"; upper and lower case are the same.
bool file_name_ends(const char *path, const char *ending);
