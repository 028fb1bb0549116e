// Films with several sound tracks: what they are, which one is heard, and another one at any time.
// And their chapters.
//
// Each track is a tone of its own, so that what is heard tells which one it is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavutil/frame.h>

#include "base/clock.h"
#include "base/thread.h"
#include "tests/ffmpeg.h"
#include "viewer/audio_convert.h"
#include "viewer/language.h"
#include "viewer/source.h"

#define RATE 48000
#define TONES                                                                                      \
    "-f lavfi -i testsrc2=s=64x64:r=25:d=8 -f lavfi -i sine=f=300:r=44100:d=8 "                    \
    "-f lavfi -i sine=f=1200:r=48000:d=8 -f lavfi -i sine=f=2500:r=8000:d=8 -map 0 -map 1 "        \
    "-map 2 -map 3 -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu "                     \
    "-metadata:s:a:1 title='with comments' -disposition:a:0 default -disposition:a:2 0 "           \
    "-c:v mpeg4 -c:a pcm_s16le -ac:a:1 2 "

static const int tones_hz[] = {300, 1200, 2500};

static int make_films(void **state)
{
    ffmpeg(TONES "tones.mkv");
    ffmpeg(TONES "-f mov tones.mov");
    ffmpeg("-i tones.mkv -map 0 -c:v mpeg2video -c:a mp2 -ar 48000 tones.ts");
    return 0;
}

static struct source *open_film(const char *url, int audio, const char *languages)
{
    struct source *s =
        source_open(&(struct source_params){.url = url, .audio = audio, .audio_lang = languages});

    assert_non_null(s);
    return s;
}

// The tone of a piece of sound, by how often it crosses zero.
static int tone_of(const struct audio_converted *sound)
{
    int crossings = 0;

    for (int i = 1; i < sound->count; i++)
        crossings += sound->frames[i] < 0 && sound->frames[i - 1] >= 0;
    return crossings * RATE / sound->count;
}

// Reads sound up to the end of what is near `until_ns`, and lets pictures go by as they are due: of
// the sound, only so much is read ahead then as a player has. Returns how many ms of it were of
// this track; of others: in *out_others.
static int hear(struct source *s, unsigned generation, int track, int64_t until_ns, int *out_others)
{
    struct audio_convert *convert = audio_convert_create(RATE, 1);
    struct audio_converted sound;
    AVFrame *av = av_frame_alloc();
    int64_t picture_ns = INT64_MIN;
    int heard = 0;
    unsigned now;

    *out_others = 0;
    for (int64_t pts_ns = 0; pts_ns < until_ns;) {
        struct frame *f;

        while (picture_ns <= pts_ns && source_video_ready(s) &&
               source_read_video(s, &f) == SOURCE_OK) {
            picture_ns = f->pts_ns;
            source_give_back(s, f);
        }
        if (source_read_audio(s, av, &now) != SOURCE_OK)
            break;
        assert_int_equal(now, generation);
        pts_ns = av->pts;
        assert_true(audio_convert_run(convert, av, &sound));
        if (sound.count * 60 >= RATE) { // long enough to tell
            bool same = abs(tone_of(&sound) - tones_hz[track]) < tones_hz[track] / 5;

            *(same ? &heard : out_others) += sound.count * 1000 / RATE;
        }
        av_frame_unref(av);
    }
    av_frame_free(&av);
    audio_convert_destroy(&convert);
    return heard;
}

static void expect_first(struct source *s, int track)
{
    int others;

    assert_int_equal(source_sound(s), track);
    assert_true(hear(s, 0, track, 500 * NS_PER_MS, &others) > 350);
    assert_int_equal(others, 0);
    source_close(&s);
}

static void tracks_are_told(void **state)
{
    struct source *s = open_film("tones.mkv", 0, NULL);
    const struct source_info *info = source_info(s);

    assert_int_equal(info->sound_count, 3);
    assert_string_equal(info->sounds[0].language, "eng");
    assert_string_equal(info->sounds[1].language, "deu");
    assert_string_equal(info->sounds[1].title, "with comments");
    assert_string_equal(info->sounds[2].language, "");
    assert_string_equal(info->sounds[1].codec, "pcm_s16le");
    assert_int_equal(info->sounds[1].channels, 2);
    assert_int_equal(info->sounds[2].rate_hz, 8000);
    source_close(&s);
}

// A recording may be silent for longer than FFmpeg looks into it.
static void a_track_that_begins_late_is_one(void **state)
{
    struct source *s;
    int others;

    ffmpeg("-f lavfi -i testsrc2=s=64x64:r=25:d=11 -itsoffset 9 -f lavfi -i sine=f=300:d=2 "
           "-c:v mpeg2video -c:a mp2 late_sound.ts");
    s = open_film("late_sound.ts", 0, NULL);
    assert_int_equal(source_info(s)->sound_count, 1);
    assert_int_equal(source_info(s)->sounds[0].rate_hz, 0);
    assert_true(hear(s, 0, 0, 11 * NS_PER_S, &others) > 1500);
    source_close(&s);
}

static void the_wished_one_is_heard(void **state)
{
    expect_first(open_film("tones.mkv", 0, NULL), 0);
    expect_first(open_film("tones.mkv", 3, "de"), 2);
    expect_first(open_film("tones.mkv", 0, "fr,de,en"), 1);
    expect_first(open_film("tones.mkv", 0, "en-GB,de"), 0);
    expect_first(open_film("tones.mkv", 0, "fr"), 0);
    expect_first(open_film("tones.mkv", 9, NULL), 0); // told in the log
}

static void another_one_comes_with_a_seek(void **state)
{
    static const char *const films[] = {"tones.mkv", "tones.mov", "tones.ts"};
    static const int order[] = {1, 2, 0, 1, 1, 0, 2};

    for (size_t k = 0; k < sizeof(films) / sizeof(films[0]); k++) {
        struct source *s = open_film(films[k], 0, NULL);
        int others;

        assert_true(hear(s, 0, 0, 300 * NS_PER_MS, &others) > 200);
        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
            int64_t from_ns = (int64_t)(7 - i) * NS_PER_S;
            unsigned generation;

            source_set_sound(s, order[i]);
            generation = source_seek(s, from_ns);
            assert_int_equal(generation, i + 1);
            assert_true(hear(s, generation, order[i], from_ns + 400 * NS_PER_MS, &others) > 250);
            assert_int_equal(others, 0);
        }
        source_close(&s);
    }
}

static void write_pipe(void *user)
{
    if (system("cat tones.ts > tones.pipe") != 0) // nobody reads it to its end
        printf("not all of it was wanted\n");
}

static void another_one_comes_in_a_stream(void **state)
{
    struct thread writer = {0};
    struct source *s;
    int before, others;

    unlink("tones.pipe");
    assert_int_equal(mkfifo("tones.pipe", 0600), 0);
    assert_true(thread_start(&writer, "writer", THREAD_NORMAL, write_pipe, NULL));
    s = open_film("tones.pipe", 0, NULL);
    assert_false(source_info(s)->seekable);
    assert_true(hear(s, 0, 0, NS_PER_S, &others) > 800);
    assert_true(others < 50); // the encoder's own beginning
    source_set_sound(s, 1);
    before = hear(s, 0, 0, 4 * NS_PER_S, &others); // what was read already, and then the other one
    printf("%d ms of the one, %d ms of the other\n", before, others);
    assert_true(others > 500);
    assert_true(hear(s, 0, 1, 7 * NS_PER_S, &others) > 2500);
    assert_int_equal(others, 0);
    source_close(&s);
    thread_join(&writer);
}

static void chapters_are_told(void **state)
{
    static const char *const films[] = {"chapters.mkv", "chapters.mp4"};
    FILE *f = fopen("chapters.txt", "w");

    fputs(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=2000\ntitle=one\n"
          "[CHAPTER]\nTIMEBASE=1/1000\nSTART=2000\nEND=5500\ntitle=the second\n"
          "[CHAPTER]\nTIMEBASE=1/1000\nSTART=5500\nEND=8000\n",
          f);
    fclose(f);
    ffmpeg("-i tones.mkv -i chapters.txt -map_metadata 1 -map 0:v -c copy chapters.mkv "
           "-map_metadata 1 -map 0:v -c copy chapters.mp4");
    for (size_t i = 0; i < sizeof(films) / sizeof(films[0]); i++) {
        struct source *s = open_film(films[i], 0, NULL);
        const struct source_info *info = source_info(s);

        assert_int_equal(info->chapter_count, 3);
        assert_int_equal(info->chapters[0].start_ns, 0);
        assert_int_equal(info->chapters[1].start_ns, 2 * NS_PER_S);
        assert_int_equal(info->chapters[2].start_ns, 5500 * NS_PER_MS);
        assert_string_equal(info->chapters[0].title, "one");
        assert_string_equal(info->chapters[1].title, "the second");
        source_close(&s);
    }
}

static void languages_match(void **state)
{
    assert_int_equal(language_wish("de,en", "eng"), 1);
    assert_int_equal(language_wish("de,en", "de-AT"), 0);
    assert_int_equal(language_wish("deu", "deu"), 0);
    assert_int_equal(language_wish("deu", "den"), -1);
    assert_int_equal(language_wish(NULL, "deu"), -1);
    assert_int_equal(language_wish("de", ""), -1);
    assert_int_equal(language_wish(",,", ""), -1);
    assert_int_equal(language_wish("de,en", "ger"), 0);
    assert_int_equal(language_wish("deu", "ger"), 0);
    assert_int_equal(language_wish("GER", "de"), 0);
    assert_int_equal(language_wish("es", "spa"), 0);
    assert_int_equal(language_wish("es", "est"), -1);
    assert_int_equal(language_wish("ja, zh-TW", "chi"), 1);
    assert_int_equal(language_wish("fi", "fil"), -1);
    assert_int_equal(language_wish("tlh", "tlh"), 0); // of the many without two letters
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tracks_are_told),
        cmocka_unit_test(a_track_that_begins_late_is_one),
        cmocka_unit_test(the_wished_one_is_heard),
        cmocka_unit_test(another_one_comes_with_a_seek),
        cmocka_unit_test(another_one_comes_in_a_stream),
        cmocka_unit_test(chapters_are_told),
        cmocka_unit_test(languages_match),
    };

    return cmocka_run_group_tests(tests, make_films, NULL);
}
