// The form in which file managers and browsers name files: file:///home/me/my%20film.mkv (RFC
// 8089).
//
// Thread-safety: as the name's.
#pragma once

// Where `name` is such a URL of a file or folder on this machine that is there, turns it into its
// path, in place. All else stays as it is, a file of just that name among it.
void file_url_resolve(char *name);
