#include "assets/sample/sound.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "assets/sample/noise.h"
#include "base/log.h"
#include "base/mem.h"

#define RATE 48000
#define CHANNELS 2
#define TAU 6.2831853f

struct track {
    int frames;
    float *wave; // [frames][CHANNELS]
    float *echo; // [frames][CHANNELS], what is sent into the room
};

static float noise_at(int i, int seed)
{
    return hash3(i, seed, 11) * 2 - 1;
}

static void put(struct track *t, int at, float value, float pan, float echo)
{
    if (at < 0 || at >= t->frames)
        return;
    float right = sinf((pan + 1) * TAU / 8), left = cosf((pan + 1) * TAU / 8);
    t->wave[at * CHANNELS] += value * left;
    t->wave[at * CHANNELS + 1] += value * right;
    t->echo[at * CHANNELS] += value * left * echo;
    t->echo[at * CHANNELS + 1] += value * right * echo;
}

// A string, plucked: noise that runs round a delay as long as the tone and is smoothed each time
// (Karplus and Strong).
static void add_string(struct track *t, float seconds, float hertz, float strength, float pan)
{
    float string[RATE / 50];
    int length = (int)(RATE / hertz), start = (int)(seconds * RATE);
    float mean = 0;
    for (int i = 0; i < length; i++) {
        string[i] = 0.5f * (noise_at(i, length) + noise_at(i + 1, length));
        mean += string[i] / length;
    }
    for (int i = 0; i < length; i++)
        string[i] -= mean; // the constant part would never fade
    for (int i = 0; i < 3 * RATE; i++) {
        int k = i % length, next = (k + 1) % length;
        float value = string[k];
        string[k] = 0.4985f * (value + string[next]);
        put(t, start + i, 2.2f * value * strength * (1 - (float)i / (3 * RATE)), pan, 0.35f);
    }
}

// The melody: broken chords of C, a minor, F and G, a new one every two seconds.
static void add_melody(struct track *t)
{
    static const float chords[4][4] = {
        {130.81f, 196.00f, 261.63f, 329.63f},
        {110.00f, 164.81f, 261.63f, 329.63f},
        {174.61f, 220.00f, 261.63f, 349.23f},
        {98.00f, 196.00f, 246.94f, 293.66f},
    };
    static const int order[8] = {0, 2, 1, 3, 2, 3, 1, 2};
    float seconds = (float)t->frames / RATE;
    for (int i = 0; i * 0.25f < seconds - 1.5f; i++) {
        float hertz = chords[i / 8 % 4][order[i % 8]];
        add_string(t, i * 0.25f, hertz, i % 8 ? 0.1f : 0.15f, i % 2 ? 0.35f : -0.35f);
        if (i % 8 == 4)
            add_string(t, i * 0.25f, chords[i / 8 % 4][3] * 2, 0.07f, 0);
    }
    add_string(t, seconds - 1.5f, chords[0][0], 0.15f, -0.2f);
    add_string(t, seconds - 1.5f, chords[0][2], 0.12f, 0.2f);
}

static float step_wave(float t, int i)
{
    float crunch = noise_at(i, 1) * noise_at(i / 40, 2);
    return crunch * expf(-t * 28) * min2(t * 200, 1) * 0.5f +
           sinf(TAU * 70 * t) * expf(-t * 45) * 0.4f;
}

static float bounce_wave(float t, int i)
{
    float fall = 95 + 70 * expf(-t * 30);
    return sinf(TAU * fall * t) * expf(-t * 16) * 0.9f + noise_at(i, 3) * expf(-t * 160) * 0.25f;
}

static float click_wave(float t, int i)
{
    return (sinf(TAU * 4150 * t) + 0.6f * sinf(TAU * 6870 * t) + 0.35f * sinf(TAU * 9310 * t)) *
               expf(-t * 70) * 0.35f +
           noise_at(i, 4) * expf(-t * 900) * 0.4f;
}

static void add_event(struct track *t, float start, const struct sound_event *e, float echo)
{
    for (int i = 0; i < RATE / 2; i++) {
        float s = (float)i / RATE;
        float v = e->kind == SOUND_STEP     ? step_wave(s, i)
                  : e->kind == SOUND_BOUNCE ? bounce_wave(s, i)
                                            : click_wave(s, i);
        put(t, (int)(start * RATE + 0.5f) + i, v * e->strength * 0.5f, e->pan, echo);
    }
}

// Wind: noise through a slow one-pole filter, a little different in each ear.
static void add_wind(struct track *t, float start, float seconds)
{
    float kept[CHANNELS] = {0};
    for (int i = 0; i < (int)(seconds * RATE); i++) {
        float s = (float)i / RATE, swell = 0.6f + 0.4f * sinf(s * 1.9f);
        int at = (int)(start * RATE) + i;
        for (int c = 0; c < CHANNELS && at < t->frames; c++) {
            kept[c] += 0.035f * (noise_at(i, 20 + c) - kept[c]);
            t->wave[at * CHANNELS + c] +=
                kept[c] * 0.16f * swell * min2(1, min2(s, seconds - s) * 4);
        }
    }
}

// The room: four feedback delays of unlike length for each ear (Schroeder's reverberator).
static void add_room(struct track *t)
{
    static const int delays[CHANNELS][4] = {{1687, 1933, 2251, 2689}, {1747, 2003, 2179, 2797}};
    for (int c = 0; c < CHANNELS; c++)
        for (int k = 0; k < 4; k++) {
            float line[2800] = {0}, dull = 0;
            for (int i = 0; i < t->frames; i++) {
                float *slot = &line[i % delays[c][k]];
                dull += 0.45f * (*slot - dull);
                t->wave[i * CHANNELS + c] += dull * 0.22f;
                *slot = t->echo[i * CHANNELS + c] + dull * 0.86f;
            }
        }
}

static void put_le(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

// Format: RIFF WAVE, Microsoft, 1991.
static bool write_wav(const struct track *t, const char *path)
{
    uint32_t bytes = (uint32_t)t->frames * CHANNELS * 2;
    uint8_t head[44] = "RIFF....WAVEfmt ", sample[2];
    put_le(head + 4, 36 + bytes, 4);
    put_le(head + 16, 16, 4);
    put_le(head + 20, 1, 2);
    put_le(head + 22, CHANNELS, 2);
    put_le(head + 24, RATE, 4);
    put_le(head + 28, RATE * CHANNELS * 2, 4);
    put_le(head + 32, CHANNELS * 2, 2);
    put_le(head + 34, 16, 2);
    memcpy(head + 36, "data", 4);
    put_le(head + 40, bytes, 4);
    FILE *out = fopen(path, "wb");
    bool ok = out && fwrite(head, sizeof(head), 1, out) == 1;
    for (int i = 0; ok && i < t->frames * CHANNELS; i++) {
        float fade = min2(1, (float)(t->frames * CHANNELS - i) / (RATE * CHANNELS / 2));
        put_le(sample, (uint32_t)(int32_t)(clamp(tanhf(1.6f * t->wave[i] * fade), -1, 1) * 32000),
               2);
        ok = fwrite(sample, 2, 1, out) == 1;
    }
    if (out)
        ok = !fclose(out) && ok;
    if (!ok)
        log_error("%s: the sound could not be written there", path);
    return ok;
}

bool sound_write(const struct shot *const *shots, int count, const char *path)
{
    float seconds = 0, start = 0;
    for (int i = 0; i < count; i++)
        seconds += shots[i]->seconds;
    struct track t = {.frames = (int)(seconds * RATE + 0.5f)};
    t.wave = mem_new((size_t)t.frames * CHANNELS, sizeof(float));
    t.echo = mem_new((size_t)t.frames * CHANNELS, sizeof(float));
    add_melody(&t);
    add_wind(&t, 0, shots[0]->seconds);
    for (int i = 0; i < count; i++) {
        struct sound_event events[EVENTS_MAX];
        int n = shots[i]->events(events);
        for (int k = 0; k < n; k++)
            add_event(&t, start + events[k].time, &events[k], shots[i]->echo);
        start += shots[i]->seconds;
    }
    add_room(&t);
    bool ok = write_wav(&t, path);
    mem_free(t.wave);
    mem_free(t.echo);
    return ok;
}
