// The bytes of a caption file, in whatever character set, as UTF-8.
//
// A byte order mark decides, then whether the bytes are valid UTF-8, but for a damaged one here and
// there, then uchardet's guess, and at last Windows-1252, which most files without any mark are in.
// iconv converts; bytes that have no meaning in the set become U+FFFD.
//
// Thread-safety: safe.
#pragma once
#include <stddef.h>
#include <stdint.h>

// The text and a 0 behind it; never NULL, free with mem_free(). *out_size: bytes without the 0.
// *out_charset, valid for good or until the thread's next call: what it was in, for people.
char *subtitle_text_utf8(const uint8_t *bytes, size_t size, size_t *out_size,
                         const char **out_charset);
