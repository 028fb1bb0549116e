// A film, stream, device or image, demuxed and decoded by FFmpeg, some frames ahead of what is
// shown.
//
//     source_open -> source_read_video / source_read_audio until SOURCE_END -> source_close
//
// Threads of its own: one demuxes, one decodes video, one decodes audio. Pictures whose pixel
// format the converter takes are handed on without a copy; others go through swscale. Damaged
// packets are skipped and counted, and the film goes on.
//
// Where an NVIDIA GPU decodes, pictures come in its memory (DEEP3D_MEMORY_CUDA), complete; what it
// does not take, or fails at, the CPU decodes, and one line says so.
//
// Thread-safety: one thread may read video and another audio, while a third seeks or stops.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "viewer/frame.h"
#include "viewer/stereo_input.h"

struct AVFrame;
struct source;
struct subtitles;

struct source_params {
    const char *url;             // whatever FFmpeg opens: path, http(s)://, rtsp://, ...
    int lookahead_frames;        // decoded ahead; 0: 8
    int64_t image_duration_ns;   // how long a still image is shown; 0: 5 s
    int threads;                 // of the video decoder; 0: all cores
    bool gpu;                    // an NVIDIA GPU decodes where it can, into its own memory
    const uint8_t *gpu_uuid;     // which, as deep3d_params have it
    bool keep_fields;            // interlaced pictures stay as they are, else they are deinterlaced
    bool no_audio;               // leave sound aside
    int audio;                   // number of the sound track, from 1; 0: by audio_lang, then as
                                 // the container prefers
    const char *audio_lang;      // "de,en": languages of sound to look for; NULL: no wish
    enum stereo_input input;     // how pictures show both eyes, as a person says
    bool swap_eyes;              // left and right are exchanged in them
    struct subtitles *subtitles; // gets the captions as they are read, and outlives the source;
                                 // NULL: they are left aside
    const atomic_bool *give_up;  // once true, opening fails soon and says nothing, and no more is
                                 // read of what is open; outlives the source; NULL: never
};

// A sound track.
struct source_sound {
    char language[16], title[64]; // as the container says; "": it does not
    const char *codec;
    int rate_hz, channels; // 0: it begins later than the film was looked into
};

struct source_chapter {
    int64_t start_ns; // media time
    char title[64];   // as the container says; "": it does not
};

struct source_info {
    const char *url;       // these strings live as long as the source
    const char *container; // FFmpeg's short name
    const char *video_codec;
    int width, height;                 // of an eye, upright
    double aspect;                     // of it
    bool native;                       // pictures show both eyes
    double frames_per_s;               // average; 0: unknown
    int64_t duration_ns;               // 0: unknown or live
    int64_t pictures_ns;               // where the first picture begins; sound may be earlier
    int64_t frames;                    // as the container says; 0: it does not
    bool image;                        // a single picture
    bool seekable;                     // as it seems at its beginning; source_windable() knows more
    const struct source_sound *sounds; // that FFmpeg can decode, in the container's order
    int sound_count;                   // 0: it is silent, or sound is left aside
    const struct source_chapter *chapters; // in the order of time
    int chapter_count;
    // for whoever writes the film anew:
    bool discontinuous; // its clock may jump: media times differ after a seek
    int video;          // the container's stream that is shown
    int64_t start_ns;   // what media time 0 is on the container's clock
    int time_base[2];   // of the video stream's time stamps, in seconds: numerator, denominator
    int bits;           // of a sample, as stored
    enum deep3d_matrix matrix;
    const struct AVFrame *colours; // colour and HDR description of the first picture; no samples
};

struct source_counts {
    int64_t frames_decoded;  // handed out or waiting to be
    int64_t frames_on_gpu;   // decoded there, all in all
    int64_t packets_damaged; // that the decoder refused
    int64_t frames_stale;    // decoded, then overtaken by a seek
};

enum source_result {
    SOURCE_OK,
    SOURCE_END,     // nothing more in this generation; a seek brings new ones
    SOURCE_STOPPED, // source_stop() was called
};

// Returns once the first picture is decoded. NULL, logged with the file and the reason, where it
// cannot be opened, holds no picture, none can be decoded, or they have no size or one above
// DEEP3D_MAX_SIDE_PX.
//
// url: an existing file is meant literally, whatever is in its name; "-" is standard input; else a
// URL, or an input device
// of FFmpeg before a colon: "lavfi:testsrc2=size=640x360", "x11grab::0", "v4l2:/dev/video0".
struct source *source_open(const struct source_params *params);
// Joins its threads. Accepts a pointer to NULL; sets it to NULL. All frames must have been given
// back.
void source_close(struct source **source);

const struct source_info *source_info(const struct source *source);
struct source_counts source_counts(const struct source *source);
// False, logged: its pictures show both eyes, so that no depth of them is estimated.
bool source_has_one_eye(const struct source *source);

// Blocks until a frame is there. SOURCE_OK: *out is the caller's until source_give_back().
enum source_result source_read_video(struct source *source, struct frame **out);
void source_give_back(struct source *source, struct frame *frame);
// True: a frame is there, or the source was stopped; source_read_video() will not block.
bool source_video_ready(const struct source *source);
// No picture and no sound waits to be decoded, and the film has not ended: its disk or network is
// behind.
bool source_starving(const struct source *source);
// Blocks. SOURCE_OK: the sound is moved into `out`, which the caller made with av_frame_alloc() and
// unrefs; out->pts is media time in ns. *out_generation is the generation, also with SOURCE_END.
// After a seek the first sound may begin before the place asked for, but does not end before it.
enum source_result source_read_audio(struct source *source, struct AVFrame *out,
                                     unsigned *out_generation);
// Nobody will read the sound: it is left aside from now on. Without this, sound that is not read
// holds the pictures back.
void source_ignore_audio(struct source *source);

// Which of info.sounds is heard, from 0 on.
int source_sound(const struct source *source);
// Another one, 0..sound_count - 1, from the next seek on; where the source cannot seek, from what
// is read next on.
void source_set_sound(struct source *source, int sound);

// How pictures show both eyes is read so from the next one on that is decoded; see
// struct source_params.
void source_set_input(struct source *source, enum stereo_input input, bool swap_eyes);

// The film can be wound: it is seekable, and its clock has not fallen back in what was read of it,
// from where on the same times come again and source_seek() does not find what it is asked for.
bool source_windable(const struct source *source);
// Goes to the frame that is on screen at media time pos_ns (clamped to the film): video frames
// before it are decoded and thrown away. Beyond the last frame that is the last one. Returns the
// new generation at once (the work is done by the source's threads), the old one where the source
// cannot seek.
unsigned source_seek(struct source *source, int64_t pos_ns);
// The reader can use no more pictures in a GPU's memory: those from the one at from_ns on come
// again, decoded by the CPU, with the same generation; where the source cannot seek, only those
// that are still to be decoded.
void source_leave_gpu(struct source *source, int64_t from_ns);
// True once reading failed for good (network gone, file cut); what was decoded before is still
// handed out.
bool source_broken(const struct source *source);
// Wakes every blocked reader; all further reads return SOURCE_STOPPED.
void source_stop(struct source *source);
