// What is no film is refused with one line that says why; what is damaged plays as far as it goes.
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <libavutil/frame.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "tests/ffmpeg.h"
#include "viewer/source.h"

#define SEED 20261122u

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    fclose(f);
}

static void write_text(const char *path, const char *text)
{
    write_file(path, text, strlen(text));
}

// --- what is said

static char said[4096];
static int errors_said, lines_said; // lines: at warning level or above

static void hear(void *user, enum log_level level, const char *line)
{
    lines_said += level <= LOG_WARN;
    errors_said += level == LOG_ERROR;
    if (level <= LOG_WARN)
        snprintf(said, sizeof(said), "%s", line);
}

static void refused(const char *url, const char *reason)
{
    struct source *s;

    lines_said = errors_said = 0;
    said[0] = '\0';
    log_set_sink(hear, NULL);
    s = source_open(&(struct source_params){.url = url});
    log_set_sink(NULL, NULL);
    printf("%s\n", said);
    assert_null(s);
    assert_int_equal(lines_said, 1);
    assert_int_equal(errors_said, 1);
    assert_non_null(strstr(said, reason));
    if (url[0])
        assert_non_null(strstr(said, url));
}

// --- no films

static void files_that_are_no_film(void **state)
{
    uint8_t noise[50000];

    srand(SEED);
    for (size_t i = 0; i < sizeof(noise); i++)
        noise[i] = (uint8_t)rand();
    write_file("noise.bin", noise, sizeof(noise));
    write_file("noise.mp4", noise, sizeof(noise));
    write_text("text.txt", "This is a text.\nIt has two lines.\n");
    write_text("text", "This is a text, without an extension.\n");
    write_text("text.mp4", "This is a text, and its name says it is not.\n");
    write_text("text.png", "This is no picture.\n");
    write_text("words.srt", "1\n00:00:01,000 --> 00:00:02,000\nWords\n\n");
    write_text("empty.mp4", "");
    mkdir("directory.mp4", 0755);
    refused("missing.mp4", "No such file");
    refused("directory.mp4", "is a directory");
    refused("empty.mp4", "is empty");
    refused("text.txt", "not a film");
    refused("text", "not a film");
    refused("text.mp4", "not a film");
    refused("text.png", "");
    refused("noise.bin", "not a film");
    refused("noise.mp4", "not a film");
    refused("words.srt", "no pictures");
    refused("", "empty name");
}

static void urls_that_lead_nowhere(void **state)
{
    refused("http://127.0.0.1:9/film.mp4", "refused");
    refused("nosuchprotocol://film.mp4", "protocol");
    refused("lavfi:nosuchfilter", "");
    refused("v4l2:/dev/nosuchvideo", "No such file");
}

static void sound_alone_is_no_film(void **state)
{
    ffmpeg("-f lavfi -i sine=d=1 sound.wav");
    ffmpeg("-f lavfi -i sine=d=1 -f lavfi -i color=red:s=64x64:d=0.04 -map 0 -map 1 -c:v png "
           "-disposition:v attached_pic cover.mp3");
    refused("sound.wav", "no pictures");
    refused("cover.mp3", "no pictures");
}

static void absurd_sizes(void **state)
{
    static char wide[64 + 20000 * 3];

    snprintf(wide, sizeof(wide), "P6\n20000 1\n255\n");
    write_file("wide.ppm", wide, 20 + 20000 * 3);
    write_text("nothing.pgm", "P5\n0 0\n255\n");
    write_text("huge.pgm", "P5\n2000000000 2000000000\n255\nabc");
    refused("wide.ppm", "20000x1 are too large");
    refused("nothing.pgm", "no size");
    refused("huge.pgm", "absurd");
    refused("lavfi:color=s=17000x16:d=1", "17000x16 are too large");
}

static void a_decoder_that_is_not_there(void **state)
{
    FILE *f;
    static uint8_t bytes[1 << 20];
    size_t size;

    // an AVI whose pictures are of a codec that nobody knows
    ffmpeg("-f lavfi -i testsrc2=s=64x64:d=0.2 -c:v mpeg4 -vtag XVID known.avi");
    f = fopen("known.avi", "rb");
    size = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    for (size_t i = 0; i + 4 <= size; i++)
        if (memcmp(bytes + i, "XVID", 4) == 0)
            memcpy(bytes + i, "ZQZQ", 4);
    write_file("unknown.avi", bytes, size);
    refused("unknown.avi", "no decoder for an unknown codec (ZQZQ)");
}

// --- damage

struct sound {
    struct source *source;
    struct thread thread;
};

static void hear_sound(void *user)
{
    struct sound *sound = user;
    AVFrame *av = av_frame_alloc();
    unsigned generation;

    while (source_read_audio(sound->source, av, &generation) == SOURCE_OK) {
        assert_true(av->nb_samples > 0 && av->sample_rate > 0);
        av_frame_unref(av);
    }
    av_frame_free(&av);
}

// Whatever comes makes sense. Returns the number of frames; -1: was not opened.
static int play(const char *path, bool seek)
{
    struct sound sound = {.source = source_open(&(struct source_params){.url = path})};
    struct source *s = sound.source;
    int64_t last_ns = INT64_MIN;
    struct frame *f;
    int frames = 0;

    if (!s)
        return -1;
    assert_true(thread_start(&sound.thread, "listener", THREAD_NORMAL, hear_sound, &sound));
    if (seek)
        source_seek(s, rand() % 2500 * NS_PER_MS);
    for (; source_read_video(s, &f) == SOURCE_OK; frames++) {
        const struct deep3d_picture *p = &f->picture;

        assert_true(f->pts_ns > last_ns && f->duration_ns > 0);
        assert_true(p->width > 0 && p->width <= DEEP3D_MAX_SIDE_PX);
        assert_true(p->height > 0 && p->height <= DEEP3D_MAX_SIDE_PX);
        assert_true(p->bits >= 8 && p->bits <= 16 && p->plane[0] && f->aspect > 0);
        assert_true(p->layout != DEEP3D_PLANAR || (p->plane[1] && p->plane[2]));
        last_ns = f->pts_ns;
        source_give_back(s, f);
    }
    thread_join(&sound.thread);
    source_close(&s);
    return frames;
}

static uint8_t *read_file(const char *path, size_t *out_size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes;

    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *out_size = (size_t)ftell(f);
    rewind(f);
    bytes = malloc(*out_size);
    assert_int_equal(fread(bytes, 1, *out_size, f), *out_size);
    fclose(f);
    return bytes;
}

// Flips bytes here and there, or cuts the file, or takes a piece out.
static void damage(uint8_t *bytes, size_t *size, int kind)
{
    size_t at = (size_t)rand() % *size;

    if (kind % 4 == 3) {
        *size = 1 + at;
    } else if (kind % 4 == 2) {
        size_t piece = (size_t)rand() % (*size - at + 1);

        memmove(bytes + at, bytes + at + piece, *size - at - piece);
        *size -= piece;
    } else {
        int count = 1 + rand() % (kind % 4 == 0 ? 5 : 200);

        for (int i = 0; i < count; i++)
            bytes[(size_t)rand() % *size] = (uint8_t)rand();
    }
}

static void damaged_files_do_no_harm(void **state)
{
    static const char *const clips[] = {"d.mp4", "d.mkv", "d.ts",  "d.avi", "d.webm", "d.gif",
                                        "d.flv", "d.mov", "d.jpg", "d.png", "d.ogv"};
    static const char *const how[] = {"-c:v libx264 -c:a aac -movflags +faststart",
                                      "-c:v libx265 -x265-params log-level=error",
                                      "-c:v mpeg2video -c:a mp2",
                                      "-c:v mjpeg -c:a pcm_s16le",
                                      "-c:v libvpx-vp9 -cpu-used 8",
                                      "",
                                      "-c:v flv",
                                      "-c:v prores -c:a alac",
                                      "-frames:v 1 -an",
                                      "-frames:v 1 -an",
                                      "-c:v libtheora -c:a libvorbis"};
    int opened = 0, played = 0;

    log_set_sink(hear, NULL);
    for (size_t i = 0; i < sizeof(clips) / sizeof(clips[0]); i++) {
        char *arguments = mem_printf("-f lavfi -i testsrc2=s=96x64:d=2:r=10 -f lavfi -i sine=d=2 "
                                     "%s %s",
                                     how[i], clips[i]);
        char *path = mem_printf("damaged_%s", clips[i]);
        size_t size;
        uint8_t *bytes;

        ffmpeg(arguments);
        assert_true(play(clips[i], false) >= 1);
        for (int kind = 0; kind < 16; kind++) {
            int frames;

            bytes = read_file(clips[i], &size);
            srand(SEED + (unsigned)(i * 100) + (unsigned)kind);
            damage(bytes, &size, kind);
            write_file(path, bytes, size);
            free(bytes);
            frames = play(path, kind >= 8);
            opened += frames >= 0;
            played += frames > 0;
        }
        mem_free(path);
        mem_free(arguments);
    }
    log_set_sink(NULL, NULL);
    printf("of 176 damaged files %d opened and %d showed pictures\n", opened, played);
    assert_true(played > 60);
}

static void a_cut_film_plays_what_it_has(void **state)
{
    static const char *const clips[] = {"whole.mp4", "whole.mkv", "whole.ts"};

    for (int i = 0; i < 3; i++) {
        char *arguments = mem_printf("-f lavfi -i testsrc2=s=160x120:d=8:r=25 -c:v libx264 -g 25 "
                                     "-movflags +faststart %s",
                                     clips[i]);
        size_t size;
        uint8_t *bytes;
        struct source *s;
        struct frame *f;
        int frames = 0;

        ffmpeg(arguments);
        bytes = read_file(clips[i], &size);
        write_file(clips[i], bytes, size / 2);
        free(bytes);
        log_set_sink(hear, NULL);
        lines_said = 0;
        s = source_open(&(struct source_params){.url = clips[i]});
        assert_non_null(s);
        for (; source_read_video(s, &f) == SOURCE_OK; frames++)
            source_give_back(s, f);
        log_set_sink(NULL, NULL);
        printf("%s: %d of 200 pictures; %s\n", clips[i], frames, said);
        assert_true(frames > 70 && frames < 130);
        // a transport stream does not say how long it is meant to be
        assert_int_equal(source_broken(s), i < 2);
        assert_true(i == 2 || strstr(said, "cut short") || lines_said == 2);
        source_close(&s);
        mem_free(arguments);
    }
}

static void what_has_no_picture_left_is_refused(void **state)
{
    size_t size;
    uint8_t *bytes;

    ffmpeg("-f lavfi -i testsrc2=s=160x120:d=1:r=25 -c:v libx264 -movflags +faststart hollow.mp4");
    bytes = read_file("hollow.mp4", &size);
    for (size_t i = 0; i + 4 < size; i++) {
        if (memcmp(bytes + i, "mdat", 4) == 0)
            memset(bytes + i + 4, 0xa5, size - i - 4);
    }
    write_file("hollow.mp4", bytes, size);
    free(bytes);
    refused("hollow.mp4", "damaged");
}

// --- networks

// A web server for one file that hangs up after `piece` bytes of every answer, and for good after
// `answers` of them.
struct server {
    uint8_t *bytes;
    size_t size, piece;
    int answers, listener, port;
    struct thread thread;
};

static void answer(const struct server *server, int client)
{
    char request[4096] = {0}, head[256];
    size_t from = 0, length;
    const char *range;

    if (read(client, request, sizeof(request) - 1) <= 0)
        return;
    range = strstr(request, "Range: bytes=");
    if (range)
        from = strtoull(range + 13, NULL, 10);
    if (from > server->size)
        from = server->size;
    length = server->size - from;
    snprintf(head, sizeof(head),
             "HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\nAccept-Ranges: bytes\r\n"
             "Content-Range: bytes %zu-%zu/%zu\r\n\r\n",
             length, from, server->size - 1, server->size);
    send(client, head, strlen(head), MSG_NOSIGNAL);
    send(client, server->bytes + from, length < server->piece ? length : server->piece,
         MSG_NOSIGNAL);
}

static void serve(void *user)
{
    struct server *server = user;

    for (int i = 0; i < server->answers; i++) {
        int client = accept(server->listener, NULL, NULL);

        if (client < 0)
            break;
        answer(server, client);
        close(client);
    }
    close(server->listener);
}

static char *serve_begin(struct server *server, const char *path)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);

    server->bytes = read_file(path, &server->size);
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(server->listener, 8), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &length), 0);
    server->port = ntohs(address.sin_port);
    assert_true(thread_start(&server->thread, "server", THREAD_NORMAL, serve, server));
    return mem_printf("http://127.0.0.1:%d/%s", server->port, path);
}

static void serve_end(struct server *server)
{
    shutdown(server->listener, SHUT_RDWR);
    thread_join(&server->thread);
    free(server->bytes);
}

static int count_frames(struct source *s)
{
    struct frame *f;
    int frames = 0;

    for (; source_read_video(s, &f) == SOURCE_OK; frames++)
        source_give_back(s, f);
    return frames;
}

static void a_server_may_hang_up(void **state)
{
    // first it is asked for the rest again and again, then it is gone
    for (int gone = 0; gone < 2; gone++) {
        struct server server = {.piece = 60000, .answers = gone ? 2 : 1000};
        struct source *s;
        char *url;
        int frames;

        ffmpeg("-f lavfi -i testsrc2=s=160x120:d=8:r=25 -c:v mpeg4 -q:v 3 web.mkv");
        url = serve_begin(&server, "web.mkv");
        assert_true(server.size > 3 * server.piece);
        log_set_sink(hear, NULL);
        s = source_open(&(struct source_params){.url = url});
        assert_non_null(s);
        frames = count_frames(s);
        log_set_sink(NULL, NULL);
        printf("%d pictures from the net; %s\n", frames, gone ? said : "");
        assert_true(gone ? frames > 0 && frames < 200 : frames == 200);
        assert_int_equal(source_broken(s), gone);
        source_close(&s);
        serve_end(&server);
        mem_free(url);
    }
}

static atomic_bool given_up;

static void give_up(void *user)
{
    clock_sleep_until_ns(clock_now_ns() + 200 * NS_PER_MS);
    given_up = true;
}

// Nobody ever writes to this pipe; this server takes the call and is silent.
static void opening_can_be_given_up(void **state)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    char *urls[2] = {mem_strdup("silent.pipe")};

    unlink(urls[0]);
    assert_int_equal(mkfifo(urls[0], 0600), 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    urls[1] = mem_printf("http://127.0.0.1:%d/film.mkv", ntohs(address.sin_port));
    for (int i = 0; i < 2; i++) {
        struct thread impatient = {0};
        int64_t begin_ns = clock_now_ns();

        given_up = false;
        lines_said = 0;
        log_set_sink(hear, NULL);
        assert_true(thread_start(&impatient, "impatient", THREAD_NORMAL, give_up, NULL));
        assert_null(source_open(&(struct source_params){.url = urls[i], .give_up = &given_up}));
        log_set_sink(NULL, NULL);
        assert_true(clock_now_ns() - begin_ns < 5 * NS_PER_S);
        assert_int_equal(lines_said, 0);
        thread_join(&impatient);
        mem_free(urls[i]);
    }
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_can_be_given_up),
        cmocka_unit_test(files_that_are_no_film),
        cmocka_unit_test(urls_that_lead_nowhere),
        cmocka_unit_test(sound_alone_is_no_film),
        cmocka_unit_test(absurd_sizes),
        cmocka_unit_test(a_decoder_that_is_not_there),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(a_cut_film_plays_what_it_has),
        cmocka_unit_test(what_has_no_picture_left_is_refused),
        cmocka_unit_test(a_server_may_hang_up),
    };

    printf("seed %u\n", SEED);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
