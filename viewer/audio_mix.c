#include "viewer/audio_mix.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "viewer/media_clock.h"

// from silence to full volume
#define RAMP_MS 8
// from the last sample to silence
#define DECAY_MS 4

bool audio_mix_init(struct audio_mix *mix, struct media_clock *clock, int rate_hz, int channels,
                    int ring_frames)
{
    memset(mix, 0, sizeof(*mix));
    mix->clock = clock;
    mix->rate_hz = rate_hz;
    return audio_ring_init(&mix->ring, channels, ring_frames);
}

void audio_mix_finish(struct audio_mix *mix)
{
    audio_ring_finish(&mix->ring);
}

void audio_mix_start(struct audio_mix *mix, int64_t media_ns)
{
    audio_mix_stop(mix);
    mix->start_ns = media_ns;
    mix->speed = media_clock_speed(mix->clock);
    mix->active = true;
}

void audio_mix_stop(struct audio_mix *mix)
{
    audio_ring_reset(&mix->ring);
    mix->complete = false;
    mix->active = false;
    mix->aligned = false;
}

static int64_t frames_to_ns(const struct audio_mix *mix, int64_t frames)
{
    return frames / mix->rate_hz * NS_PER_S + frames % mix->rate_hz * NS_PER_S / mix->rate_hz;
}

// At most INT32_MAX either way.
static int ns_to_frames(const struct audio_mix *mix, int64_t ns)
{
    const int64_t most_ns = 3600 * NS_PER_S;

    ns = ns > most_ns ? most_ns : ns < -most_ns ? -most_ns : ns;
    return (int)(ns * mix->rate_hz / NS_PER_S);
}

// Media time of the next frame in the ring.
static int64_t position_ns(const struct audio_mix *mix)
{
    int64_t played_ns = frames_to_ns(mix, mix->ring.read);

    return mix->start_ns + played_ns + (int64_t)((double)played_ns * (mix->speed - 1));
}

// --- sample values

static void fill_silence(struct audio_mix *mix, float *out, int count)
{
    int channels = mix->ring.channels, decay_frames = mix->rate_hz * DECAY_MS / 1000;

    if (mix->sounding)
        mix->decay = decay_frames;
    mix->sounding = false;
    mix->level = 0;
    for (int i = 0; i < count; i++) {
        float left = (float)mix->decay / (float)decay_frames;

        for (int c = 0; c < channels; c++)
            out[i * channels + c] = mix->last[c] * left;
        mix->decay -= mix->decay > 0;
    }
}

static float clamp(float sample)
{
    return sample > 1 ? 1 : sample < -1 ? -1 : sample;
}

// Applies volume to what was read from the ring, count > 0.
static void apply_gain(struct audio_mix *mix, float *frames, int count)
{
    const float step = 1000.0f / (RAMP_MS * (float)mix->rate_hz), gain = mix->gain;
    int channels = mix->ring.channels;

    for (int i = 0; i < count; i++) {
        if (mix->level < gain)
            mix->level = mix->level + step < gain ? mix->level + step : gain;
        else if (mix->level > gain)
            mix->level = mix->level - step > gain ? mix->level - step : gain;
        for (int c = 0; c < channels; c++)
            frames[i * channels + c] = clamp(frames[i * channels + c] * mix->level);
    }
    memcpy(mix->last, frames + (ptrdiff_t)(count - 1) * channels, (size_t)channels * sizeof(float));
    mix->sounding = true;
}

// --- time

// Brings ring and clock together. Returns the frames of silence before the first frame to be
// played; `count` or more: none is to be played yet.
static int align(struct audio_mix *mix, int count, int64_t heard_ns)
{
    int64_t clock_ns = media_clock_at(mix->clock, heard_ns);
    int ahead;

    if (clock_ns == CLOCK_NONE)
        return count;
    ahead = ns_to_frames(mix, (int64_t)((double)(position_ns(mix) - clock_ns) / mix->speed));
    if (ahead < 0)
        ahead += audio_ring_read(&mix->ring, NULL, -ahead);
    // behind with an empty ring: the next callback looks again
    if (ahead < 0 || ahead >= count)
        return count;
    if (audio_ring_waiting(&mix->ring) < count && !mix->complete)
        return count;
    mix->aligned = audio_ring_waiting(&mix->ring) > 0;
    return mix->aligned ? ahead : count;
}

void audio_mix_fill(struct audio_mix *mix, float *out, int count, int64_t heard_ns)
{
    int channels = mix->ring.channels, silent = 0, played;
    int64_t begin_ns;
    // asked before the ring: what is written before "complete" is in the ring then
    bool complete = mix->complete;

    if (!mix->active || mix->paused) {
        mix->aligned = false;
        silent = count;
    } else if (!mix->aligned) {
        silent = align(mix, count, heard_ns);
    }
    if (silent > 0)
        fill_silence(mix, out, silent < count ? silent : count);
    if (silent >= count)
        return;
    begin_ns = position_ns(mix);
    played = audio_ring_read(&mix->ring, out + (ptrdiff_t)silent * channels, count - silent);
    if (played > 0) {
        media_clock_correct(mix->clock, begin_ns, heard_ns + frames_to_ns(mix, silent));
        apply_gain(mix, out + (ptrdiff_t)silent * channels, played);
    }
    mix->heard_ns = heard_ns + frames_to_ns(mix, silent + played);
    if (silent + played == count)
        return;
    mix->aligned = false;
    mix->underruns += !complete;
    fill_silence(mix, out + (ptrdiff_t)(silent + played) * channels, count - silent - played);
}

bool audio_mix_finished(const struct audio_mix *mix, int64_t now_ns)
{
    return mix->complete && audio_ring_waiting(&mix->ring) == 0 && now_ns >= mix->heard_ns;
}
