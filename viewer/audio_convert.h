// Decoded sound into the device's rate and channels, as floats, through swresample.
//
// Any sample format, rate and channel layout; they may change in the middle.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct AVFrame;
struct audio_convert;

struct audio_converted {
    const float *frames; // [count][channels], valid until the next call
    int count;
    int64_t pts_ns; // of the first one; CLOCK_NONE: follows the piece before
};

// channels: 1, 2, 4, 6 or 8.
struct audio_convert *audio_convert_create(int rate_hz, int channels);
// Accepts a pointer to NULL; sets it to NULL.
void audio_convert_destroy(struct audio_convert **convert);
// in->pts: media time in ns. in NULL: the end, gives what is still inside. False, logged the first
// time: this sound cannot be converted.
bool audio_convert_run(struct audio_convert *convert, const struct AVFrame *in,
                       struct audio_converted *out);
// What follows is from another place.
void audio_convert_reset(struct audio_convert *convert);
