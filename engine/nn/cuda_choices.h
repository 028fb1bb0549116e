// Choices that outlive the process: text for text, kept in cuda-ways in the user's cache folder
// ($XDG_CACHE_HOME/deep3d, else ~/.cache/deep3d). What was measured once is looked up by later
// runs.
//
// The file is only ever added to, one line a choice, and later lines count; whoever reads it takes
// nothing for granted: lines that are too long, unfinished or not plain text are none, and a file
// that has grown beyond CUDA_CHOICES_MAX_BYTES is begun anew. What a choice means is its user's to
// check.
//
// Thread-safety: safe; several programs may share the file.
#pragma once
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CUDA_CHOICES_MAX_BYTES (1 << 20)
#define CUDA_CHOICE_MAX 900 // characters of key and choice together

// False: nothing is known, or it does not fit.
bool cuda_choice_find(const char *key, char *out_choice, size_t size);
// Of this process at once; on disk where that can be written. Text that the file cannot hold (tabs,
// line ends, too long) is kept for the process alone.
void cuda_choice_keep(const char *key, const char *choice);
// Forgets what this process knows, so that the file is read again: for tests.
void cuda_choices_forget(void);

#ifdef __cplusplus
}
#endif
