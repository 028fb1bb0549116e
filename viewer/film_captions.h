// Captions of a text format that a container does not take, rewritten in the one that it does:
// SubRip becomes MP4's timed text, and the other way round. Styles go as far as FFmpeg carries
// them.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>

struct AVCodecParameters;
struct AVOutputFormat;
struct AVPacket;
struct AVStream;
struct film_captions;

// Sets *out_parameters to what the stream in a container of this format is to be. NULL: these are
// no text captions, or the container takes none.
struct film_captions *film_captions_create(const struct AVStream *from,
                                           const struct AVOutputFormat *format,
                                           struct AVCodecParameters *out_parameters);
// Accepts a pointer to NULL; sets it to NULL.
void film_captions_destroy(struct film_captions **captions);
// Exchanges the packet's text; its times stay. False: there is none in it.
bool film_captions_convert(struct film_captions *captions, struct AVPacket *packet);
