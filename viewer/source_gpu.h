// Decodes on an NVIDIA GPU (NVDEC), through FFmpeg's cuda hwaccel: pictures are made in the GPU's
// memory, in the context that the converter works in, and stay there.
//
//     source_gpu_create -> source_gpu_codec -> avcodec_alloc_context3 -> source_gpu_prepare ->
//     avcodec_open2 -> avcodec_receive_frame -> source_gpu_finish ...
//
// FFmpeg queues what follows decoding (a copy into a surface) on a stream of our own, which holds
// up none of the converter's: it is waited for in the decoder's thread, so that a picture that is
// handed on is complete for whoever reads it. A surface goes back to the decoder when the picture's
// AVFrame is unreferenced.
//
// Thread-safety: one thread at a time; AVFrames may be unreferenced on any.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

// Pictures that may be kept at once beside those that the decoder itself needs. The hardware has 32
// surfaces, and films refer to up to 16 pictures.
#define SOURCE_GPU_FRAMES 11

struct source_gpu;

// uuid: which GPU, as deep3d_params have it. NULL: why says why not.
struct source_gpu *source_gpu_create(const uint8_t *uuid, char *why, size_t size);
// Its decoders and pictures are gone. Accepts a pointer to NULL; sets it to NULL.
void source_gpu_destroy(struct source_gpu **gpu);

// FFmpeg's decoder of the codec that can work on the GPU; NULL: there is none, or it is not worth
// it.
const AVCodec *source_gpu_codec(enum AVCodecID codec);
// Makes a decoder of such a codec decode on the GPU or not at all.
void source_gpu_prepare(struct source_gpu *gpu, AVCodecContext *decoder);
// The decoder failed as the GPU does not take what is in the stream now: another profile, size or
// number of bits than it knows. Holds for what it was prepared for last.
bool source_gpu_refused(const struct source_gpu *gpu);
// Call with each picture once it is received: it is complete then. False: the GPU has failed.
bool source_gpu_finish(struct source_gpu *gpu);
