// The last sound that was taken from a film, to be heard once more: at another speed, say.
//
// Frames as audio_ring.h has them. Thread-safety: none.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct audio_tail {
    float *samples; // [room][channels]
    int channels;
    int room;      // in frames
    int64_t added; // frames since the last reset
};

// False: no memory (not logged).
bool audio_tail_init(struct audio_tail *tail, int channels, int room);
// Accepts one that is all-zero.
void audio_tail_finish(struct audio_tail *tail);
void audio_tail_reset(struct audio_tail *tail);
// frames: [count][channels]; NULL: silence. Of what does not fit the oldest goes.
void audio_tail_add(struct audio_tail *tail, const float *frames, int64_t count);
// How many frames are there.
int audio_tail_count(const struct audio_tail *tail);
// Some of the frames from `back` frames before the end on, 1..audio_tail_count(). Returns how many
// lie there side by side, at least 1.
int audio_tail_get(const struct audio_tail *tail, int back, const float **out);
