// Deinterlacing: pictures whose two fields are of two moments become pictures of one moment, by
// FFmpeg's bwdif; all others pass as they are. As many pictures come out as went in, each a picture
// later.
//
// In the host's memory only.
//
// Cost: reads the picture and those beside it, writes one of its size; 1080i: 3 ms of one core.
//
// Thread-safety: belongs to one thread at a time.
#pragma once
#include <stdbool.h>

#include <libavutil/frame.h>
#include <libavutil/rational.h>

struct source_fields;

// time_base: of the pictures' time stamps. NULL: no memory.
struct source_fields *source_fields_create(AVRational time_base);
// Accepts a pointer to NULL; sets it to NULL.
void source_fields_destroy(struct source_fields **fields);

// The picture's fields are of two moments.
bool source_fields_woven(const AVFrame *picture);
// Whether pictures have to go through: not before the first that is woven.
bool source_fields_busy(const struct source_fields *fields, const AVFrame *picture);
// Takes the picture over; NULL: there are no more. Call get afterwards until it gives nothing.
void source_fields_put(struct source_fields *fields, AVFrame *picture);
// False: there is none yet. out: empty; gets the next picture with its best_effort_timestamp.
bool source_fields_get(struct source_fields *fields, AVFrame *out);
// Forgets what it holds.
void source_fields_reset(struct source_fields *fields);
