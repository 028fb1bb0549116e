// What an H.264 or HEVC stream says about itself in supplemental enhancement information: how the
// eyes are arranged (frame packing arrangement, payload 45) and what screen HDR was graded on
// (mastering display 137, light level 144). FFmpeg's encoders write some of these, some of the
// time; this writes them all, always.
//
// Formats: ITU-T H.264 (08/2021) D.1.26, D.1.29, D.1.31; ITU-T H.265 (08/2021) D.2.16, D.2.28,
// D.2.35. Half layouts: the sample aspect in the stream is that of the eyes once they are whole
// again, as DVB (ETSI TS 101 547-2) has it.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>

#include "viewer/options.h"

struct AVFrame;
struct AVPacket;
struct film_sei;

// codec_id: enum AVCodecID. NULL: nothing to say about this layout and film, or no such codec.
struct film_sei *film_sei_create(int codec_id, enum file_layout layout,
                                 const struct AVFrame *colours);
// Accepts a pointer to NULL; sets it to NULL.
void film_sei_destroy(struct film_sei **sei);
// Puts it before the picture; packets have start codes (Annex B). False: no memory, the packet is
// as it was.
bool film_sei_insert(const struct film_sei *sei, struct AVPacket *packet);
