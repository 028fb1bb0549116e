// What a film has beside its pictures, copied into another container: sound, subtitles,
// attachments, chapters and metadata, the times moved so that the film begins at media time 0.
//
// Thread-safety: none.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct AVFormatContext;
struct AVPacket;
struct AVStream;
struct film_streams;

// Opens the source a second time and adds to `out`, whose header is not written yet, a stream for
// each of the source's that its container takes. film: the first stream of `out`, of the converted
// pictures; gets language and title of the source's stream `video`, of which they are. start_ns: of
// media time 0 on the source's clock. NULL, logged unless *stop: the source cannot be opened again;
// nothing is copied.
struct film_streams *film_streams_open(const char *source, struct AVFormatContext *out,
                                       struct AVStream *film, int video, int64_t start_ns,
                                       const atomic_bool *stop);
// A line for each of the source's streams that was left out. Accepts NULL.
void film_streams_tell(const struct film_streams *streams);
// Accepts a pointer to NULL; sets it to NULL.
void film_streams_close(struct film_streams **streams);
// The next packet, ready for `out`; the same one again until it was moved out or unreferenced.
// *out_ns: its time in the film. NULL: no more. Accepts NULL.
struct AVPacket *film_streams_next(struct film_streams *streams, int64_t *out_ns);
// There are no more, logged, because the source could not be read to its end. Accepts NULL.
bool film_streams_broken(const struct film_streams *streams);
