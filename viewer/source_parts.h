// What the files of a source share among themselves; nobody else includes this.
//
//     source.c         the public calls, threads up and down
//     source_open.c    the container (container.h), from a file, a URL, a device or a pipe
//     source_exif.c    how a PNG wants to be turned
//     source_heif.c    photographs in HEIF, through libheif
//     source_pipe.c    reads pipes, which FFmpeg cannot be stopped from reading
//     source_streams.c which streams, their decoders, what they are
//     source_demux.c   thread: packets into two queues; winding
//     source_video.c   thread: pictures decoded, timed, and queued
//     source_decode.c  packets into pictures, by a GPU or the CPU
//     source_gpu.c     what decodes on a GPU
//     source_fields.c  deinterlacing
//     source_audio.c   thread: sound decoded and queued
//     source_picture.c an AVFrame as the converter takes it
//     source_timing.c  when a picture begins and ends
//
// Winding: source_seek() raises `generation` and `epoch` and empties all queues. The demuxer sees
// the new epoch and winds the container; the decoders see it with their next packet and forget what
// they hold. A container that wound too far is wound again, further back: that raises only `epoch`.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/stereo3d.h>

#include "base/clock.h"
#include "base/thread.h"
#include "viewer/packet_queue.h"
#include "viewer/source.h"
#include "viewer/source_fields.h"
#include "viewer/source_gpu.h"
#include "viewer/source_picture.h"
#include "viewer/source_timing.h"
#include "viewer/stereo_input.h"
#include "viewer/stream_jump.h"

#define SOURCE_SOUND_FRAMES 256
// "The container has no such stream."
#define SOURCE_NO_STREAM (-1)
#define SOURCE_FROM_START INT64_MIN
// Times beyond are damage: 31 years.
#define SOURCE_TIME_MAX_NS (INT64_C(1000000000) * NS_PER_S)

// A frame with its place in the source's list of free ones. `frame` is the first member: a pointer
// to one is a pointer to the other.
struct source_frame {
    struct frame frame;
    struct source_frame *next; // free list
    struct source_frame *all;  // list of all that were ever made
    int64_t bytes;             // of the picture, while it waits to be read
};

// A stream as the decoder thread needs it, copied at the beginning: the demuxer changes AVStream
// while it reads.
struct source_stream {
    int index; // in the container, or SOURCE_NO_STREAM
    AVRational time_base;
    AVCodecParameters *parameters;
    AVCodecContext *decoder; // its thread's; of sound NULL until it is heard
};

struct source {
    // --- set by source_open(), then read-only
    char *url;
    struct source_info info;
    int lookahead_frames;
    int64_t image_duration_ns;
    int threads;
    bool gpu_wanted, keep_fields;
    const uint8_t *gpu_uuid;
    struct subtitles *subtitles; // NULL: captions are left aside
    struct stereo_words stereo;  // said: where the container does, pictures may else; what a
                                 // person says is kept below
    AVStereo3D stereo_of_stream;
    struct source_stream video;
    struct source_sound *sounds;     // info.sounds
    struct source_stream *tracks;    // of the same
    struct source_chapter *chapters; // info.chapters
    struct source_gpu *gpu;          // NULL: none decodes
    AVRational sample_aspect;        // as the container says; 0/1: unknown
    int32_t display_matrix[9];
    bool has_display_matrix;
    int png_orientation;         // as EXIF says it; 0: not
    int64_t start_ns;            // of the container's first time stamp
    AVFrame *colours;            // info.colours; written before source_open() returns
    bool discontinuous;          // time stamps may jump (transport streams)
    double guessed_frames_per_s; // for pictures without a duration; > 0

    const atomic_bool *give_up; // params'
    atomic_bool stopped;        // also ends FFmpeg's waiting for a network
    atomic_int sound;           // the track that is asked for
    atomic_bool fell;           // the clock fell back: time stamps tell no place any more

    // --- the demuxer's thread
    AVFormatContext *container;
    struct source_pipe *pipe; // NULL: no pipe
    struct source_heif *heif; // NULL: no HEIF photograph
    struct stream_jump jump;
    int64_t read_ns;  // where all that was read ends, over all epochs
    int64_t epoch_ns; // latest time stamp since the container was wound; CLOCK_NONE: none
    int track;        // that is read

    // --- the video thread
    struct picture_maker *pictures;
    struct timing timing;
    AVFrame *decoded;
    struct source_fields *fields; // NULL: interlaced pictures stay as they are
    bool on_gpu;               // the decoder's pictures are
    bool gpu_failed;           // at the packet at hand
    bool woven;                // because its picture is interlaced
    bool single;               // the film has but one picture
    bool complained;           // of how pictures show both eyes
    struct source_frame *held; // waits for its successor, which tells how long it lasts

    // --- the audio thread
    struct source_stream *heard; // the last packet's; NULL: none yet

    struct monitor monitor;
    // --- guarded by monitor:
    enum stereo_input asked; // how pictures show both eyes, as a person says
    bool swapped;
    unsigned generation; // what callers see
    unsigned epoch;      // raised with every winding
    int64_t target_ns;   // of the last seek; CLOCK_NONE: none, everything is handed out
    int64_t taken_ns;    // where the last picture that was read ends; CLOCK_NONE: none since then
    bool gpu_left;       // pictures are to come in the host's memory
    bool wind;           // the demuxer is to go to wind_ns
    int64_t wind_ns;     // SOURCE_FROM_START: open the input anew
    int wind_attempts;   // in this generation, after the first
    bool settled;        // the first picture of the generation is there, or none comes
    bool demux_ended, video_ended, audio_ended; // in this epoch
    bool broken;
    bool audio_ignored;
    bool audio_overflowed; // said so already
    struct packet_queue video_packets, audio_packets;
    struct source_frame **pictures_ready; // ring of lookahead_frames
    int ready_first, ready_count;
    int64_t ready_bytes;
    struct source_frame *free_frames, *all_frames;
    AVFrame *sound_ready[SOURCE_SOUND_FRAMES]; // ring
    int sound_first, sound_count;
    int64_t sound_ns;     // how long what waits plays
    int64_t first_pts_ns; // of the film; CLOCK_NONE until known
    struct source_counts counts;

    struct thread demux_thread, video_thread, audio_thread;
};

// --- source_open.c
// False, logged: `source` is left for source_close().
bool source_open_input(struct source *s, const struct source_params *params);
// The same file or stream again, from its beginning. False, logged: the old one stays.
bool source_reopen_input(struct source *s);
// Nothing is to be read any more.
bool source_stop_asked(const struct source *s);
// For the log, valid until the thread's next call.
const char *source_av_error(int av_error);

// --- source_streams.c
// Chooses the streams of the container, opens the decoder of the pictures and fills in `info`.
// False, logged.
bool source_open_streams(struct source *s, const struct source_params *params);
// NULL, logged: this sound cannot be decoded.
AVCodecContext *source_open_sound(struct source *s, const struct source_stream *track);
// The video thread: the CPU decodes from now on. False, logged: it cannot.
bool source_leave_hardware(struct source *s);
// Streams that are fetched one by one: only what is shown, and the track that is heard. All of
// another container is read, as its length is that of its longest stream.
void source_discard_others(struct source *s);

// --- source.c
// Monitor held: all that was decoded since is thrown away, and decoded once more from there on.
// CLOCK_NONE: from the beginning. Not where the source cannot seek.
void source_wind_again(struct source *s, int64_t from_ns);
// Monitor held. Makes another free frame.
void source_add_frame(struct source *s);

// --- the threads
void source_demux_run(void *user);
void source_video_run(void *user);
void source_audio_run(void *user);

// --- source_decode.c; the video thread
// Calls source_take_picture() for each picture that comes of it. packet NULL: empties the decoder.
void source_decode(struct source *s, unsigned epoch, const AVPacket *packet);

// --- source_video.c; the video thread
// Takes in s->decoded.
void source_take_picture(struct source *s, unsigned epoch);
void source_count_damage(struct source *s);

// --- source_demux.c, for the decoders; blocks. Moves the next packet of the queue out.
enum source_take {
    SOURCE_TAKE_PACKET,
    SOURCE_TAKE_END,   // of this epoch
    SOURCE_TAKE_RESET, // *epoch was not the current one; it is now
    SOURCE_TAKE_STOP,
};
enum source_take source_take_packet(struct source *s, bool video, unsigned *epoch, AVPacket *out);
// Monitor held: throws away what waits, for a new epoch.
void source_empty_queues(struct source *s);
// Monitor held. Gives back its picture.
void source_free_frame(struct source *s, struct source_frame *frame);
// A time stamp of a stream as media time; CLOCK_NONE where it is unknown or absurd.
int64_t source_media_ns(const struct source *s, int64_t time_stamp, AVRational time_base);
