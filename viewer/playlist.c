#include "viewer/playlist.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "viewer/file_name.h"

// A folder also holds covers' texts, subtitles and the like: only what is known is taken from it.
static bool is_playable(const char *name)
{
    static const char *const endings[] = {
        "mkv",  "mk3d", "mp4",  "m4v", "mov",  "webm", "avi",  "ts",   "m2ts", "mts",  "mpg",
        "mpeg", "wmv",  "flv",  "ogv", "3gp",  "vob",  "mxf",  "divx", "asf",  "3g2",  "f4v",
        "m2v",  "ogm",  "rmvb", "jpg", "jpeg", "jpe",  "jfif", "png",  "webp", "heic", "heif",
        "avif", "gif",  "bmp",  "tif", "tiff", "tga",  "jxl",  "mpo"};

    for (size_t i = 0; name[0] != '.' && i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (file_name_ends(name, endings[i]))
            return true;
    }
    return false;
}

static bool is_folder(const char *name)
{
    struct stat file;

    return stat(name, &file) == 0 && S_ISDIR(file.st_mode);
}

static int by_name(const void *a, const void *b)
{
    return strverscmp(*(char *const *)a, *(char *const *)b);
}

static void add(struct playlist *list, int *capacity, char *file)
{
    list->files = mem_grow(list->files, list->count, capacity, sizeof(*list->files));
    list->files[list->count++] = file;
}

static void add_folder(struct playlist *list, int *capacity, const char *folder)
{
    int first = list->count;
    DIR *open = opendir(folder);
    struct dirent *entry;

    if (!open) {
        log_error("cannot read the folder %s: %s", folder, strerror(errno));
        return;
    }
    while ((entry = readdir(open))) {
        char *file = mem_printf("%s/%s", folder, entry->d_name);

        if (is_playable(entry->d_name) && !is_folder(file))
            add(list, capacity, file);
        else
            mem_free(file);
    }
    closedir(open);
    if (list->count == first)
        log_error("the folder %s holds no film or picture", folder);
    else
        qsort(list->files + first, (size_t)(list->count - first), sizeof(*list->files), by_name);
}

bool playlist_make(struct playlist *out, const char *const *names, int count)
{
    int capacity = 0;

    *out = (struct playlist){0};
    for (int i = 0; i < count; i++) {
        if (is_folder(names[i]))
            add_folder(out, &capacity, names[i]);
        else
            add(out, &capacity, mem_strdup(names[i]));
    }
    return out->count > 0;
}

void playlist_finish(struct playlist *list)
{
    for (int i = 0; i < list->count; i++)
        mem_free(list->files[i]);
    mem_free(list->files);
    *list = (struct playlist){0};
}
