// Makes the film at the end: encoded pictures from a film_log, and from the source everything that
// is not its pictures, copied packet for packet: sound, subtitles, attachments, chapters,
// metadata. What the container does not take is left out.
//
// The stereo layout is written as players look for it: Matroska's StereoMode, MP4's st3d; so are
// the colours and the HDR description. The source's rotation is not: the eyes are upright.
//
// Written beside its place as PATH.new, brought to disk and then renamed: under its name there is a
// whole film or nothing new.
//
// Thread-safety: none.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "viewer/options.h"

struct AVCodecParameters;
struct AVFrame;
struct film_log;

struct film_mux_params {
    const char *path;
    const char *source; // to copy from; NULL: pictures alone
    int video;          // its stream that the pictures are of
    int64_t start_ns;   // of media time 0 on the source's clock
    bool whole;         // all of the source must come along; else what can be read of it, up to
                        // the last picture
    struct film_log *log;
    const struct AVCodecParameters *parameters; // of the pictures
    const struct AVFrame *colours;              // HDR description
    enum file_layout layout;
    int time_base[2];
    double sample_aspect;    // of the whole eyes
    const atomic_bool *stop; // true: give up
};

enum film_mux_result { FILM_MUX_DONE, FILM_MUX_STOPPED, FILM_MUX_FAILED };

// The container that a file's ending stands for takes pictures of this codec (enum AVCodecID). When
// false, logged.
bool film_mux_takes(const char *path, int codec_id);
// A line for each of the source's streams that will be left out, before anything is made.
void film_mux_tell(const struct film_mux_params *params);
// Makes PATH.new, on disk when it returns. FILM_MUX_FAILED is logged; no PATH.new is left then.
enum film_mux_result film_mux_run(const struct film_mux_params *params);
// PATH.new gets its name. False, logged: it stays.
bool film_mux_place(const char *path);
// Removes PATH.new, if it is there.
void film_mux_discard(const char *path);
