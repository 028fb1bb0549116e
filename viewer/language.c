#include "viewer/language.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool same(const char *wish, size_t length, const char *language)
{
    size_t other = strcspn(language, "-_");

    if (other == 0 || length == 0)
        return false;
    if (length == 2 || other == 2)
        return length <= 3 && other <= 3 && strncasecmp(wish, language, 2) == 0;
    return length == other && strncasecmp(wish, language, length) == 0;
}

int language_wish(const char *wishes, const char *language)
{
    int i = 0;

    for (const char *w = wishes; w && *w; w += strcspn(w, ","), w += *w == ',', i++)
        if (same(w, strcspn(w, ",-_"), language))
            return i;
    return -1;
}
