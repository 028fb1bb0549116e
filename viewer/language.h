// Languages of tracks, as containers and file names say them, against those that a person wishes.
//
// Thread-safety: safe.
#pragma once

// Which of `wishes` ("de,en"; NULL: none) a track's language is, from 0 on; -1: none of them, or
// it has none (""). ISO 639's codes of two and of three letters are one language, and countries do
// not count: "de" is "deu", "ger" and "de-AT". Other words are compared as they are.
int language_wish(const char *wishes, const char *language);
