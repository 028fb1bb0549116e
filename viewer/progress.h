// How far a long piece of work is, on standard error: a line that is drawn over and over on a
// terminal, else a plain line every half minute.
//
// Thread-safety: one thread. While it lives, log lines of all threads stay apart from it.
#pragma once
#include <stdint.h>

struct progress;

// total: frames of the whole work, 0: unknown. done: frames from an earlier run.
struct progress *progress_create(int64_t total, int64_t done);
// Clears the line. Accepts a pointer to NULL; sets it to NULL.
void progress_destroy(struct progress **progress);
// As often as one likes: it draws four times a second at most. done: frames, earlier runs included.
void progress_update(struct progress *progress, int64_t done);
