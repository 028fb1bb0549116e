#include "viewer/file_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"

// NULL: no URL of a file, or of another machine's.
static const char *path_of(const char *url)
{
    static const char *const begins[] = {"file:///", "file://localhost/", "file:/"};

    for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
        size_t length = strlen(begins[i]);

        if (strncasecmp(url, begins[i], length) == 0)
            return url[length] == '/' ? NULL : url + length - 1;
    }
    return NULL;
}

// Writes what %20 and its like stand for. What stands for no character stays.
static void decode(char *out, const char *from)
{
    while (*from) {
        char digits[3] = {0};
        long value = 0;

        if (*from == '%') {
            strncpy(digits, from + 1, 2);
            value = strspn(digits, "0123456789abcdefABCDEF") == 2 ? strtol(digits, NULL, 16) : 0;
        }
        *out++ = value > 0 ? (char)value : *from;
        from += value > 0 ? 3 : 1;
    }
    *out = '\0';
}

void file_url_resolve(char *name)
{
    const char *coded = path_of(name);
    char *path;

    if (!coded || access(name, F_OK) == 0)
        return;
    path = mem_strdup(coded);
    decode(path, coded);
    if (access(path, F_OK) == 0)
        strcpy(name, path); // is never longer
    mem_free(path);
}
