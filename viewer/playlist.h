// What is played, one after the other: the names of the command line, each folder among them
// replaced by the films and pictures that lie in it (not in folders below), in the order of their
// names, numbers counted as numbers. So a folder of photographs is a slide show.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>

struct playlist {
    char **files;
    int count;
};

// An unreadable folder, or one without film or picture, is logged and left out. False where that
// leaves nothing.
bool playlist_make(struct playlist *out, const char *const *names, int count);
void playlist_finish(struct playlist *list);
