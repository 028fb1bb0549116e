// One track of captions: what FFmpeg's decoders give, kept until it is shown.
//
// Text of every kind becomes events of an ASS track and stays for the whole film: winding back
// finds it again, and reading it again adds nothing. Pictures (PGS, DVB, DVD) are kept for a while
// only, the newest ones, as they are large; those of a file of their own are kept packed and are
// decoded when their time comes.
//
// Thread-safety: none; subtitle_track_decode() alone may run beside adding and drawing, which the
// owner locks.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

#include "viewer/text.h"

struct overlay;
struct subtitle_track;

// For text it takes a track of `text`, which outlives it; NULL: pictures only. NULL, logged with
// `name`: nothing here decodes it.
struct subtitle_track *subtitle_track_create(const AVCodecParameters *parameters,
                                             AVRational time_base, struct text *text,
                                             const char *name);
// Accepts a pointer to NULL; sets it to NULL.
void subtitle_track_destroy(struct subtitle_track **track);
bool subtitle_track_is_text(const struct subtitle_track *track);
// For people: "SubRip", "ASS", "PGS".
const char *subtitle_track_kind(const struct subtitle_track *track);

// True: *out holds something for subtitle_track_add(). Damaged packets give nothing.
bool subtitle_track_decode(struct subtitle_track *track, const AVPacket *packet, AVSubtitle *out);
// What is decoded from now on is of another place in the film. read_ns: up to where the film was
// read before (CLOCK_NONE: nothing was); to_ns: where it goes on, or before it.
void subtitle_track_wound(struct subtitle_track *track, int64_t read_ns, int64_t to_ns);
// Takes over what the packet of this media time gave.
void subtitle_track_add(struct subtitle_track *track, AVSubtitle *decoded, int64_t pts_ns);
// Decoding and adding in one, for a caption file: it is read once and whole, so nothing in it is a
// repetition, and pictures are only kept, with a reference of the packet, to be decoded when their
// time comes.
void subtitle_track_load(struct subtitle_track *track, const AVPacket *packet, int64_t pts_ns);
// How many captions it holds.
int subtitle_track_count(const struct subtitle_track *track);

// Puts into `overlay` what is shown at this media time, where that has changed since the last call,
// or `anew`. text: as given to subtitle_track_create().
void subtitle_track_draw(struct subtitle_track *track, struct text *text, int64_t time_ns,
                         const struct text_frame *frame, bool anew, struct overlay *overlay);
