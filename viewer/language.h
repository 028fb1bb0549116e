// Languages of tracks, as containers and file names say them, against those that a person wishes.
//
// Thread-safety: safe.
#pragma once

// Which of `wishes` ("de,en"; NULL: none) a track's language is, from 0 on; -1: none of them, or
// it has none (""). Codes of two and of three letters are taken for the same where their first two
// letters are, and countries do not count: "de" is "de-AT".
int language_wish(const char *wishes, const char *language);
