// Sound made faster or slower at its own pitch, through libavfilter's atempo.
//
// All in all the sound lasts as long as it should, but its pieces lie up to 40 ms off, and so much
// of the film: atempo moves them to where they fit together. Each call takes memory from FFmpeg's
// pools, as decoding does.
//
// Thread-safety: none.
#pragma once
#include <stdbool.h>

struct audio_tempo;

// speed: 0.25 to 4. Never NULL; where it cannot be done, logged, all that is put in is lost.
struct audio_tempo *audio_tempo_create(int rate_hz, int channels, double speed);
// Accepts a pointer to NULL; sets it to NULL.
void audio_tempo_destroy(struct audio_tempo **tempo);

// frames: [count][channels]; NULL: silence; count 0: the end, nothing may follow. False, logged the
// first time: they are lost.
bool audio_tempo_put(struct audio_tempo *tempo, const float *frames, int count);
// Frames that are ready, [count][channels], valid until the next call; 0: none.
int audio_tempo_get(struct audio_tempo *tempo, const float **out);
