// Caption files beside a film.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

struct subtitle_track;
struct text;

// The caption files that belong to a film by their names: in its folder, its name without the
// extension, then perhaps a dot and a language, then .srt, .ass, .ssa, .vtt, .sub, .idx or .sup. In
// order of names; at most `most`, each to be freed with mem_free(). Nothing for a URL.
int subtitle_file_find(const char *film, int most, char **out);
// "de" of "film.de.srt" and of "film.de.forced.srt", into `out`; "" where there is none.
void subtitle_file_language(const char *path, char *out, int out_size);

// Takes over a track. language: NULL: not known, else valid for the call.
typedef void subtitle_file_take(void *user, struct subtitle_track *track, const char *language);
// Reads a file whole; hands on each of its tracks. text: as in subtitle_track_create().
// frames_per_s: of the film, for files that count frames; 0: not known. False, logged with the
// reason: it holds no captions that can be read.
bool subtitle_file_load(const char *path, struct text *text, double frames_per_s,
                        subtitle_file_take *take, void *user);
