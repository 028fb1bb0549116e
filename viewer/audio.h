// The sound of a source: resampled to what the device takes and played through SDL2; drives the
// media clock.
//
// A thread of its own pulls sound from the source; SDL's callback only copies from a ring and never
// blocks. Where no audio device can be opened, one line says so and the film plays without sound,
// by its own clock.
//
// Thread-safety: call from one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct audio;
struct media_clock;
struct source;

struct audio_params {
    struct source *source; // with sound; both outlive the audio
    struct media_clock *clock;
    float volume; // 0..1.3
    bool muted;
    int64_t delay_ns; // as audio_set_delay() has it
};

// NULL, after a warning, where there is no device; the source then leaves its sound aside. Silent
// until audio_start().
struct audio *audio_create(const struct audio_params *params);
// Accepts a pointer to NULL; sets it to NULL. Stop the source first.
void audio_destroy(struct audio **audio);

// Plays sound of this generation from media_ns on, at the clock's speed and its own pitch, and
// corrects the clock with it. What an older generation left is dropped. Of the same one, the last
// two seconds that were read are heard again where they lie behind media_ns.
void audio_start(struct audio *audio, unsigned generation, int64_t media_ns);
// Silence until the next start; what waits is dropped.
void audio_stop(struct audio *audio);
void audio_pause(struct audio *audio, bool paused);
void audio_set_volume(struct audio *audio, float volume, bool muted);
// Sound is heard so much later than its time stamps say, as for headphones that are slow, or sooner
// (negative), by less than 10 s; a change is a gap or a cut in what is heard.
void audio_set_delay(struct audio *audio, int64_t delay_ns);
// All sound of the generation has been heard.
bool audio_finished(const struct audio *audio);
// Callbacks that found too little sound, as a count.
int64_t audio_underruns(const struct audio *audio);
