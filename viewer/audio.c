#include "viewer/audio.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <SDL.h>
#include <libavutil/frame.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/alsa_log.h"
#include "viewer/audio_convert.h"
#include "viewer/audio_mix.h"
#include "viewer/audio_tail.h"
#include "viewer/audio_tempo.h"
#include "viewer/media_clock.h"
#include "viewer/source.h"

// One buffer of the device lasts about this long, a power of two of frames.
#define BUFFER_MS 20
// Decoded sound that waits for the callback.
#define RING_MS 300
// Of what was read so much can be heard again: more than the ring holds at the highest speed.
#define TAIL_MS 2000
// The callback cannot wake the writer (it must not take a lock): the writer looks again.
#define LOOK_AGAIN_NS (20 * NS_PER_MS)
// Silence is made faster or slower in pieces of so many frames.
#define SILENCE_FRAMES 4096
// A gap as long as this is believed where the next piece says the same: a single time stamp may be
// damaged.
#define DOUBT_S 1
// Time stamps may differ by so much from what was played before and are still taken as rounding.
#define TOLERANCE_NS (20 * NS_PER_MS)

struct audio {
    struct source *source;
    SDL_AudioDeviceID device;
    struct audio_mix mix;
    struct audio_convert *convert;
    struct audio_tempo *tempo; // the writer's; NULL: sound is as fast as it was recorded
    int64_t doubted; // the writer's: the last piece's gap, frames, where it was long; 0: it was not
    struct audio_tail tail;   // the writer's: what was placed last
    int64_t tail_end_ns;      // media time at its end
    unsigned tail_generation; // whose it is
    struct thread thread;
    _Atomic int64_t delay_ns;
    struct monitor monitor;
    // guarded by monitor, which the writer holds while it writes to the ring:
    bool quit, started;
    unsigned generation; // to be played
    unsigned session; // raised by each start and stop: what was meant for an older one is dropped
    int64_t start_ns;
    double speed;
    int64_t placed; // frames since the start, before they are made faster or slower
};

// --- the writer's thread

enum turn { TURN_PLAY, TURN_STALE, TURN_QUIT };

// Sound of this generation is there: waits until it is its turn.
static enum turn wait_for_turn(struct audio *a, unsigned generation, unsigned *out_session)
{
    enum turn turn;

    monitor_lock(&a->monitor);
    while (!a->quit && !(a->started && (int)(a->generation - generation) >= 0))
        monitor_wait(&a->monitor);
    *out_session = a->session;
    turn = a->quit ? TURN_QUIT : a->generation == generation ? TURN_PLAY : TURN_STALE;
    monitor_unlock(&a->monitor);
    return turn;
}

// Blocks until all is in the ring. frames NULL: silence. False: overtaken by another session.
static bool write_ring(struct audio *a, unsigned session, const float *frames, int64_t count)
{
    bool current;

    monitor_lock(&a->monitor);
    while ((current = !a->quit && a->session == session) && count > 0) {
        int part = count < INT32_MAX ? (int)count : INT32_MAX;
        int done = audio_ring_write(&a->mix.ring, frames, part);

        count -= done;
        if (frames)
            frames += (ptrdiff_t)done * a->mix.ring.channels;
        if (count > 0)
            monitor_wait_until(&a->monitor, clock_now_ns() + LOOK_AGAIN_NS);
    }
    monitor_unlock(&a->monitor);
    return current;
}

static bool write_tempo(struct audio *a, unsigned session)
{
    const float *frames;
    int count;

    while ((count = audio_tempo_get(a->tempo, &frames)) > 0) {
        if (!write_ring(a, session, frames, count))
            return false;
    }
    return true;
}

static int64_t frames_to_ns(const struct audio *a, int64_t frames)
{
    int64_t rate = a->mix.rate_hz;

    return frames / rate * NS_PER_S + frames % rate * NS_PER_S / rate;
}

static int64_t ns_to_frames(const struct audio *a, int64_t ns)
{
    int64_t rate = a->mix.rate_hz;

    return ns / NS_PER_S * rate + ns % NS_PER_S * rate / NS_PER_S;
}

// At the session's speed; else as write_ring(). What cannot be made so fast is left out.
static bool write_placed(struct audio *a, unsigned session, const float *frames, int64_t count)
{
    bool current;

    monitor_lock(&a->monitor);
    current = a->session == session;
    if (current)
        a->placed += count;
    monitor_unlock(&a->monitor);
    if (!current || !a->tempo)
        return write_ring(a, session, frames, count);
    while (current && count > 0) {
        int part = frames || count < SILENCE_FRAMES ? (int)count : SILENCE_FRAMES;

        audio_tempo_put(a->tempo, frames, part);
        current = write_tempo(a, session);
        count -= part;
    }
    return current;
}

// What comes of the film next; kept also where another session overtakes it.
static void write_sound(struct audio *a, unsigned session, const float *frames, int64_t count)
{
    audio_tail_add(&a->tail, frames, count);
    a->tail_end_ns += frames_to_ns(a, count);
    write_placed(a, session, frames, count);
}

// Nothing is doubted before anything was placed: sound may begin late.
static int64_t believed(struct audio *a, int64_t gap, int64_t placed)
{
    int64_t doubt = DOUBT_S * (int64_t)a->mix.rate_hz;
    bool again = a->doubted != 0 && llabs(gap - a->doubted) < doubt;

    a->doubted = placed > 0 && llabs(gap) >= doubt ? gap : 0;
    return a->doubted == 0 || again ? gap : 0;
}

// How many frames lie between what was placed and pts_ns; negative: pts_ns was passed already. 0
// where another session overtook this one.
static int64_t gap_frames(struct audio *a, unsigned session, int64_t pts_ns)
{
    int64_t placed, gap_ns;
    bool current;

    monitor_lock(&a->monitor);
    current = a->session == session;
    placed = a->placed;
    a->tail_end_ns = current ? a->start_ns + frames_to_ns(a, placed) : a->tail_end_ns;
    gap_ns = pts_ns - a->start_ns - frames_to_ns(a, placed);
    monitor_unlock(&a->monitor);
    if (!current)
        return 0;
    if (placed > 0 && gap_ns < TOLERANCE_NS && gap_ns > -TOLERANCE_NS)
        return 0;
    return believed(a, ns_to_frames(a, gap_ns), placed);
}

// Places sound at its time: silence where it begins later than what is there ends, cut where it
// begins earlier.
static void place(struct audio *a, unsigned session, const struct audio_converted *sound)
{
    int64_t gap =
        sound->pts_ns == CLOCK_NONE ? 0 : gap_frames(a, session, sound->pts_ns + a->delay_ns);
    int64_t cut = gap < 0 ? -gap : 0;

    if (cut >= sound->count)
        return;
    if (gap > 0)
        write_sound(a, session, NULL, gap);
    write_sound(a, session, sound->frames + cut * a->mix.ring.channels, sound->count - cut);
}

// What the session before had read already of what is to be heard.
static void write_tail(struct audio *a, unsigned session, int64_t from_ns)
{
    int64_t wanted = ns_to_frames(a, a->tail_end_ns - from_ns);
    int back = audio_tail_count(&a->tail);
    bool current = true;

    if (back == 0 || wanted <= 0)
        return;
    if (wanted > back)
        current = write_placed(a, session, NULL, wanted - back);
    for (back = wanted < back ? (int)wanted : back; current && back > 0;) {
        const float *frames;
        int count = audio_tail_get(&a->tail, back, &frames);

        current = write_placed(a, session, frames, count);
        back -= count;
    }
}

// Another session's sound comes next.
static void begin(struct audio *a, unsigned session, unsigned generation)
{
    double speed;
    int64_t start_ns;

    monitor_lock(&a->monitor);
    speed = a->speed;
    start_ns = a->start_ns;
    monitor_unlock(&a->monitor);
    a->doubted = 0;
    audio_tempo_destroy(&a->tempo);
    if (speed != 1)
        a->tempo = audio_tempo_create(a->mix.rate_hz, a->mix.ring.channels, speed);
    if (generation == a->tail_generation) {
        write_tail(a, session, start_ns);
        return;
    }
    audio_convert_reset(a->convert);
    audio_tail_reset(&a->tail);
    a->tail_generation = generation;
    a->tail_end_ns = start_ns;
}

// The generation's sound has come to its end; waits for another session.
static void complete(struct audio *a, unsigned session)
{
    if (a->tempo && audio_tempo_put(a->tempo, NULL, 0))
        write_tempo(a, session);
    monitor_lock(&a->monitor);
    if (a->session == session)
        a->mix.complete = true;
    while (!a->quit && a->session == session)
        monitor_wait(&a->monitor);
    monitor_unlock(&a->monitor);
}

static void run(void *user)
{
    struct audio *a = user;
    struct audio_converted sound;
    AVFrame *av = av_frame_alloc();
    enum source_result result;
    unsigned generation, session, last_session = 0;

    while (av && (result = source_read_audio(a->source, av, &generation)) != SOURCE_STOPPED) {
        enum turn turn = wait_for_turn(a, generation, &session);

        if (turn == TURN_QUIT)
            break;
        if (turn == TURN_PLAY) {
            if (session != last_session)
                begin(a, session, generation);
            last_session = session;
            if (audio_convert_run(a->convert, result == SOURCE_OK ? av : NULL, &sound))
                place(a, session, &sound);
            if (result == SOURCE_END)
                complete(a, session);
        }
        av_frame_unref(av);
    }
    av_frame_free(&av);
}

// --- the device

// SDL calls this from a thread of its own whenever the device can take another buffer.
static void callback(void *user, Uint8 *stream, int bytes)
{
    struct audio *a = user;
    int count = bytes / (int)sizeof(float) / a->mix.ring.channels;
    // SDL keeps one buffer queued while the next is filled: what is written now is heard when that
    // one has been played.
    int64_t buffer_ns = count * NS_PER_S / a->mix.rate_hz;

    audio_mix_fill(&a->mix, (float *)stream, count, clock_now_ns() + buffer_ns);
}

static int device_channels(void)
{
#if SDL_VERSION_ATLEAST(2, 24, 0)
    SDL_AudioSpec usual = {0};
    char *name = NULL;
    int channels = 2;

    if (SDL_GetDefaultAudioInfo(&name, &usual, 0) == 0)
        channels = usual.channels;
    SDL_free(name);
    return channels == 1 || channels == 4 || channels == 6 || channels == 8 ? channels : 2;
#else
    return 2;
#endif
}

static int buffer_frames(int rate_hz)
{
    int frames = 64;

    while (frames * 1000 < rate_hz * BUFFER_MS * 3 / 4)
        frames *= 2;
    return frames;
}

static bool channels_fit(int channels)
{
    return channels == 1 || channels == 2 || channels == 4 || channels == 6 || channels == 8;
}

// rate_hz: the film's
static bool open_device(struct audio *a, int rate_hz, struct media_clock *clock)
{
    SDL_AudioSpec got, want = {.freq = rate_hz >= 8000 && rate_hz <= 192000 ? rate_hz : 48000,
                               .format = AUDIO_F32SYS,
                               .channels = (Uint8)device_channels(),
                               .callback = callback,
                               .userdata = a};
    int changes = SDL_AUDIO_ALLOW_FREQUENCY_CHANGE | SDL_AUDIO_ALLOW_CHANNELS_CHANGE |
                  SDL_AUDIO_ALLOW_SAMPLES_CHANGE;

    want.samples = (Uint16)buffer_frames(want.freq);
    a->device = SDL_OpenAudioDevice(NULL, 0, &want, &got, changes);
    if (a->device && !channels_fit(got.channels)) { // SDL then converts for it
        SDL_CloseAudioDevice(a->device);
        want.channels = 2;
        a->device =
            SDL_OpenAudioDevice(NULL, 0, &want, &got, changes & ~SDL_AUDIO_ALLOW_CHANNELS_CHANGE);
    }
    if (!a->device) {
        log_warn("no audio device: %s; the film plays without sound", SDL_GetError());
        return false;
    }
    if (!audio_mix_init(&a->mix, clock, got.freq, got.channels, got.freq / 1000 * RING_MS) ||
        !audio_tail_init(&a->tail, got.channels, got.freq / 1000 * TAIL_MS)) {
        log_warn("no memory for sound; the film plays without");
        return false;
    }
    log_debug("audio: %s, %d Hz, %d channels, buffers of %d", SDL_GetCurrentAudioDriver(), got.freq,
              got.channels, got.samples);
    a->convert = audio_convert_create(got.freq, got.channels);
    return true;
}

struct audio *audio_create(const struct audio_params *params)
{
    const struct source_sound *sound =
        &source_info(params->source)->sounds[source_sound(params->source)];
    struct audio *a;

    alsa_log_install();
    if (SDL_InitSubSystem(SDL_INIT_AUDIO) != 0) {
        log_warn("no audio device: %s; the film plays without sound", SDL_GetError());
        source_ignore_audio(params->source);
        return NULL;
    }
    a = mem_new(1, sizeof(*a));
    a->source = params->source;
    monitor_init(&a->monitor);
    if (!open_device(a, sound->rate_hz, params->clock) ||
        !thread_start(&a->thread, "audio", THREAD_NORMAL, run, a))
        goto fail;
    audio_set_volume(a, params->volume, params->muted);
    audio_set_delay(a, params->delay_ns);
    SDL_PauseAudioDevice(a->device, 0);
    return a;
fail:
    source_ignore_audio(params->source);
    audio_destroy(&a);
    return NULL;
}

void audio_destroy(struct audio **audio)
{
    struct audio *a = *audio;

    if (!a)
        return;
    monitor_lock(&a->monitor);
    a->quit = true;
    monitor_changed(&a->monitor);
    monitor_unlock(&a->monitor);
    thread_join(&a->thread);
    if (a->device)
        SDL_CloseAudioDevice(a->device);
    SDL_QuitSubSystem(SDL_INIT_AUDIO);
    audio_convert_destroy(&a->convert);
    audio_tempo_destroy(&a->tempo);
    audio_tail_finish(&a->tail);
    audio_mix_finish(&a->mix);
    monitor_finish(&a->monitor);
    mem_free(a);
    *audio = NULL;
}

// --- what is played

void audio_start(struct audio *audio, unsigned generation, int64_t media_ns)
{
    monitor_lock(&audio->monitor);
    SDL_LockAudioDevice(audio->device);
    audio_mix_start(&audio->mix, media_ns);
    SDL_UnlockAudioDevice(audio->device);
    audio->started = true;
    audio->generation = generation;
    audio->start_ns = media_ns;
    audio->placed = 0;
    audio->speed = audio->mix.speed;
    audio->session++;
    monitor_changed(&audio->monitor);
    monitor_unlock(&audio->monitor);
}

void audio_stop(struct audio *audio)
{
    monitor_lock(&audio->monitor);
    SDL_LockAudioDevice(audio->device);
    audio_mix_stop(&audio->mix);
    SDL_UnlockAudioDevice(audio->device);
    audio->started = false;
    audio->session++;
    monitor_changed(&audio->monitor);
    monitor_unlock(&audio->monitor);
}

void audio_pause(struct audio *audio, bool paused)
{
    audio->mix.paused = paused;
}

void audio_set_volume(struct audio *audio, float volume, bool muted)
{
    audio->mix.gain = muted ? 0 : volume;
}

void audio_set_delay(struct audio *audio, int64_t delay_ns)
{
    audio->delay_ns = delay_ns;
}

bool audio_finished(const struct audio *audio)
{
    return audio_mix_finished(&audio->mix, clock_now_ns());
}

int64_t audio_underruns(const struct audio *audio)
{
    return audio->mix.underruns;
}
