// A file that is there under its name only once it is complete: written beside it under a temporary
// name, then renamed. What stood there before stays until that moment.
//
// Thread-safety: independent files.
#pragma once
#include <stdbool.h>
#include <stdio.h>

struct output_file;

// path: a new file, or a regular one to replace; a link is followed. NULL, logged: the folder
// cannot be written, or something else than a file has that name.
struct output_file *output_file_create(const char *path);
// To write to, with stdio or by the temporary name.
FILE *output_file_stream(struct output_file *file);
const char *output_file_temporary(const struct output_file *file);
// Both destroy it and set it to NULL; both accept a pointer to NULL (commit then fails silently).
// commit: false, logged, where not all could be written (a full disk); nothing is left then.
bool output_file_commit(struct output_file **file);
void output_file_discard(struct output_file **file);

// True where both name the same file, whatever the way to it: an output must not be an input.
bool output_file_same(const char *a, const char *b);
