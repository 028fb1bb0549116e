// The captions of a film: the tracks of its file and of files beside it, which one is shown, and
// drawing it into the stereo frames.
//
//     subtitles_create -> source_open, which adds the film's own -> subtitles_add_files
//
// The choice is made anew with each track that is added: --sub-file, then the wished language, then
// files beside the film, then what the film marks as shown; else none. Text of all tracks is
// decoded as it is read, pictures only of the one that is shown.
//
// Thread-safety: safe; feeding and winding belong to one thread, drawing to one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "viewer/stereo_ring.h"

struct AVFormatContext;
struct AVPacket;
struct AVStream;
struct options;
struct subtitles;

// Takes sub_* of the options. Never NULL.
struct subtitles *subtitles_create(const struct options *options);
// Accepts a pointer to NULL; sets it to NULL.
void subtitles_destroy(struct subtitles **subtitles);

// --- the source's side
// Takes in the caption streams of a container, and the fonts that come with it.
void subtitles_add_streams(struct subtitles *subtitles, struct AVFormatContext *container,
                           const char *url);
// True: packets of this stream are wanted.
bool subtitles_want(const struct subtitles *subtitles, int stream);
// A packet of a wanted stream, and its media time.
void subtitles_feed(struct subtitles *subtitles, const struct AVPacket *packet, int64_t pts_ns);
// What is fed from now on is of another place; times as subtitle_track_wound() has them.
void subtitles_wound(struct subtitles *subtitles, int64_t read_ns, int64_t to_ns);

// --- the player's side
// --sub-file, and files beside the film. frames_per_s: of the film; 0: not known.
void subtitles_add_files(struct subtitles *subtitles, const char *film, double frames_per_s);
// The next track, or the previous one with step -1; none comes after the last.
void subtitles_cycle(struct subtitles *subtitles, int step);
// Hides them, or shows them again.
void subtitles_toggle(struct subtitles *subtitles);
// Later by so much.
void subtitles_set_delay(struct subtitles *subtitles, int64_t delay_ns);
// What is shown, for people, into `out`: "2 of 3, de, subrip".
void subtitles_describe(struct subtitles *subtitles, char *out, int out_size);

// --- the converter's side
// Into both eyes of a converted frame. subtitles NULL: draws nothing.
void subtitles_draw(struct subtitles *subtitles, const struct deep3d *converter,
                    const struct stereo_frame *frame);
