#include "viewer/subtitle_text.h"

#include <errno.h>
#include <iconv.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <uchardet.h>

#include "base/mem.h"

#define FALLBACK "WINDOWS-1252"
#define REPLACEMENT "\xef\xbf\xbd" // U+FFFD
// A byte becomes at most three in UTF-8: U+FFFD, or a character of a one-byte set.
#define GROWTH 3
// One of so many bytes that are not ASCII may be damaged, and the rest is UTF-8 still.
#define SOUND 20

static const struct mark {
    const char *bytes;
    size_t size;
    const char *charset;
    size_t unit; // bytes of the smallest step in it
} marks[] = {
    {"\xef\xbb\xbf", 3, "UTF-8", 1},    {"\xff\xfe\0\0", 4, "UTF-32LE", 4},
    {"\0\0\xfe\xff", 4, "UTF-32BE", 4}, {"\xff\xfe", 2, "UTF-16LE", 2},
    {"\xfe\xff", 2, "UTF-16BE", 2},
};

static const struct mark *find_mark(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
        if (size >= marks[i].size && memcmp(bytes, marks[i].bytes, marks[i].size) == 0)
            return &marks[i];
    return NULL;
}

// iconv's own decoder judges: it knows what overlong forms and surrogates are. Nothing is kept.
static bool is_utf8(const uint8_t *bytes, size_t size)
{
    iconv_t conversion = iconv_open("UTF-32LE", "UTF-8");
    char *in = (char *)bytes;
    size_t beyond_ascii = 0, damaged = 0;

    for (size_t i = 0; i < size; i++)
        beyond_ascii += bytes[i] >= 128;
    while (conversion != (iconv_t)-1 && size > 0) {
        char nowhere[4096], *out = nowhere;
        size_t room = sizeof(nowhere);

        if (iconv(conversion, &in, &size, &out, &room) != (size_t)-1 || errno == E2BIG)
            continue;
        if (errno == EINVAL) // the end was cut off inside a character
            break;
        damaged++;
        in++;
        size--;
    }
    if (conversion != (iconv_t)-1)
        iconv_close(conversion);
    return damaged * SOUND <= beyond_ascii;
}

static const char *guess(const uint8_t *bytes, size_t size)
{
    static _Thread_local char name[64];
    uchardet_t detector = uchardet_new();

    name[0] = '\0';
    if (detector && uchardet_handle_data(detector, (const char *)bytes, size) == 0) {
        uchardet_data_end(detector);
        snprintf(name, sizeof(name), "%s", uchardet_get_charset(detector));
    }
    if (detector)
        uchardet_delete(detector);
    // not UTF-8, that was looked at before; a guess of ASCII says nothing
    return name[0] && strcmp(name, "ASCII") != 0 && strcmp(name, "UTF-8") != 0 ? name : FALLBACK;
}

// unit: bytes that are passed over where they have no meaning.
static char *convert(iconv_t conversion, char *in, size_t in_left, size_t unit, size_t *out_size)
{
    size_t room = in_left * GROWTH + sizeof(REPLACEMENT);
    char *text = mem_new(room + 1, 1), *out = text;

    while (in_left > 0 && iconv(conversion, &in, &in_left, &out, &room) == (size_t)-1 &&
           errno != E2BIG) {
        if (room < sizeof(REPLACEMENT))
            break;
        unit = unit < in_left ? unit : in_left;
        memcpy(out, REPLACEMENT, sizeof(REPLACEMENT) - 1);
        out += sizeof(REPLACEMENT) - 1;
        room -= sizeof(REPLACEMENT) - 1;
        in += unit;
        in_left -= unit;
    }
    *out = '\0';
    *out_size = (size_t)(out - text);
    return text;
}

char *subtitle_text_utf8(const uint8_t *bytes, size_t size, size_t *out_size,
                         const char **out_charset)
{
    const struct mark *mark = find_mark(bytes, size);
    iconv_t conversion;
    char *text;

    if (mark) {
        bytes += mark->size;
        size -= mark->size;
        *out_charset = mark->charset;
    } else {
        *out_charset = is_utf8(bytes, size) ? "UTF-8" : guess(bytes, size);
    }
    conversion = iconv_open("UTF-8", *out_charset);
    if (conversion == (iconv_t)-1) { // uchardet knows more sets than iconv
        *out_charset = FALLBACK;
        conversion = iconv_open("UTF-8", FALLBACK);
    }
    if (conversion == (iconv_t)-1) { // a system without its converters
        *out_charset = "UTF-8";
        text = mem_new(size + 1, 1);
        memcpy(text, bytes, size);
        *out_size = size;
        return text;
    }
    text = convert(conversion, (char *)bytes, size, mark ? mark->unit : 1, out_size);
    iconv_close(conversion);
    return text;
}
