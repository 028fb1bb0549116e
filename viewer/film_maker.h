// One of the files of `deep3d convert` in the making: packs both eyes (stereo_pack.h), encodes them
// (film_encoder.h), keeps the packets in its part (film_log.h), and makes the film of that at the
// end (film_mux.h).
//
// Thread-safety: none.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "viewer/film_mux.h"
#include "viewer/options.h"

struct convert_file;
struct film_log;
struct film_maker;
struct source_info;
struct stereo_frame;

// All that is pointed to outlives the maker.
struct film_maker_params {
    const struct options *options;
    const struct convert_file *file;
    const struct source_info *info;
    enum file_codec codec; // not FILE_CODEC_AUTO
    bool lasting; // the source can be read again: a conversion can go on, and sound be copied
    const atomic_bool *stop; // true: give up making the film
};

// Goes on where the part was made of the same source by the same options. NULL, logged: it was not
// and must not be overwritten, or the pictures cannot be packed or encoded.
struct film_maker *film_maker_open(const struct film_maker_params *params);
// Removes a part without a picture, which is no use to anybody. Accepts a pointer to NULL; sets it
// to NULL.
void film_maker_close(struct film_maker **maker);

// A sample of the eyes that it takes.
int film_maker_eye_bits(const struct film_maker *maker);
// The maker's own.
struct film_log *film_maker_log(const struct film_maker *maker);

// pts and duration in the source's time base; pts rise. False, logged: a full disk, ...
bool film_maker_add(struct film_maker *maker, const struct stereo_frame *frame, int64_t pts,
                    int64_t duration);
// No more pictures come: those that the encoder still holds are kept as well. False, logged.
bool film_maker_drain(struct film_maker *maker);

// A line for each of the source's streams that the film will be without.
void film_maker_tell(const struct film_maker *maker);
// Makes the film of all packets kept, beside `path` (film_mux_run()). whole: as there.
enum film_mux_result film_maker_make(struct film_maker *maker, const char *path, bool whole);
// The film that was made gets its name. False, logged.
bool film_maker_place(struct film_maker *maker, const char *path);
