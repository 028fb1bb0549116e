// Sound: the ring, what the callback makes of it, conversion of any sound, and the whole on SDL's
// dummy and disk drivers.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavutil/channel_layout.h>
#include <libavutil/frame.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/audio.h"
#include "viewer/audio_convert.h"
#include "viewer/audio_mix.h"
#include "viewer/audio_ring.h"
#include "viewer/ffmpeg_log.h"
#include "viewer/media_clock.h"
#include "viewer/source.h"

#define RATE 48000
#define BUFFER 1024
#define BUFFER_NS (BUFFER * NS_PER_S / RATE)
#define T0 (1000 * NS_PER_S)

// --- ring

#define STRESS_FRAMES 400000

static void write_numbers(void *user)
{
    struct audio_ring *ring = user;
    float frames[97 * 2];
    int next = 0;

    while (next < STRESS_FRAMES) {
        int count = 1 + next % 97, done;

        for (int i = 0; i < count; i++)
            frames[i * 2] = frames[i * 2 + 1] = (float)(next + i);
        done = audio_ring_write(ring, frames, count);
        next += done;
        if (done == 0)
            sched_yield();
    }
}

static void ring_keeps_order_between_threads(void **state)
{
    struct audio_ring ring;
    struct thread writer = {0};
    float out[53 * 2];
    int next = 0, wrong = 0;

    assert_true(audio_ring_init(&ring, 2, 1000));
    assert_true(thread_start(&writer, "writer", THREAD_NORMAL, write_numbers, &ring));
    while (next < STRESS_FRAMES) {
        int count = audio_ring_read(&ring, out, 53);

        for (int i = 0; i < count; i++, next++)
            wrong += out[i * 2] != (float)next || out[i * 2 + 1] != (float)next;
        if (count == 0)
            sched_yield();
    }
    thread_join(&writer);
    assert_int_equal(wrong, 0);
    audio_ring_finish(&ring);
}

static void ring_holds_what_fits(void **state)
{
    struct audio_ring ring;
    float in[20], out[20];

    for (int i = 0; i < 20; i++)
        in[i] = (float)i;
    mem_fail_block(1);
    assert_false(audio_ring_init(&ring, 1, 16));
    audio_ring_finish(&ring);
    assert_true(audio_ring_init(&ring, 1, 16));
    assert_int_equal(audio_ring_write(&ring, in, 20), 16);
    assert_int_equal(audio_ring_write(&ring, in, 1), 0);
    assert_int_equal(audio_ring_read(&ring, NULL, 10), 10);
    assert_int_equal(audio_ring_write(&ring, NULL, 4), 4);
    assert_int_equal(audio_ring_waiting(&ring), 10);
    assert_int_equal(audio_ring_read(&ring, out, 20), 10);
    assert_true(out[0] == 10 && out[5] == 15 && out[6] == 0 && out[9] == 0);
    audio_ring_finish(&ring);
}

// --- mix

struct bench {
    struct media_clock *clock;
    struct audio_mix mix;
    float out[BUFFER * 2];
    float previous;     // sample, to see clicks
    float largest_step; // between two samples
    int64_t now_ns;     // moment at which the next buffer is heard
};

static void bench_init(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->clock = media_clock_create();
    assert_true(audio_mix_init(&b->mix, b->clock, RATE, 2, RATE));
    b->mix.gain = 1;
    b->now_ns = T0;
}

static void bench_finish(struct bench *b)
{
    audio_mix_finish(&b->mix);
    media_clock_destroy(&b->clock);
}

static void write_level(struct bench *b, int count, float level)
{
    float frame[2] = {level, level};

    for (int i = 0; i < count; i++)
        assert_int_equal(audio_ring_write(&b->mix.ring, frame, 1), 1);
}

// One callback. Returns the moment at which the first sample louder than `above` is heard;
// CLOCK_NONE: all are quieter.
static int64_t fill(struct bench *b, float above)
{
    int64_t first_ns = CLOCK_NONE;

    audio_mix_fill(&b->mix, b->out, BUFFER, b->now_ns);
    for (int i = 0; i < BUFFER; i++) {
        float step = fabsf(b->out[i * 2] - b->previous);

        assert_true(b->out[i * 2] == b->out[i * 2 + 1]);
        b->largest_step = step > b->largest_step ? step : b->largest_step;
        b->previous = b->out[i * 2];
        if (first_ns == CLOCK_NONE && fabsf(b->previous) > above)
            first_ns = b->now_ns + i * NS_PER_S / RATE;
    }
    b->now_ns += BUFFER_NS;
    return first_ns;
}

static void assert_near(int64_t a, int64_t b, int64_t within)
{
    if (a - b > within || b - a > within)
        printf("%.6f ms and %.6f ms differ by more than %.6f ms\n", (double)a / 1e6,
               (double)b / 1e6, (double)within / 1e6);
    assert_true(a - b <= within && b - a <= within);
}

static void sound_waits_for_the_clock(void **state)
{
    struct bench b;
    int64_t heard = CLOCK_NONE;

    bench_init(&b);
    audio_mix_start(&b.mix, 5 * NS_PER_S);
    write_level(&b, RATE / 2, 0.5f);
    assert_true(fill(&b, 0) == CLOCK_NONE); // the clock does not run yet
    media_clock_start(b.clock, 5 * NS_PER_S, T0 + 130 * NS_PER_MS);
    for (int i = 0; i < 10 && heard == CLOCK_NONE; i++)
        heard = fill(&b, 0);
    assert_near(heard, T0 + 130 * NS_PER_MS, NS_PER_S / RATE + 1);
    // the clock agreed all the time
    assert_near(media_clock_at(b.clock, T0 + NS_PER_S), 5 * NS_PER_S + 870 * NS_PER_MS, 100000);
    bench_finish(&b);
}

static void late_sound_is_left_out(void **state)
{
    struct bench b;
    int64_t heard;

    bench_init(&b);
    audio_mix_start(&b.mix, 0);
    media_clock_start(b.clock, 0, T0 - 200 * NS_PER_MS);
    write_level(&b, RATE * 3 / 10, 0);
    write_level(&b, RATE / 10, 0.5f); // begins at 0.3 s of the film
    for (heard = CLOCK_NONE; heard == CLOCK_NONE && b.now_ns < T0 + NS_PER_S;)
        heard = fill(&b, 0.01f);
    assert_near(heard, T0 + 100 * NS_PER_MS, 3 * NS_PER_S / RATE);
    bench_finish(&b);
}

static void underruns_are_silent_and_make_up(void **state)
{
    struct bench b;
    int64_t heard;

    bench_init(&b);
    audio_mix_start(&b.mix, 0);
    media_clock_start(b.clock, 0, T0);
    write_level(&b, BUFFER * 2 + 100, 0.4f);
    for (int i = 0; i < 6; i++)
        fill(&b, 0);
    assert_int_equal(b.mix.underruns, 1);
    assert_true(b.previous == 0);
    // the film goes on: what belongs to the silence is left out, the rest is in time
    write_level(&b, RATE / 4 - (BUFFER * 2 + 100), 0);
    write_level(&b, RATE / 4, 0.4f);
    for (heard = CLOCK_NONE; heard == CLOCK_NONE && b.now_ns < T0 + NS_PER_S;)
        heard = fill(&b, 0.01f);
    assert_near(heard, T0 + 250 * NS_PER_MS, 3 * NS_PER_S / RATE);
    assert_false(audio_mix_finished(&b.mix, T0 + 100 * NS_PER_S));
    b.mix.complete = true;
    while (audio_ring_waiting(&b.mix.ring) > 0)
        fill(&b, 0);
    fill(&b, 0);
    assert_int_equal(b.mix.underruns, 1);
    assert_false(audio_mix_finished(&b.mix, T0 + 490 * NS_PER_MS));
    assert_true(audio_mix_finished(&b.mix, T0 + 501 * NS_PER_MS));
    bench_finish(&b);
}

static void nothing_clicks(void **state)
{
    struct bench b;

    bench_init(&b);
    audio_mix_start(&b.mix, 0);
    media_clock_start(b.clock, 0, T0 + 10 * NS_PER_MS);
    write_level(&b, RATE, 0.8f);
    for (int i = 0; i < 5; i++)
        fill(&b, 0);
    assert_true(b.previous == 0.8f);
    b.mix.paused = true;
    fill(&b, 0);
    assert_true(b.previous == 0);
    b.mix.paused = false;
    fill(&b, 0);
    fill(&b, 0);
    b.mix.gain = 0; // mute
    fill(&b, 0);
    assert_true(b.previous == 0);
    b.mix.gain = 1.3f; // above full scale: held there
    fill(&b, 0);
    assert_true(b.previous == 1);
    audio_mix_stop(&b.mix);
    fill(&b, 0);
    fill(&b, 0);
    assert_true(b.previous == 0);
    printf("largest step between two samples: %.4f\n", (double)b.largest_step);
    assert_true(b.largest_step > 0 && b.largest_step < 0.01f);
    bench_finish(&b);
}

static void the_clock_follows_the_device(void **state)
{
    struct bench b;
    double speed = 1.01; // the device plays 1 % fast

    bench_init(&b);
    audio_mix_start(&b.mix, 0);
    media_clock_start(b.clock, 0, T0);
    for (int i = 0; i < 500; i++) {
        write_level(&b, BUFFER * (i == 0 ? 2 : 1), 0.1f);
        fill(&b, 0);
        b.now_ns = T0 + (int64_t)((double)(i + 1) * BUFFER_NS / speed);
    }
    assert_near(media_clock_at(b.clock, b.now_ns), 500 * BUFFER_NS, NS_PER_MS);
    assert_int_equal(b.mix.underruns, 0);
    bench_finish(&b);
}

// --- conversion

static AVFrame *tone(enum AVSampleFormat format, int rate, const AVChannelLayout *layout, int count)
{
    AVFrame *f = av_frame_alloc();

    f->format = format;
    f->sample_rate = rate;
    f->nb_samples = count;
    assert_true(av_channel_layout_copy(&f->ch_layout, layout) >= 0);
    assert_true(av_frame_get_buffer(f, 0) >= 0);
    for (int c = 0; c < layout->nb_channels; c++) {
        for (int i = 0; i < count; i++) {
            double v = 0.25 * sin(i * 2 * M_PI * 440 / rate);
            int planar = av_sample_fmt_is_planar(format);
            int at = planar ? i : i * layout->nb_channels + c;
            uint8_t *plane = f->extended_data[planar ? c : 0];

            switch (av_get_packed_sample_fmt(format)) {
            case AV_SAMPLE_FMT_U8:
                plane[at] = (uint8_t)(128 + v * 127);
                break;
            case AV_SAMPLE_FMT_S16:
                ((int16_t *)plane)[at] = (int16_t)(v * 32767);
                break;
            case AV_SAMPLE_FMT_S32:
                ((int32_t *)plane)[at] = (int32_t)(v * INT32_MAX);
                break;
            case AV_SAMPLE_FMT_FLT:
                ((float *)plane)[at] = (float)v;
                break;
            case AV_SAMPLE_FMT_DBL:
                ((double *)plane)[at] = v;
                break;
            default:
                fail();
            }
        }
    }
    return f;
}

// Converts a second in pieces: the tone must be in it, and nothing over full scale.
static void convert_second(struct audio_convert *c, int channels, enum AVSampleFormat format,
                           int rate, const AVChannelLayout *layout)
{
    struct audio_converted out;
    AVFrame *f = tone(format, rate, layout, rate / 10);
    double energy = 0;
    int64_t frames = 0;

    for (int piece = 0; piece <= 10; piece++) {
        f->pts = piece * NS_PER_S / 10;
        assert_true(audio_convert_run(c, piece < 10 ? f : NULL, &out));
        // where this piece begins is where the ones before it ended
        if (piece < 10)
            assert_near(out.pts_ns, frames * NS_PER_S / RATE, NS_PER_MS / 2);
        for (int i = 0; i < out.count * channels; i++) {
            assert_true(fabsf(out.frames[i]) <= 1);
            energy += (double)out.frames[i] * (double)out.frames[i];
        }
        frames += out.count;
    }
    if (!(frames > RATE - 100 && frames < RATE + 100) || !(energy / RATE > 0.002))
        printf("%s %d Hz %d channels -> %d: %lld frames, energy %.5f\n",
               av_get_sample_fmt_name(format), rate, layout->nb_channels, channels,
               (long long)frames, energy / RATE);
    assert_true(frames > RATE - 100 && frames < RATE + 100);
    assert_true(energy / RATE > 0.002);
    av_frame_free(&f);
    audio_convert_reset(c);
}

static void any_sound_is_converted(void **state)
{
    static const char *const layouts[] = {"mono", "stereo", "2.1",  "quad",   "5.0",
                                          "5.1",  "7.1",    "22.2", "FC+LFE", "TFL+TFR+BC"};
    static const enum AVSampleFormat formats[] = {
        AV_SAMPLE_FMT_U8,  AV_SAMPLE_FMT_S16,  AV_SAMPLE_FMT_S32,  AV_SAMPLE_FMT_FLT,
        AV_SAMPLE_FMT_DBL, AV_SAMPLE_FMT_S16P, AV_SAMPLE_FMT_FLTP, AV_SAMPLE_FMT_DBLP};
    static const int rates[] = {8000, 11025, 22050, 44100, 48000, 96000, 192000};
    static const int outputs[] = {1, 2, 4, 6, 8};
    AVChannelLayout layout = {0};

    for (size_t o = 0; o < 5; o++) {
        struct audio_convert *c = audio_convert_create(RATE, outputs[o]);
        size_t n = 0;

        for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++, n++) {
            assert_true(av_channel_layout_from_string(&layout, layouts[i]) >= 0);
            convert_second(c, outputs[o], formats[n % 8], rates[n % 7], &layout);
            av_channel_layout_uninit(&layout);
        }
        for (int channels = 1; channels <= 24; channels += 5, n++) {
            layout = (AVChannelLayout){.order = AV_CHANNEL_ORDER_UNSPEC, .nb_channels = channels};
            convert_second(c, outputs[o], formats[n % 8], rates[n % 7], &layout);
        }
        audio_convert_destroy(&c);
        assert_null(c);
    }
}

static void impossible_sound_is_refused(void **state)
{
    struct audio_convert *c = audio_convert_create(RATE, 2);
    AVChannelLayout layout = AV_CHANNEL_LAYOUT_STEREO;
    AVFrame *f = tone(AV_SAMPLE_FMT_S16, RATE, &layout, 100);
    struct audio_converted out;

    log_set_level(LOG_ERROR);
    f->sample_rate = 0;
    assert_false(audio_convert_run(c, f, &out));
    assert_int_equal(out.count, 0);
    f->sample_rate = RATE;
    assert_true(audio_convert_run(c, f, &out));
    assert_int_equal(out.count, 100);
    log_set_level(LOG_INFO);
    av_frame_free(&f);
    audio_convert_destroy(&c);
}

// --- the whole

static void drain_video(void *user)
{
    struct source *source = user;
    struct frame *frame;

    while (source_read_video(source, &frame) == SOURCE_OK)
        source_give_back(source, frame);
}

struct player {
    struct source *source;
    struct media_clock *clock;
    struct audio *audio;
    struct thread video;
};

static void player_open_late(struct player *p, const char *url, int64_t delay_ns)
{
    memset(p, 0, sizeof(*p));
    p->source = source_open(&(struct source_params){.url = url});
    assert_non_null(p->source);
    p->clock = media_clock_create();
    p->audio = audio_create(&(struct audio_params){
        .source = p->source, .clock = p->clock, .volume = 1, .delay_ns = delay_ns});
    assert_true(thread_start(&p->video, "video", THREAD_NORMAL, drain_video, p->source));
}

static void player_open(struct player *p, const char *url)
{
    player_open_late(p, url, 0);
}

static void player_close(struct player *p)
{
    source_stop(p->source);
    thread_join(&p->video);
    audio_destroy(&p->audio);
    audio_destroy(&p->audio);
    source_close(&p->source);
    media_clock_destroy(&p->clock);
}

static void player_start(struct player *p, unsigned generation, int64_t media_ns)
{
    media_clock_start(p->clock, media_ns, clock_now_ns() + 50 * NS_PER_MS);
    audio_start(p->audio, generation, media_ns);
}

// Until the sound is over.
static void player_finish(struct player *p)
{
    int64_t give_up = clock_now_ns() + 30 * NS_PER_S;

    while (!audio_finished(p->audio)) {
        assert_true(clock_now_ns() < give_up);
        clock_sleep_until_ns(clock_now_ns() + 5 * NS_PER_MS);
    }
}

// The machine may be busy: what is asked after may be late, but never early.
static void assert_media_time(struct player *p, int64_t from_ns)
{
    int64_t now = media_clock_at(p->clock, clock_now_ns());

    if (now < from_ns - 40 * NS_PER_MS || now > from_ns + NS_PER_S)
        printf("media time is %.3f s, not %.3f s\n", (double)now / 1e9, (double)from_ns / 1e9);
    assert_true(now >= from_ns - 40 * NS_PER_MS && now <= from_ns + NS_PER_S);
}

static void film_with_sound_plays_to_its_end(void **state)
{
    struct player p;
    int64_t begin = clock_now_ns(), lasted;

    setenv("SDL_AUDIODRIVER", "dummy", 1);
    player_open(&p, "lavfi:testsrc2=d=3:s=64x64:r=25[out0];sine=d=1.2[out1]");
    assert_non_null(p.audio);
    player_start(&p, 0, 0);
    player_finish(&p);
    lasted = clock_now_ns() - begin;
    assert_media_time(&p, 1200 * NS_PER_MS);
    printf("1.2 s of sound lasted %.3f s, underruns %lld\n", (double)lasted / 1e9,
           (long long)audio_underruns(p.audio));
    assert_true(lasted > 1200 * NS_PER_MS && lasted < 4 * NS_PER_S);
    player_close(&p);
}

static void pause_and_seek(void **state)
{
    struct player p;
    int64_t at;
    unsigned generation;

    assert_int_equal(system("ffmpeg -v error -y -f lavfi -i testsrc2=d=6:s=64x64:r=10 -f lavfi -i "
                            "sine=d=6 -c:v mpeg4 -c:a pcm_s16le audio_seek.mkv"),
                     0);
    setenv("SDL_AUDIODRIVER", "dummy", 1);
    player_open(&p, "audio_seek.mkv");
    player_start(&p, 0, 0);
    clock_sleep_until_ns(clock_now_ns() + 300 * NS_PER_MS);
    media_clock_pause(p.clock, true);
    audio_pause(p.audio, true);
    at = media_clock_at(p.clock, clock_now_ns());
    assert_true(at > 200 * NS_PER_MS);
    clock_sleep_until_ns(clock_now_ns() + 200 * NS_PER_MS);
    assert_int_equal(media_clock_at(p.clock, clock_now_ns()), at);
    media_clock_pause(p.clock, false);
    audio_pause(p.audio, false);
    clock_sleep_until_ns(clock_now_ns() + 200 * NS_PER_MS);
    assert_media_time(&p, at + 200 * NS_PER_MS);
    for (int i = 0; i < 5; i++) {
        int64_t to = (5 - i) * NS_PER_S + 500 * NS_PER_MS;

        media_clock_stop(p.clock);
        audio_stop(p.audio);
        generation = source_seek(p.source, to);
        assert_int_equal(generation, i + 1);
        player_start(&p, generation, to);
        clock_sleep_until_ns(clock_now_ns() + (int64_t)i * 40 * NS_PER_MS);
    }
    generation = source_seek(p.source, 5 * NS_PER_S + 500 * NS_PER_MS);
    player_start(&p, generation, 5 * NS_PER_S + 500 * NS_PER_MS);
    player_finish(&p);
    assert_media_time(&p, 6 * NS_PER_S);
    player_close(&p);
}

// What a device would have played, from SDL's disk driver. Returns frames of stereo.
static float *recorded(const char *path, long *out_frames)
{
    FILE *f = fopen(path, "rb");
    float *samples;
    long bytes;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    bytes = ftell(f);
    rewind(f);
    samples = malloc((size_t)bytes + 1);
    assert_int_equal(fread(samples, 1, (size_t)bytes, f), bytes);
    fclose(f);
    *out_frames = bytes / 8;
    return samples;
}

// Where the tone of a film lies in what the device got: its first and its last sample, the largest
// step between two, and how often it rises through zero. The film's clock begins with the
// recording. skip()s on a busy machine.
struct tone_heard {
    long first, last;
    float step;
    int waves;
};

#define NO_DAMAGE "0"

// The tone begins 0.3 s after the pictures and lasts 0.8 s. damage: what is wrong with the time of
// piece N, s.
static struct tone_heard hear_damaged(int64_t delay_ns, int64_t later_ns, double speed,
                                      const char *damage)
{
    struct tone_heard t = {-1, -1, 0, 0};
    struct player p;
    float *samples;
    int underruns;
    long frames;
    char *url = mem_printf("lavfi:testsrc2=d=2:s=64x64:r=25[out0];"
                           "sine=frequency=200:r=48000:d=0.8,asetpts=PTS+(0.3+%s)/TB[out1]",
                           damage);

    setenv("SDL_AUDIODRIVER", "disk", 1);
    setenv("SDL_DISKAUDIOFILE", "audio_recorded.raw", 1);
    player_open_late(&p, url, delay_ns);
    mem_free(url);
    assert_non_null(p.audio);
    media_clock_set_speed(p.clock, speed);
    player_start(&p, 0, 0);
    if (later_ns != delay_ns) {
        clock_sleep_until_ns(clock_now_ns() + 500 * NS_PER_MS);
        audio_set_delay(p.audio, later_ns);
    }
    player_finish(&p);
    underruns = (int)audio_underruns(p.audio);
    player_close(&p);
    if (underruns > 0) {
        printf("skipped: this machine is too busy to play sound (%d underruns)\n", underruns);
        skip();
    }
    samples = recorded("audio_recorded.raw", &frames);
    for (long i = 1; i < frames; i++) {
        float d = fabsf(samples[i * 2] - samples[i * 2 - 2]);

        t.step = d > t.step ? d : t.step;
        t.waves += samples[i * 2] >= 0 && samples[i * 2 - 2] < 0;
        if (fabsf(samples[i * 2]) > 1e-4f) {
            t.first = t.first < 0 ? i : t.first;
            t.last = i;
        }
    }
    free(samples);
    printf("tone from %.1f to %.1f ms, largest step %.4f\n", (double)t.first / 48,
           (double)t.last / 48, (double)t.step);
    return t;
}

static struct tone_heard hear_tone(int64_t delay_ns, int64_t later_ns, double speed)
{
    return hear_damaged(delay_ns, later_ns, speed, NO_DAMAGE);
}

// One time stamp that is wrong by much is not believed; where all that follow agree they are right.
static void a_damaged_time_stamp_mutes_nothing(void **state)
{
    struct tone_heard once = hear_damaged(0, 0, 1, "10*eq(N\\,10)");
    struct tone_heard apart = hear_damaged(0, 0, 1, "1.2*gte(N\\,10)");

    assert_true(labs(once.last - once.first - RATE * 8 / 10) < RATE / 100);
    assert_true(once.step < 0.008f);
    assert_true(labs(apart.last - apart.first - RATE * 2) < RATE / 100);
}

// The recording holds the tone whole, and nothing else.
static void the_device_gets_the_whole_tone(void **state)
{
    struct tone_heard t = hear_tone(0, 0, 1);

    assert_true(t.first > RATE / 4 && abs((int)(t.last - t.first) - RATE * 8 / 10) < RATE / 100);
    // amplitude 1/8 at 200 Hz moves by 0.0033 a sample
    assert_true(t.step < 0.008f);
}

static void sound_can_be_late_and_early(void **state)
{
    long at = hear_tone(0, 0, 1).first;
    struct tone_heard late = hear_tone(250 * NS_PER_MS, 250 * NS_PER_MS, 1);
    struct tone_heard early = hear_tone(-200 * NS_PER_MS, -200 * NS_PER_MS, 1);
    struct tone_heard stretched = hear_tone(0, 150 * NS_PER_MS, 1);

    // the recording begins when the device does, which varies by some of its buffers
    assert_true(labs(late.first - at - RATE / 4) < RATE / 10);
    assert_true(labs(late.last - late.first - RATE * 8 / 10) < RATE / 100);
    assert_true(labs(at - early.first - RATE / 5) < RATE / 10);
    assert_true(labs(early.last - early.first - RATE * 8 / 10) < RATE / 100);
    // a gap in the middle
    assert_true(labs(stretched.last - stretched.first - RATE * 95 / 100) < RATE / 50);
}

// Its pitch stays: 200 waves a second of what is heard.
static void sound_can_be_fast_and_slow(void **state)
{
    static const double speeds[] = {2, 0.25, 3.3};

    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
        struct tone_heard t = hear_tone(0, 0, speeds[i]);
        double seconds = (double)(t.last - t.first) / RATE;

        printf("speed %.2f: %.3f s, %d waves\n", speeds[i], seconds, t.waves);
        assert_true(fabs(seconds - 0.8 / speeds[i]) < 0.04 + 0.04 / speeds[i]);
        assert_true(fabs(t.waves / seconds - 200) < 10);
        assert_true((double)t.first / RATE * speeds[i] > 0.25);
        assert_true(t.step < 0.008f);
    }
}

// The longest silence in a tone whose speed changes again and again, frames; -1: this machine is
// too busy to play sound.
static long silence_at_changes_of_speed(void)
{
    static const double speeds[] = {1.1, 1, 4, 0.5};
    long frames, silent = 0, longest = 0, first = -1;
    struct player p;
    float *samples;
    int underruns;

    setenv("SDL_AUDIODRIVER", "disk", 1);
    setenv("SDL_DISKAUDIOFILE", "audio_recorded.raw", 1);
    player_open(&p, "lavfi:testsrc2=d=4:s=64x64:r=25[out0];sine=frequency=200:r=48000:d=4[out1]");
    assert_non_null(p.audio);
    player_start(&p, 0, 0);
    for (size_t i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
        clock_sleep_until_ns(clock_now_ns() + 450 * NS_PER_MS);
        media_clock_set_speed(p.clock, speeds[i]);
        audio_start(p.audio, 0, media_clock_at(p.clock, clock_now_ns()));
    }
    player_finish(&p);
    underruns = (int)audio_underruns(p.audio);
    player_close(&p);
    samples = recorded("audio_recorded.raw", &frames);
    for (long i = 0; i < frames; i++, silent++) {
        if (fabsf(samples[i * 2]) <= 1e-3f)
            continue;
        longest = first >= 0 && silent > longest ? silent : longest;
        first = first < 0 ? i : first;
        silent = 0;
    }
    free(samples);
    printf("longest silence %.1f ms, %d underruns\n", (double)longest / 48, underruns);
    return underruns > 0 ? -1 : longest;
}

// What waited to be heard is heard at the new speed. The best of some runs, for machines that are
// busy with other things.
static void a_change_of_speed_is_no_gap(void **state)
{
    long silence = -1;

    for (int i = 0; i < 3 && (silence < 0 || silence >= RATE / 10); i++)
        silence = silence_at_changes_of_speed();
    if (silence < 0)
        skip();
    assert_true(silence < RATE / 10);
}

static void no_device_is_no_error(void **state)
{
    struct source *source = source_open(
        &(struct source_params){.url = "lavfi:testsrc2=d=9:s=64x64:r=25[out0];sine=d=9[out1]"});
    struct media_clock *clock = media_clock_create();
    struct frame *frame;
    int frames = 0;

    assert_non_null(source);
    setenv("SDL_AUDIODRIVER", "nosuchdriver", 1);
    log_set_level(LOG_ERROR);
    assert_null(audio_create(&(struct audio_params){.source = source, .clock = clock}));
    log_set_level(LOG_INFO);
    // the film goes on without anybody who reads its sound
    for (; source_read_video(source, &frame) == SOURCE_OK; frames++)
        source_give_back(source, frame);
    assert_int_equal(frames, 9 * 25);
    source_close(&source);
    media_clock_destroy(&clock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_keeps_order_between_threads),
        cmocka_unit_test(ring_holds_what_fits),
        cmocka_unit_test(sound_waits_for_the_clock),
        cmocka_unit_test(late_sound_is_left_out),
        cmocka_unit_test(underruns_are_silent_and_make_up),
        cmocka_unit_test(nothing_clicks),
        cmocka_unit_test(the_clock_follows_the_device),
        cmocka_unit_test(any_sound_is_converted),
        cmocka_unit_test(impossible_sound_is_refused),
        cmocka_unit_test(film_with_sound_plays_to_its_end),
        cmocka_unit_test(pause_and_seek),
        cmocka_unit_test(the_device_gets_the_whole_tone),
        cmocka_unit_test(a_damaged_time_stamp_mutes_nothing),
        cmocka_unit_test(sound_can_be_late_and_early),
        cmocka_unit_test(sound_can_be_fast_and_slow),
        cmocka_unit_test(a_change_of_speed_is_no_gap),
        cmocka_unit_test(no_device_is_no_error),
    };

    ffmpeg_log_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
