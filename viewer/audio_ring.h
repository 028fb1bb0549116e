// Sound between the thread that decodes it and the callback that plays it.
//
// Samples are floats, the channels of one moment side by side: a "frame".
//
// Thread-safety: lock-free for one writer and one reader at the same time. audio_ring_reset() needs
// both to be quiet.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct audio_ring {
    float *samples; // [capacity][channels]
    int channels;
    int capacity; // in frames
    // frames since the last reset
    _Atomic int64_t written, read;
};

// False: no memory (not logged).
bool audio_ring_init(struct audio_ring *ring, int channels, int capacity);
// Accepts one that is all-zero.
void audio_ring_finish(struct audio_ring *ring);
void audio_ring_reset(struct audio_ring *ring);

// Frames that can be read.
int audio_ring_waiting(const struct audio_ring *ring);
// Writes what there is room for, returns how many frames that was. frames NULL: silence.
int audio_ring_write(struct audio_ring *ring, const float *frames, int count);
// Reads what there is, returns how many frames that was. out NULL: leaves them out.
int audio_ring_read(struct audio_ring *ring, float *out, int count);
