// What the audio callback does: fills the device's buffers from a ring so that sound is heard when
// the media clock says, and tells the clock what is heard.
//
// The ring's first frame is heard at media time start_ns, and all that follow without a gap, as
// fast as the clock runs: gaps of the film are silence in the ring. At each beginning, after a
// pause and after an underrun, the mix aligns itself: it waits in silence, or leaves sound out,
// until ring and clock agree. From then on the sound is the master, and the clock follows it.
//
// No clicks: volume changes are ramps, sound begins with one, and ends with a short decay.
//
// Thread-safety: audio_mix_fill() is the callback's: it never blocks, allocates or logs. Fields say
// who may touch them.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "viewer/audio_ring.h"

#define AUDIO_CHANNELS_MAX 8

struct media_clock;

struct audio_mix {
    struct audio_ring ring;
    struct media_clock *clock;
    int rate_hz;
    // any thread
    _Atomic float gain; // 0 is silent, 1 as recorded
    atomic_bool paused;
    atomic_bool complete; // no more is written to the ring
    _Atomic int64_t underruns;
    _Atomic int64_t heard_ns; // moment at which what was filled so far has been heard
    // while no callback runs
    bool active; // between start and stop
    int64_t start_ns;
    double speed; // media time per time in the ring
    // the callback's own
    bool aligned;
    bool sounding;                  // the last frame came from the ring
    float level;                    // volume reached so far
    float last[AUDIO_CHANNELS_MAX]; // the last frame that came from the ring, as it was played
    int decay;                      // frames left of its decay
};

// False: no memory (not logged). channels: up to AUDIO_CHANNELS_MAX.
bool audio_mix_init(struct audio_mix *mix, struct media_clock *clock, int rate_hz, int channels,
                    int ring_frames);
void audio_mix_finish(struct audio_mix *mix);
// Empties the ring, for sound of the clock's speed. No callback and no writer runs.
void audio_mix_start(struct audio_mix *mix, int64_t media_ns);
void audio_mix_stop(struct audio_mix *mix);
// heard_ns: the moment (clock_now_ns()) at which the first of these frames will be heard.
// out: [count][channels]
void audio_mix_fill(struct audio_mix *mix, float *out, int count, int64_t heard_ns);
// Complete, and heard to the end.
bool audio_mix_finished(const struct audio_mix *mix, int64_t now_ns);
