// Captions: shown at their time whatever container and codec they come in, the right track, files
// beside the film in any character set, pictures at their place, seeking, and damage.
//
// What is shown is seen in black frames: pixels that are no longer black.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "tests/ffmpeg.h"
#include "viewer/options.h"
#include "viewer/source.h"
#include "viewer/subtitle_file.h"
#include "viewer/subtitle_text.h"
#include "viewer/subtitles.h"

#define WIDTH 640
#define HEIGHT 360
#define FRAME_NS (NS_PER_S / 25)
#define FILM "-f lavfi -i color=black:s=640x360:r=25:d=5 "
#define H264 "-c:v libx264 -preset ultrafast -g 25 "

static void write_bytes(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

static void write_text(const char *path, const char *text)
{
    write_bytes(path, text, strlen(text));
}

static const char srt[] = "1\n00:00:00,500 --> 00:00:02,000\nA first line\nand a second\n\n"
                          "2\n00:00:02,520 --> 00:00:04,000\nAnother one\n\n";

static bool srt_shows(int64_t ns)
{
    return (ns >= 500 * NS_PER_MS && ns < 2000 * NS_PER_MS) ||
           (ns >= 2520 * NS_PER_MS && ns < 4000 * NS_PER_MS);
}

// --- what is seen

struct film {
    struct options options;
    struct subtitles *subtitles;
    struct source *source; // NULL: none
    uint8_t *eyes;
};

// arguments: of the player, up to NULL.
static struct film open_film(const char *url, const char *const *arguments)
{
    char *argv[32] = {(char *)"deep3d", (char *)"--sub-depth", (char *)"0"};
    struct film f = {.eyes = mem_new(2 * WIDTH * HEIGHT, 4)};
    int argc = 3;

    for (; arguments && *arguments; arguments++)
        argv[argc++] = (char *)*arguments;
    assert_true(options_parse(&f.options, argc, argv));
    f.subtitles = subtitles_create(&f.options);
    f.source = source_open(
        &(struct source_params){.url = url, .no_audio = true, .subtitles = f.subtitles});
    assert_non_null(f.source);
    subtitles_add_files(f.subtitles, url, source_info(f.source)->frames_per_s);
    return f;
}

static void close_film(struct film *f)
{
    source_close(&f->source);
    subtitles_destroy(&f->subtitles);
    options_finish(&f->options);
    mem_free(f->eyes);
}

struct seen {
    int pixels, left, top, right, bottom;
    uint8_t colour[3]; // of the brightest pixel
    uint32_t hash;
};

static struct seen look_at(struct film *f, int64_t pts_ns)
{
    struct stereo_frame frame = {
        .pts_ns = pts_ns,
        .aspect = (double)WIDTH / HEIGHT,
        .eyes = {WIDTH, HEIGHT, {f->eyes, f->eyes + WIDTH * HEIGHT * 4}, WIDTH * 4},
    };
    struct seen seen = {0, WIDTH, HEIGHT, 0, 0, {0}, 2166136261u};
    int brightest = 0;

    memset(f->eyes, 0, 2 * WIDTH * HEIGHT * 4);
    subtitles_draw(f->subtitles, NULL, &frame);
    assert_memory_equal(frame.eyes.pixels[0], frame.eyes.pixels[1], WIDTH * HEIGHT * 4);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            const uint8_t *p = f->eyes + (y * WIDTH + x) * 4;
            int light = p[0] + p[1] + p[2];

            seen.hash = (seen.hash ^ (uint32_t)light) * 16777619u;
            if (light < 24)
                continue;
            seen.pixels++;
            seen.left = x < seen.left ? x : seen.left;
            seen.right = x >= seen.right ? x + 1 : seen.right;
            seen.top = y < seen.top ? y : seen.top;
            seen.bottom = y + 1;
            if (light > brightest)
                memcpy(seen.colour, p, 3);
            brightest = light > brightest ? light : brightest;
        }
    }
    return seen;
}

// Plays to the end and compares, for each frame, whether something is shown.
static void check_times(struct film *f, bool (*shows)(int64_t ns), const char *what)
{
    struct frame *frame;
    int frames = 0;

    while (source_read_video(f->source, &frame) == SOURCE_OK) {
        struct seen seen = look_at(f, frame->pts_ns);

        if ((seen.pixels > 0) != shows(frame->pts_ns))
            fail_msg("%s at %.3f s: %d pixels", what, (double)frame->pts_ns / NS_PER_S,
                     seen.pixels);
        frames++;
        source_give_back(f->source, frame);
    }
    assert_in_range(frames, 124, 126);
    // captions that go on after the last picture are no sign of damage
    assert_false(source_broken(f->source));
}

static const char *const first[] = {"--sub", "1", NULL};

static const char *describe(struct film *f)
{
    static char text[128];

    subtitles_describe(f->subtitles, text, sizeof(text));
    return text;
}

// --- tests

static void shown_at_their_time(void **state)
{
    static const struct {
        const char *name, *arguments;
    } clips[] = {
        {"time_srt.mkv", "-c:s srt"},
        {"time_ass.mkv", "-c:s ass"},
        {"time.mp4", "-c:s mov_text"},
        {"time_vtt.mkv", "-c:s webvtt"},
        {"time_late.mkv", "-c:s srt -output_ts_offset 7"},
        {"time_late.mp4", "-c:s mov_text -output_ts_offset 7"},
    };

    write_text("time.srt", srt);
    for (size_t i = 0; i < sizeof(clips) / sizeof(clips[0]); i++) {
        char *make = mem_printf(FILM "-i time.srt -map 0 -map 1 " H264 "%s %s", clips[i].arguments,
                                clips[i].name);
        struct film f;

        ffmpeg(make);
        mem_free(make);
        remove("time.srt"); // beside "time.mp4" it would be found
        f = open_film(clips[i].name, first);
        check_times(&f, srt_shows, clips[i].name);
        close_film(&f);
        write_text("time.srt", srt);
    }
}

static bool earlier(int64_t ns)
{
    return srt_shows(ns + 400 * NS_PER_MS);
}

static void the_viewer_commands(void **state)
{
    static const char *const early[] = {"--sub-delay", "-0.4", NULL};
    static const char *const large[] = {"--sub-scale", "2", NULL};
    struct film f;
    struct seen seen;
    int height;

    ffmpeg(FILM H264 "cmd.mp4");
    write_text("cmd.srt", srt);
    f = open_film("cmd.mp4", early);
    check_times(&f, earlier, "a second earlier");
    subtitles_set_delay(f.subtitles, 0);
    assert_int_equal(look_at(&f, 200 * NS_PER_MS).pixels, 0);
    seen = look_at(&f, NS_PER_S);
    height = seen.bottom - seen.top;
    assert_true(seen.pixels > 0 && seen.top > HEIGHT / 2);
    subtitles_toggle(f.subtitles);
    assert_int_equal(look_at(&f, NS_PER_S).pixels, 0);
    subtitles_toggle(f.subtitles);
    assert_int_equal(look_at(&f, NS_PER_S).hash, seen.hash);
    subtitles_cycle(f.subtitles, 1);
    assert_string_equal(describe(&f), "none of 1");
    assert_int_equal(look_at(&f, NS_PER_S).pixels, 0);
    subtitles_cycle(f.subtitles, -1);
    assert_string_equal(describe(&f), "1 of 1, subrip");
    assert_int_equal(look_at(&f, NS_PER_S).hash, seen.hash);
    close_film(&f);

    f = open_film("cmd.mp4", large);
    seen = look_at(&f, NS_PER_S);
    assert_in_range(seen.bottom - seen.top, height * 17 / 10, height * 23 / 10);
    close_film(&f);
}

// Three tracks in the film, two files beside it.
static void the_right_track(void **state)
{
    static const struct {
        const char *arguments[7], *chosen;
    } cases[] = {
        {{NULL}, "4 of 5, en, ass"},
        {{"--sub", "none", NULL}, "none of 5"},
        {{"--sub", "2", NULL}, "2 of 5, fre, subrip"},
        {{"--sub", "9", NULL}, "none of 5"},
        {{"--sub-lang", "fr", NULL}, "2 of 5, fre, subrip"},
        {{"--sub-lang", "xx,ger,fr", NULL}, "1 of 5, ger, subrip"},
        {{"--sub-lang", "eng", NULL}, "4 of 5, en, ass"},
        {{"--sub-lang", "de,en", NULL}, "1 of 5, ger, subrip"},
        {{"--sub-lang", "en,de", NULL}, "4 of 5, en, ass"},
        {{"--sub-lang", "de-AT,ger", NULL}, "1 of 5, ger, subrip"},
        {{"--sub-file", "other.vtt", NULL}, "4 of 6, webvtt"},
        {{"--sub-file", "other.vtt", "--sub-lang", "fr", NULL}, "4 of 6, webvtt"},
        {{"--sub-file", "gone.srt", NULL}, "4 of 5, en, ass"},
    };

    write_text("c.srt", srt);
    ffmpeg("-i c.srt other.vtt");
    ffmpeg("-i c.srt choice.en.ass");
    write_text("choice.srt", srt);
    ffmpeg(FILM "-i c.srt -map 0 -map 1 -map 1 -map 1 " H264
                "-c:s srt -metadata:s:s:0 language=ger -metadata:s:s:1 language=fre "
                "-disposition:s:2 default choice.mkv");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct film f = open_film("choice.mkv", cases[i].arguments);

        assert_string_equal(describe(&f), cases[i].chosen);
        close_film(&f);
    }
    remove("choice.srt");
    remove("choice.en.ass");
    for (int i = 0; i < 2; i++) { // what the film marks
        struct film f =
            open_film("choice.mkv", i == 0 ? NULL : (const char *[]){"--sub-lang", "fr", NULL});

        assert_string_equal(describe(&f), i == 0 ? "3 of 3, subrip" : "2 of 3, fre, subrip");
        close_film(&f);
    }
}

static void files_by_their_names(void **state)
{
    static const char *const there[] = {"my.film.srt",    "my.film.de.ASS", "my.film.en.sub",
                                        "my.film.en.idx", "my.film2.srt",   "my.srt",
                                        "my.film.txt"};
    char *found[8], language[16];

    assert_true(mkdir("names", 0755) == 0 || access("names", F_OK) == 0);
    write_text("names/my.film.mkv", "x");
    for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++) {
        char *path = mem_printf("names/%s", there[i]);

        write_text(path, "x");
        mem_free(path);
    }
    assert_int_equal(subtitle_file_find("names/my.film.mkv", 8, found), 3);
    assert_string_equal(found[0], "names/my.film.de.ASS");
    assert_string_equal(found[1], "names/my.film.en.idx");
    assert_string_equal(found[2], "names/my.film.srt");
    for (int i = 0; i < 3; i++)
        mem_free(found[i]);
    assert_int_equal(subtitle_file_find("http://host/my.film.mkv", 8, found), 0);
    assert_int_equal(subtitle_file_find("names/none.mkv", 8, found), 0);

    subtitle_file_language("names/my.film.de.ASS", language, sizeof(language));
    assert_string_equal(language, "de");
    subtitle_file_language("a.b/film.srt", language, sizeof(language));
    assert_string_equal(language, "");
    subtitle_file_language("film.director's cut.srt", language, sizeof(language));
    assert_string_equal(language, "");
    subtitle_file_language("film.en.SDH.srt", language, sizeof(language));
    assert_string_equal(language, "en");
    subtitle_file_language("film.hi.srt", language, sizeof(language)); // Hindi
    assert_string_equal(language, "hi");
}

// --- character sets

static void check_text(const void *bytes, size_t size, const char *expected)
{
    const char *charset;
    size_t out_size;
    char *text = subtitle_text_utf8(bytes, size, &out_size, &charset);

    if (expected)
        assert_string_equal(text, expected);
    assert_non_null(charset);
    assert_int_equal(text[out_size], 0);
    mem_free(text);
}

#define CHECK(bytes, expected) check_text(bytes, sizeof(bytes) - 1, expected)

static void any_character_set(void **state)
{
    CHECK("", "");
    CHECK("plain", "plain");
    CHECK("\xef\xbb\xbfmark", "mark");
    CHECK("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK("\xff\xfe"
          "a\0\xe4\0\x3d\xd8\x00\xde",
          "a\xc3\xa4\xf0\x9f\x98\x80");
    CHECK("\xfe\xff\0a\0\xe4", "a\xc3\xa4");
    CHECK("\xff\xfe\0\0\xe4\0\0\0", "\xc3\xa4");
    // cut in the middle of a character: still UTF-8
    CHECK("\xc3\xa4\xc3\xb6\xc3", "\xc3\xa4\xc3\xb6\xef\xbf\xbd");
    // Windows-1252 and its relatives, where a few letters tell little
    CHECK("Na\xefve \x97 \x80 5", "Na\xc3\xafve \xe2\x80\x94 \xe2\x82\xac 5");
    // half a character at the end, and surrogates alone
    CHECK("\xff\xfe"
          "a\0\xe4",
          "a\xef\xbf\xbd");
    CHECK("\xff\xfe"
          "a\0\x3d\xd8"
          "b\0c\0",
          "a\xef\xbf\xbd"
          "bc");
    // one damaged byte in a text of UTF-8
    CHECK("\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xff-",
          "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6\xef\xbf"
          "\xbd-");
}

// A file's text, converted from UTF-8 with iconv, comes back.
static void sets_are_guessed(void **state)
{
    static const struct {
        const char *charset, *text;
    } files[] = {
        {"WINDOWS-1251",
         "Здравствуйте! Это довольно длинная строка русского текста, чтобы было что "
         "угадывать. Она говорит о погоде и о море."},
        {"WINDOWS-1252", "Größe, Übermut und ein Fuß: é à ê — «Ça va très bien», répondit-il, «à "
                         "bientôt!»"},
        {"ISO-8859-7", "Καλημέρα σας, αυτό είναι ένα αρκετά μεγάλο κείμενο στα ελληνικά για να "
                       "μαντέψει κανείς το σύνολο χαρακτήρων."},
        {"SHIFT_JIS", "これは日本語の字幕です。文字コードを推測するのに十分な長さがあります。"},
        {"BIG5", "這是一段中文字幕，長度足以猜測它的字元編碼。今天天氣很好，我們去海邊散步。"},
        {"UTF-16LE", "\ufeffСтрока с меткой"},
    };

    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        char *command = mem_printf("iconv -f UTF-8 -t %s set_utf8.txt > set.txt", files[i].charset);
        uint8_t bytes[4096];
        size_t size;
        FILE *file;

        write_text("set_utf8.txt", files[i].text);
        assert_int_equal(system(command), 0);
        file = fopen("set.txt", "rb");
        size = fread(bytes, 1, sizeof(bytes), file);
        fclose(file);
        check_text(bytes, size,
                   strncmp(files[i].text, "\xef\xbb\xbf", 3) == 0 ? files[i].text + 3
                                                                  : files[i].text);
        mem_free(command);
    }
}

// --- pictures

static void put(FILE *file, uint64_t value, int bytes)
{
    while (bytes-- > 0)
        fputc((int)(value >> (8 * bytes) & 255), file);
}

static void pgs_segment(FILE *file, int ms, int type, int size)
{
    put(file, 0x5047, 2);
    put(file, (uint64_t)ms * 90, 4);
    put(file, 0, 4);
    put(file, (uint64_t)type, 1);
    put(file, (uint64_t)size, 2);
}

// A display set on a canvas of 1920x1080: one green rectangle, or with width 0 nothing any more.
static void pgs_set(FILE *file, int number, int ms, int x, int y, int width, int height)
{
    pgs_segment(file, ms, 0x16, width ? 19 : 11);
    put(file, 1920, 2), put(file, 1080, 2), put(file, 0x10, 1), put(file, (uint64_t)number, 2);
    put(file, 0x80, 1), put(file, 0, 2), put(file, width > 0, 1);
    if (width) {
        put(file, 0, 4), put(file, (uint64_t)x, 2), put(file, (uint64_t)y, 2);
        pgs_segment(file, ms, 0x14, 7);
        put(file, 0, 2), put(file, 1, 1);
        put(file, 145, 1), put(file, 34, 1), put(file, 54, 1), put(file, 255, 1);
        pgs_segment(file, ms, 0x15, 11 + height * 6);
        put(file, 0, 3), put(file, 0xc0, 1), put(file, (uint64_t)(4 + height * 6), 3);
        put(file, (uint64_t)width, 2), put(file, (uint64_t)height, 2);
        for (int i = 0; i < height; i++)
            put(file, 0, 1), put(file, 0xc000 | (uint64_t)width, 2), put(file, 1, 1),
                put(file, 0, 2);
    }
    pgs_segment(file, ms, 0x80, 0);
}

static void make_pgs(const char *path)
{
    FILE *file = fopen(path, "wb");

    pgs_set(file, 0, 0, 0, 0, 0, 0); // ffmpeg takes the first moment for 0
    pgs_set(file, 0, 500, 600, 900, 720, 90);
    pgs_set(file, 1, 2000, 0, 0, 0, 0);
    pgs_set(file, 2, 2520, 300, 30, 90, 60);
    pgs_set(file, 3, 4000, 0, 0, 0, 0);
    fclose(file);
}

static void check_box(struct film *f, int64_t ns, int left, int top, int right, int bottom)
{
    struct seen s = look_at(f, ns);

    if (abs(s.left - left) > 2 || abs(s.top - top) > 2 || abs(s.right - right) > 2 ||
        abs(s.bottom - bottom) > 2)
        fail_msg("%d,%d..%d,%d instead of %d,%d..%d,%d", s.left, s.top, s.right, s.bottom, left,
                 top, right, bottom);
    assert_true(s.colour[1] > 150 && s.colour[0] < 40 && s.colour[2] < 40);
}

// Nothing says when these end: the next one does.
static bool until_the_next(int64_t ns)
{
    return ns >= 500 * NS_PER_MS;
}

static void pictures_at_their_place(void **state)
{
    static const struct {
        const char *name;
        bool (*shows)(int64_t ns); // NULL: the encoder has ideas of its own
    } clips[] = {{"pgs.mkv", srt_shows}, {"dvd.mkv", until_the_next}, {"dvb.ts", NULL}};
    struct film f;
    struct frame *frame;

    make_pgs("pictures.sup");
    ffmpeg(FILM "-i pictures.sup -map 0 -map 1 " H264 "-c:s copy pgs.mkv");
    ffmpeg("-i pgs.mkv -map 0 -c:v copy -c:s dvdsub -s:s 1920x1080 dvd.mkv");
    ffmpeg("-i pgs.mkv -map 0 -c:v copy -c:s dvbsub dvb.ts");
    for (int i = 0; i < 3; i++) {
        if (clips[i].shows) {
            f = open_film(clips[i].name, first);
            check_times(&f, clips[i].shows, clips[i].name);
            close_film(&f);
        }
        f = open_film(clips[i].name, first);
        while (source_read_video(f.source, &frame) == SOURCE_OK) {
            if (frame->pts_ns == NS_PER_S)
                check_box(&f, frame->pts_ns, 200, 300, 440, 330);
            if (frame->pts_ns == 3 * NS_PER_S && clips[i].shows)
                check_box(&f, frame->pts_ns, 100, 10, 130, 30);
            source_give_back(f.source, frame);
        }
        close_film(&f);
    }
}

// Captions made for the whole disc picture keep their shape in a film without its black bars, and
// are brought into it; and in one whose pixels are not square, as those of half an eye.
static void pictures_in_other_shapes(void **state)
{
    static const struct {
        int width, height;
        double aspect;
        int top, bottom; // of the caption
    } films[] = {
        {640, 272, 640.0 / 272, 242, 272}, // its place was 300 - 44 = 256, below the edge
        {320, 360, 16.0 / 9, 300, 330},
    };

    make_pgs("cut.sup");
    for (size_t i = 0; i < sizeof(films) / sizeof(films[0]); i++) {
        int width = films[i].width, height = films[i].height, top = films[i].top;
        struct frame *frame;
        struct film f;

        char *arguments = mem_printf("-f lavfi -i color=black:s=%dx%d:r=25:d=5 -i cut.sup -map 0 "
                                     "-map 1 " H264 "-c:s copy cut.mkv",
                                     width, height);

        ffmpeg(arguments);
        mem_free(arguments);
        f = open_film("cut.mkv", first);
        while (source_read_video(f.source, &frame) == SOURCE_OK) {
            struct stereo_frame out = {
                .pts_ns = frame->pts_ns,
                .aspect = films[i].aspect,
                .eyes = {width, height, {f.eyes, f.eyes + width * height * 4}, (size_t)width * 4},
            };

            memset(f.eyes, 0, (size_t)width * (size_t)height * 4);
            subtitles_draw(f.subtitles, NULL, &out);
            for (int y = top - 3; frame->pts_ns == NS_PER_S && y < height; y++) {
                uint8_t green = f.eyes[(y * width + width / 2) * 4 + 1];

                if (y == top + 2 || y == films[i].bottom - 3)
                    assert_true(green > 100);
                if (y == top - 3 || y == films[i].bottom + 3)
                    assert_true(green < 20);
            }
            source_give_back(f.source, frame);
        }
        close_film(&f);
    }
}

// "pack start" codes of a program stream, where its packs begin.
static int find_packs(const char *path, long *out, int most)
{
    FILE *file = fopen(path, "rb");
    uint32_t last = 0xffffffff;
    int byte, count = 0, private = 0;

    assert_non_null(file);
    for (long at = 0; (byte = fgetc(file)) != EOF && count < most; at++) {
        last = last << 8 | (uint32_t)byte;
        if (last == 0x000001ba)
            out[count] = at - 3;
        // only packs with a picture in them
        if (last == 0x000001bd && ++private > 0)
            count++;
    }
    fclose(file);
    return count;
}

static void vobsub_files(void **state)
{
    struct film f;
    long packs[4];
    char *index;

    make_pgs("pictures.sup");
    ffmpeg(FILM H264 "vob.mp4");
    ffmpeg("-i pictures.sup -map 0 -c:s dvdsub -s:s 1920x1080 -f dvd vob.sub");
    assert_true(find_packs("vob.sub", packs, 4) >= 2);
    index = mem_printf("# VobSub index file, v7\nsize: 1920x1080\npalette: 000000, 00aa00, 00ff00, "
                       "00ff00, 00ff00, 00ff00, 00ff00, 00ff00, 00ff00, 00ff00, 00ff00, 00ff00, "
                       "00ff00, 00ff00, 00ff00, 00ff00\nid: en, index: 0\n"
                       "timestamp: 00:00:00:500, filepos: %09lx\n"
                       "timestamp: 00:00:02:520, filepos: %09lx\n",
                       packs[0], packs[1]);
    write_text("vob.idx", index);
    mem_free(index);
    f = open_film("vob.mp4", NULL);
    assert_string_equal(describe(&f), "1 of 1, en, dvd_subtitle");
    check_times(&f, until_the_next, "vob.idx");
    check_box(&f, NS_PER_S, 200, 300, 440, 330); // back again
    close_film(&f);
    // the pictures' file names its index
    f = open_film("vob.mp4", (const char *[]){"--sub-file", "vob.sub", NULL});
    assert_string_equal(describe(&f), "1 of 2, en, dvd_subtitle");
    close_film(&f);
    // names in capitals, as old discs have them; and pictures whose index is lost
    assert_int_equal(rename("vob.idx", "VOB.IDX") + rename("vob.sub", "VOB.SUB"), 0);
    ffmpeg(FILM H264 "VOB.mp4");
    f = open_film("VOB.mp4", NULL);
    assert_string_equal(describe(&f), "1 of 1, en, dvd_subtitle");
    close_film(&f);
    remove("VOB.IDX");
    f = open_film("VOB.mp4", NULL);
    assert_string_equal(describe(&f), "this film has none");
    close_film(&f);
    remove("VOB.SUB");
}

// As they lie on a Blu-ray disc, segment by segment.
static void blu_ray_files(void **state)
{
    struct film f;

    ffmpeg(FILM H264 "disc.mp4");
    make_pgs("disc.sup");
    f = open_film("disc.mp4", first);
    assert_string_equal(describe(&f), "1 of 1, hdmv_pgs_subtitle");
    check_times(&f, srt_shows, "disc.sup");
    check_box(&f, NS_PER_S, 200, 300, 440, 330); // back again
    close_film(&f);
}

// --- winding

static void check_after_seek(struct film *f, int64_t pos_ns)
{
    unsigned generation = source_seek(f->source, pos_ns);
    struct frame *frame;

    for (;;) {
        unsigned got;

        assert_int_equal(source_read_video(f->source, &frame), SOURCE_OK);
        got = frame->generation;
        if (got == generation)
            break;
        source_give_back(f->source, frame);
    }
    if ((look_at(f, frame->pts_ns).pixels > 0) != srt_shows(frame->pts_ns))
        fail_msg("after winding to %.3f s", (double)pos_ns / NS_PER_S);
    source_give_back(f->source, frame);
}

static void read_to(struct film *f, int64_t pos_ns)
{
    int64_t pts_ns = INT64_MIN;
    struct frame *frame;

    while (pts_ns < pos_ns && source_read_video(f->source, &frame) == SOURCE_OK) {
        pts_ns = frame->pts_ns;
        source_give_back(f->source, frame);
    }
}

static void winding(void **state)
{
    static const char *const names[] = {"wind_srt.mkv", "wind.mp4", "wind_pgs.mkv"};
    static const int places_ms[] = {1200, 3000, 2200, 600, 4500, 0, 3500, 3500, 1000};

    write_text("w.srt", srt);
    make_pgs("w.sup");
    ffmpeg(FILM "-i w.srt -map 0 -map 1 " H264 "-c:s srt wind_srt.mkv");
    ffmpeg(FILM "-i w.srt -map 0 -map 1 " H264 "-c:s mov_text wind.mp4");
    ffmpeg(FILM "-i w.sup -map 0 -map 1 " H264 "-c:s copy wind_pgs.mkv");
    for (int i = 0; i < 3; i++) {
        struct film f = open_film(names[i], first);
        struct seen before, after;

        // pictures that began before the keyframe wound to are only known if they were read before
        if (i == 2) {
            read_to(&f, 1800 * NS_PER_MS);
            check_after_seek(&f, 1800 * NS_PER_MS);
            read_to(&f, INT64_MAX);
        }
        for (size_t k = 0; k < sizeof(places_ms) / sizeof(places_ms[0]); k++)
            check_after_seek(&f, places_ms[k] * NS_PER_MS);
        if (i < 2) { // read three times, and still there once
            read_to(&f, INT64_MAX);
            before = look_at(&f, NS_PER_S);
            check_after_seek(&f, 0);
            read_to(&f, INT64_MAX);
            after = look_at(&f, NS_PER_S);
            assert_int_equal(after.hash, before.hash);
        }
        close_film(&f);
    }
}

// --- fonts

static int font_lines;

static void count_lines(void *user, enum log_level level, const char *line)
{
    font_lines += strstr(line, "no font") != NULL;
}

// On a machine without any font there is one line and no text, until a film brings its own.
static void fonts_of_the_film(void **state)
{
    struct film f;
    char *path;

    write_text("f.srt", srt);
    ffmpeg("-i f.srt f_arial.ass");
    assert_int_equal(system("sed s/Arial/DejaVu\\ Sans/ f_arial.ass > f.ass"), 0);
    ffmpeg(FILM "-i f.ass -map 0 -map 1 " H264 "-c:s copy no_font.mkv");
    ffmpeg(FILM "-i f.ass -map 0 -map 1 " H264
                "-c:s copy -attach /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf "
                "-metadata:s:t mimetype=application/x-truetype-font own_font.mkv");
    write_text("fonts.conf", "<?xml version=\"1.0\"?><fontconfig></fontconfig>\n");
    path = realpath("fonts.conf", NULL); // a bare name would be looked for in /etc
    setenv("FONTCONFIG_FILE", path, 1);
    free(path);
    log_set_sink(count_lines, NULL);
    for (int i = 0; i < 2; i++) {
        struct frame *frame;

        f = open_film(i == 0 ? "own_font.mkv" : "no_font.mkv", first);
        while (source_read_video(f.source, &frame) == SOURCE_OK)
            source_give_back(f.source, frame);
        assert_int_equal(look_at(&f, NS_PER_S).pixels > 0, i == 0);
        assert_int_equal(font_lines, i);
        close_film(&f);
    }
    log_set_sink(NULL, NULL);
    unsetenv("FONTCONFIG_FILE");
}

// --- damage

static void damaged_files(void **state)
{
    static const struct {
        const char *name;
        const char *bytes;
        size_t size;
    } files[] = {
#define FILE_OF(name, bytes) {name, bytes, sizeof(bytes) - 1}
        FILE_OF("bad.srt", ""),
        FILE_OF("bad1.srt", "\0\0\0\0\0\0\0\0"),
        FILE_OF("bad2.srt", "1\n99:99:99,999 --> 00:00:00,000\nbackwards\n\n2\n00:00:01,000 --> "
                            "9999999:00:00,000\nlong\n"),
        FILE_OF("bad3.ass", "[Script Info]\nPlayResX: -1\nPlayResY: 999999999\n[V4+ Styles]\n"
                            "Format: Name, Fontname, Fontsize\nStyle: Default,Arial,1e9\n[Events]\n"
                            "Format: Layer, Start, End, Style, Text\n"
                            "Dialogue: 0,0:00:00.00,0:00:09.00,Default,{\\fs1000000\\fscx100000"
                            "\\blur1e6\\bord1e9\\t(0,1,\\frz1e30)\\p99999}m 0 0 l 9e9 9e9 x\n"),
        FILE_OF("bad4.vtt",
                "WEBVTT\n\n00:01.000 --> 00:00.000 position:9999%\n<b><i><b>\xff\xfe\n"),
        FILE_OF("bad5.idx", "# VobSub index file, v7\nsize: 99999x99999\nid: en, index: 0\n"
                            "timestamp: 00:00:01:000, filepos: 0ffffffff\n"),
        FILE_OF("bad6.sub", "\0\0\1\xba"
                            "abcdefghijklmnop"),
        FILE_OF("bad7.sub", "{1}{2}ok?{3}{999999999999}x\n{-5}{5}|||\n"),
        FILE_OF("bad8.srt", "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
        FILE_OF("bad9.srt", "\x1a\x45\xdf\xa3 not a film either"),
    };

    ffmpeg(FILM H264 "-t 0.2 damaged.mp4");
    mkdir("folder.srt", 0755);
    for (size_t i = 0; i <= sizeof(files) / sizeof(files[0]); i++) {
        bool folder = i == sizeof(files) / sizeof(files[0]);
        const char *name = folder ? "folder.srt" : files[i].name;
        const char *arguments[] = {"--sub-file", name, "--sub", "1", NULL};
        struct frame *frame;
        struct film f;

        if (!folder)
            write_bytes(name, files[i].bytes, files[i].size);
        f = open_film("damaged.mp4", arguments);
        while (source_read_video(f.source, &frame) == SOURCE_OK)
            source_give_back(f.source, frame);
        for (int64_t ns = 0; ns < 10 * NS_PER_S; ns += 3 * NS_PER_S / 2)
            look_at(&f, ns);
        close_film(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shown_at_their_time),
        cmocka_unit_test(the_viewer_commands),
        cmocka_unit_test(the_right_track),
        cmocka_unit_test(files_by_their_names),
        cmocka_unit_test(any_character_set),
        cmocka_unit_test(sets_are_guessed),
        cmocka_unit_test(pictures_at_their_place),
        cmocka_unit_test(pictures_in_other_shapes),
        cmocka_unit_test(vobsub_files),
        cmocka_unit_test(blu_ray_files),
        cmocka_unit_test(winding),
        cmocka_unit_test(fonts_of_the_film),
        cmocka_unit_test(damaged_files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
