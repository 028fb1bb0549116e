// Packed pictures in, packets of H.264, HEVC, AV1 or FFV1 out, by the first of FFmpeg's encoders
// that works here: NVENC, then the processor's.
//
// Groups of pictures are closed, and every FILM_ENCODER_GROUP-th picture begins one, so that a film
// may be joined from stretches encoded apart. Key packets of H.264 and HEVC carry what players look
// for: how the eyes are arranged (frame packing arrangement SEI) and the HDR description of the
// screen it was graded on.
//
// Thread-safety: none; works with threads of its own.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "engine/deep3d.h"
#include "viewer/options.h"

#define FILM_ENCODER_GROUP 250

struct AVCodecParameters;
struct AVFrame;
struct AVPacket;
struct film_encoder;

struct film_encoder_params {
    enum file_codec codec; // not FILE_CODEC_AUTO
    enum file_encoder encoder;
    enum file_layout layout;
    int width, height;
    int format;           // enum AVPixelFormat, of film_encoder_format()
    int time_base[2];     // of time stamps, in seconds: numerator, denominator
    double frames_per_s;  // on average; 0: unknown
    double sample_aspect; // that the picture has once a player made whole eyes of it
    enum deep3d_matrix matrix;
    const struct AVFrame *colours; // colour and HDR description; no samples
    int crf;                       // -1: the encoder's usual
    const char *preset;            // NULL: the encoder's usual
    int threads;                   // 0: as the encoder likes
};

// The pixel format (enum AVPixelFormat) for pictures of `bits` bits a sample. *out_eye_bits: of the
// eyes that it takes.
int film_encoder_format(enum file_codec codec, enum file_layout layout, int bits,
                        int *out_eye_bits);
// enum AVCodecID.
int film_encoder_codec_id(enum file_codec codec);

// NULL, logged: no encoder here takes this.
struct film_encoder *film_encoder_create(const struct film_encoder_params *params);
// Accepts a pointer to NULL; sets it to NULL.
void film_encoder_destroy(struct film_encoder **encoder);
// FFmpeg's name of the encoder.
const char *film_encoder_name(const struct film_encoder *encoder);
// What a muxer needs to know; lives as long as the encoder. Its sample aspect is left unset. Its
// format is the one in which pictures are to be sent: the one asked for, or another arrangement of
// the same samples.
const struct AVCodecParameters *film_encoder_parameters(const struct film_encoder *encoder);

// pts and duration in the time base; pts rise. frame NULL: no more come, all that is held is to be
// given out. False, logged.
bool film_encoder_send(struct film_encoder *encoder, struct AVFrame *frame, int64_t pts,
                       int64_t duration);
// The next packet there is, which the caller unrefs. False: none yet; *out_failed: an error,
// logged.
bool film_encoder_receive(struct film_encoder *encoder, struct AVPacket *out, bool *out_failed);
