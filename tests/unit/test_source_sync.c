// A flash and a click of the same moment come with the same media time, whatever codec delays,
// container offsets and jumps of the clock lie between.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <libavutil/frame.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "viewer/audio_convert.h"
#include "viewer/source.h"
#include "viewer/stream_jump.h"

#define RATE 48000

// At 2 s a white picture, and 10 ms of noise.
#define FLASH                                                                                      \
    "-f lavfi -i \"color=black:s=64x64:r=25:d=4,drawbox=color=white:t=fill:enable='eq(n,50)'\" "   \
    "-f lavfi -i \"aevalsrc='if(between(t,2,2.01),random(0)-0.5,0)':s=44100:d=4\" "

struct listener {
    struct source *source;
    struct thread thread;
    int64_t click_ns; // CLOCK_NONE: none was heard
};

static void hear(struct listener *l, const struct audio_converted *sound)
{
    for (int i = 0; i < sound->count && l->click_ns == CLOCK_NONE; i++)
        if (fabsf(sound->frames[i]) > 0.05f)
            l->click_ns = sound->pts_ns + i * NS_PER_S / RATE;
}

static void listen(void *user)
{
    struct listener *l = user;
    struct audio_convert *convert = audio_convert_create(RATE, 1);
    struct audio_converted sound;
    AVFrame *av = av_frame_alloc();
    unsigned generation;

    l->click_ns = CLOCK_NONE;
    while (source_read_audio(l->source, av, &generation) == SOURCE_OK) {
        assert_true(audio_convert_run(convert, av, &sound));
        hear(l, &sound);
        av_frame_unref(av);
    }
    av_frame_free(&av);
    audio_convert_destroy(&convert);
}

static int64_t flash_ns(struct source *s)
{
    int64_t flash = CLOCK_NONE;
    struct frame *f;

    while (source_read_video(s, &f) == SOURCE_OK) {
        if (f->picture.plane[0][0] > 128 && flash == CLOCK_NONE)
            flash = f->pts_ns;
        source_give_back(s, f);
    }
    return flash;
}

static void flash_and_click_together(void **state)
{
    static const struct {
        const char *name, *codecs;
        int64_t within_ms; // a codec may smear the click by a part of its block
    } clips[] = {
        {"sync.mkv", "-c:v libx264 -c:a pcm_s16le", 1},
        {"sync.mp4", "-c:v libx264 -bf 3 -c:a aac -b:a 192k", 4},
        {"sync_aac.mkv", "-c:v libx264 -bf 3 -c:a aac -b:a 192k", 4},
        {"sync_aac.ts", "-c:v libx264 -bf 3 -c:a aac -b:a 192k", 4},
        // FFmpeg 5 writes such a file with the pictures 7 ms late
        {"sync.webm", "-c:v libvpx -deadline realtime -c:a libopus", 8},
        {"sync_mp3.mkv", "-c:v mpeg4 -bf 2 -c:a mp3 -b:a 192k", 4},
        {"sync.mov", "-c:v mjpeg -c:a alac", 1},
        {"sync_late.mp4", "-c:v libx264 -c:a aac -b:a 192k -output_ts_offset 7", 4},
    };

    for (size_t i = 0; i < sizeof(clips) / sizeof(clips[0]); i++) {
        for (int seek = 0; seek < 2; seek++) {
            char *command = mem_printf("ffmpeg -v error -y " FLASH "%s -pix_fmt yuv%sp %s",
                                       clips[i].codecs, i == 6 ? "j420" : "420", clips[i].name);
            struct listener l;
            int64_t flash;

            assert_int_equal(system(command), 0);
            l.source = source_open(&(struct source_params){.url = clips[i].name});
            assert_non_null(l.source);
            if (seek)
                source_seek(l.source, 1500 * NS_PER_MS);
            assert_true(thread_start(&l.thread, "listener", THREAD_NORMAL, listen, &l));
            flash = flash_ns(l.source);
            thread_join(&l.thread);
            assert_true(flash != CLOCK_NONE && l.click_ns != CLOCK_NONE);
            printf("%s%s: flash at %.4f s, click %+.2f ms\n", clips[i].name, seek ? " wound" : "",
                   (double)flash / 1e9, (double)(l.click_ns - flash) / 1e6);
            assert_true(llabs(l.click_ns - flash) <= clips[i].within_ms * NS_PER_MS);
            source_close(&l.source);
            mem_free(command);
        }
    }
}

// Of a film of pictures (0) and sound (1), 25 packets a second of each. Returns where it is put,
// ms.
static int64_t smooth(struct stream_jump *jump, const AVFormatContext *film, int stream, int64_t ms)
{
    AVPacket *packet = av_packet_alloc();
    int64_t put;

    packet->stream_index = stream;
    packet->pts = packet->dts = ms;
    packet->duration = 40;
    stream_jump_smooth(jump, film, 0, packet);
    put = packet->dts;
    av_packet_free(&packet);
    return put;
}

static AVFormatContext *transport_stream(void)
{
    static const enum AVMediaType types[] = {AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO};
    AVFormatContext *film = avformat_alloc_context();

    film->iformat = av_find_input_format("mpegts");
    for (int i = 0; i < 2; i++) {
        AVStream *stream = avformat_new_stream(film, NULL);

        stream->codecpar->codec_type = types[i];
        stream->time_base = (AVRational){1, 1000};
    }
    return film;
}

static void assert_stays(struct stream_jump *jump, const AVFormatContext *film, int64_t from_ms,
                         int64_t to_ms)
{
    for (int64_t ms = from_ms; ms < to_ms; ms += 40)
        for (int stream = 0; stream < 2; stream++)
            assert_int_equal(smooth(jump, film, stream, ms), ms);
}

// Also where one stream is behind the cut while another still comes from before it.
static void a_clock_that_falls_back_goes_on(void **state)
{
    AVFormatContext *film = transport_stream();
    struct stream_jump jump = {0};

    stream_jump_reset(&jump);
    assert_stays(&jump, film, 1000, 9000);
    assert_int_equal(smooth(&jump, film, 1, 1000), 9000);
    assert_int_equal(smooth(&jump, film, 0, 9000), 9000);
    assert_false(jump.fell); // it may yet be damage
    for (int ms = 1000; ms < 9000; ms += 40) {
        assert_int_equal(smooth(&jump, film, 0, ms), ms + 8000);
        assert_int_equal(smooth(&jump, film, 1, ms + 40), ms + 8040);
    }
    assert_true(jump.fell);
    stream_jump_finish(&jump);
    avformat_free_context(film);
}

static void a_damaged_time_stamp_moves_nothing_else(void **state)
{
    static const int damage_ms[] = {5000, -3000, 100000, -100000};
    AVFormatContext *film = transport_stream();
    struct stream_jump jump = {0};
    int64_t ms = 0;

    stream_jump_reset(&jump);
    for (size_t i = 0; i < sizeof(damage_ms) / sizeof(damage_ms[0]); i++, ms += 4040) {
        assert_stays(&jump, film, ms, ms + 4000);
        smooth(&jump, film, 0, ms + 4000 + damage_ms[i]);
        assert_int_equal(smooth(&jump, film, 1, ms + 4000), ms + 4000);
    }
    assert_stays(&jump, film, ms, ms + 4000);
    assert_false(jump.fell);
    stream_jump_finish(&jump);
    avformat_free_context(film);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flash_and_click_together),
        cmocka_unit_test(a_clock_that_falls_back_goes_on),
        cmocka_unit_test(a_damaged_time_stamp_moves_nothing_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
