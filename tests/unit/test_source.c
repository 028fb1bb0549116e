// Films: every picture once and in time, exact seeks, stopping, damage, and what is no film.
//
// The clips carry their picture's number in their brightness, so that a picture tells where it
// belongs.
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
#define FPS 25
#define FRAMES 200
#define FRAME_NS (NS_PER_S / FPS)
// picture N has luma 16 + N, all over; sound is a tone
#define COUNTER                                                                                    \
    "-f lavfi -i color=black:s=64x64:r=25:d=8,format=yuv420p,geq=lum=16+N:cb=128:cr=128 "          \
    "-f lavfi -i sine=d=8:r=44100 "
#define H264 "-c:v libx264 -qp 0 -g 40 -bf 3 "

static struct source *open_url(const char *url)
{
    struct source *s = source_open(&(struct source_params){.url = url});

    if (!s)
        printf("cannot open %s\n", url);
    assert_non_null(s);
    return s;
}

static int number_of(const struct frame *f)
{
    return f->picture.plane[0][f->picture.stride_bytes[0] * 32 + 32] - 16;
}

// --- what the sound does meanwhile

struct listener {
    struct source *source;
    struct thread thread;
    double seconds;
    int64_t first_ns, end_ns, longest_gap_ns;
    unsigned generation;
};

static void listen(void *user)
{
    struct listener *l = user;
    AVFrame *av = av_frame_alloc();
    enum source_result result;

    l->first_ns = CLOCK_NONE;
    while ((result = source_read_audio(l->source, av, &l->generation)) == SOURCE_OK) {
        int64_t lasts_ns = av->nb_samples * NS_PER_S / av->sample_rate;

        if (l->first_ns == CLOCK_NONE)
            l->first_ns = l->end_ns = av->pts;
        if (llabs(av->pts - l->end_ns) > l->longest_gap_ns)
            l->longest_gap_ns = llabs(av->pts - l->end_ns);
        l->end_ns = av->pts + lasts_ns;
        l->seconds += (double)lasts_ns / NS_PER_S;
        av_frame_unref(av);
    }
    av_frame_free(&av);
}

static void listen_begin(struct listener *l, struct source *s)
{
    *l = (struct listener){.source = s};
    assert_true(thread_start(&l->thread, "listener", THREAD_NORMAL, listen, l));
}

static void listen_end(struct listener *l)
{
    thread_join(&l->thread);
}

// --- reading to the end

struct watched {
    int frames, out_of_order, gaps, wrong_pictures;
    int64_t first_ns, end_ns;
};

// Frames follow each other without gaps or overlaps. step: picture numbers from one to the next.
static struct watched watch(struct source *s, int step)
{
    struct watched w = {0};
    struct frame *f;
    int number = -1;

    while (source_read_video(s, &f) == SOURCE_OK) {
        if (w.frames == 0)
            w.first_ns = f->pts_ns;
        else
            w.gaps += f->pts_ns != w.end_ns;
        w.out_of_order += f->duration_ns <= 0;
        w.wrong_pictures += step > 0 && number >= 0 && number_of(f) != number + step;
        number = number_of(f);
        w.end_ns = f->pts_ns + f->duration_ns;
        w.frames++;
        source_give_back(s, f);
    }
    return w;
}

static void assert_within(int64_t value, int64_t want, int64_t within)
{
    if (llabs(value - want) > within)
        printf("%.4f is not %.4f\n", (double)value / 1e9, (double)want / 1e9);
    assert_true(llabs(value - want) <= within);
}

struct clip {
    const char *name, *make;
};

static const struct clip clips[] = {
    {"counter.mp4", COUNTER H264 "-c:a aac"},
    {"counter.mkv", "-i counter.mp4 -c copy"},
    {"counter.ts", "-i counter.mp4 -c copy"},
    {"counter.webm", "-i counter.mp4 -c:v libvpx -crf 4 -b:v 2M -cpu-used 8 -deadline realtime "
                     "-c:a libopus"},
    {"counter.avi", COUNTER "-c:v ffv1 -c:a mp3"},
    {"counter.mpg", "-i counter.mp4 -c:v mpeg2video -q:v 1 -bf 2 -g 30 -c:a mp2"},
    {"counter.h264", "-i counter.mp4 -c:v copy -an"},
    {"counter.flv", "-i counter.mp4 -c:v copy -c:a aac"},
    {"counter.m3u8", "-i counter.mp4 -c copy -hls_time 2 -hls_list_size 0"},
};
#define CLIPS (sizeof(clips) / sizeof(clips[0]))

static int make_clips(void **state)
{
    for (size_t i = 0; i < CLIPS; i++) {
        char *arguments = mem_printf("%s %s", clips[i].make, clips[i].name);

        ffmpeg(arguments);
        mem_free(arguments);
    }
    return 0;
}

// VP8, MPEG-2 and their kind do not keep brightness to the bit.
static bool exact(const char *name)
{
    return !strstr(name, ".webm") && !strstr(name, ".mpg");
}

static void every_picture_once_and_in_time(void **state)
{
    for (size_t i = 0; i < CLIPS; i++) {
        struct source *s = open_url(clips[i].name);
        struct listener l;
        struct watched w;
        struct source_counts counts;

        listen_begin(&l, s);
        w = watch(s, exact(clips[i].name) ? 1 : 0);
        listen_end(&l);
        counts = source_counts(s);
        printf("%s: %d pictures, %.3f..%.3f s; sound %.3f s from %.3f\n", clips[i].name, w.frames,
               (double)w.first_ns / 1e9, (double)w.end_ns / 1e9, l.seconds,
               (double)l.first_ns / 1e9);
        assert_int_equal(w.frames, FRAMES);
        assert_int_equal(w.out_of_order + w.gaps + w.wrong_pictures, 0);
        assert_within(w.end_ns - w.first_ns, 8 * NS_PER_S, 50 * NS_PER_MS);
        assert_within(w.first_ns, 0, 60 * NS_PER_MS);
        assert_int_equal(counts.frames_decoded, FRAMES);
        assert_int_equal(counts.packets_damaged, 0);
        assert_false(source_broken(s));
        if (source_info(s)->sound_count > 0) {
            assert_true(fabs(l.seconds - 8) < 0.1);
            assert_true(l.longest_gap_ns < 30 * NS_PER_MS);
        }
        source_close(&s);
        assert_null(s);
    }
}

static void info_says_what_it_is(void **state)
{
    struct source *s = open_url("counter.mp4");
    const struct source_info *info = source_info(s);

    assert_string_equal(info->url, "counter.mp4");
    assert_string_equal(info->video_codec, "h264");
    assert_string_equal(info->sounds[0].codec, "aac");
    assert_int_equal(info->width, 64);
    assert_int_equal(info->height, 64);
    assert_true(info->aspect == 1);
    assert_true(fabs(info->frames_per_s - FPS) < 0.01);
    assert_within(info->duration_ns, 8 * NS_PER_S, 50 * NS_PER_MS);
    assert_int_equal(info->frames, FRAMES);
    assert_false(info->image);
    assert_true(info->seekable);
    assert_int_equal(info->sounds[0].rate_hz, 44100);
    assert_int_equal(info->sounds[0].channels, 1);
    source_close(&s);
    s = source_open(&(struct source_params){.url = "counter.mp4", .no_audio = true});
    assert_int_equal(source_info(s)->sound_count, 0);
    source_close(&s);
}

// --- seeks

// When each picture begins, by reading the whole film.
static void read_times(struct source *s, int64_t times[FRAMES])
{
    struct frame *f;
    int n = 0;

    for (; source_read_video(s, &f) == SOURCE_OK; n++) {
        assert_true(n < FRAMES);
        times[n] = f->pts_ns;
        source_give_back(s, f);
    }
    assert_int_equal(n, FRAMES);
}

// Seeks to pos_ns and checks that picture `want` and its successors come.
static void assert_lands(struct source *s, const char *name, const int64_t times[FRAMES],
                         int64_t pos_ns, int want)
{
    unsigned generation = source_seek(s, pos_ns);

    for (int n = want; n < want + 3 && n < FRAMES; n++) {
        struct frame *f;
        bool right;

        assert_int_equal(source_read_video(s, &f), SOURCE_OK);
        assert_int_equal(f->generation, generation);
        right = llabs(f->pts_ns - times[n]) < 2 * NS_PER_MS && (!exact(name) || number_of(f) == n);
        if (!right)
            printf("%s: seek to %.4f s gave picture %d at %.4f s, not %d at %.4f s\n", name,
                   (double)pos_ns / 1e9, number_of(f), (double)f->pts_ns / 1e9, n,
                   (double)times[n] / 1e9);
        assert_true(right);
        source_give_back(s, f);
    }
}

static void seeks_are_exact(void **state)
{
    int64_t times[FRAMES];

    srand(SEED);
    for (size_t i = 0; i < CLIPS; i++) {
        const char *name = clips[i].name;
        struct source *s = open_url(name);

        assert_true(source_info(s)->seekable);
        source_ignore_audio(s);
        read_times(s, times);
        assert_true(source_windable(s));
        for (int k = 0; k < 12; k++) {
            int n = rand() % FRAMES;

            // half a picture late, so that rounded time stamps are no matter
            assert_lands(s, name, times, times[n] + FRAME_NS / 2, n);
        }
        assert_lands(s, name, times, 0, 0);
        // program streams have too few stamps: near the end it is FFmpeg's guess that is found
        if (!strstr(name, ".mpg"))
            assert_lands(s, name, times, times[FRAMES - 1] + FRAME_NS / 2, FRAMES - 1);
        source_close(&s);
    }
}

static void seeking_outside_stays_inside(void **state)
{
    struct source *s = open_url("counter.mp4");
    int64_t times[FRAMES];
    struct frame *f;

    source_ignore_audio(s);
    read_times(s, times);
    assert_lands(s, "counter.mp4", times, -5 * NS_PER_S, 0);
    assert_lands(s, "counter.mp4", times, 100 * NS_PER_S, FRAMES - 1);
    assert_int_equal(source_read_video(s, &f), SOURCE_END);
    assert_int_equal(source_read_video(s, &f), SOURCE_END);
    // after the end, back to life
    assert_lands(s, "counter.mp4", times, 3 * NS_PER_S + FRAME_NS / 2, 75);
    source_close(&s);
    s = open_url("lavfi:testsrc2=d=1:s=64x64");
    assert_false(source_info(s)->seekable);
    assert_int_equal(source_seek(s, NS_PER_S), 0);
    assert_int_equal(watch(s, 0).frames, 25);
    source_close(&s);
}

static void sound_follows_seeks(void **state)
{
    static const char *const names[] = {"counter.mp4", "counter.mkv", "counter.ts", "counter.avi"};

    for (int i = 0; i < 4; i++) {
        struct source *s = open_url(names[i]);
        unsigned generation = source_seek(s, 5 * NS_PER_S);
        struct listener l;
        struct watched w;

        listen_begin(&l, s);
        w = watch(s, 1);
        listen_end(&l);
        assert_int_equal(l.generation, generation);
        assert_true(w.frames >= 75 && w.frames <= 76);
        assert_within(l.first_ns, 5 * NS_PER_S - 15 * NS_PER_MS, 45 * NS_PER_MS);
        assert_true(l.seconds > 2.9 && l.seconds < 3.2);
        source_close(&s);
    }
}

struct seeker {
    struct source *source;
    int seeks;
    _Atomic unsigned newest, seen; // generations: asked for, and read
};

static void seek_about(void *user)
{
    struct seeker *k = user;

    for (int i = 0; i < k->seeks; i++) {
        k->newest = source_seek(k->source, rand() % 9000 * NS_PER_MS);
        clock_sleep_until_ns(clock_now_ns() + rand() % 12 * NS_PER_MS);
        // now and then it is given the time to land
        for (int ms = 0; i % 5 == 0 && ms < 5000 && k->seen != k->newest; ms++)
            clock_sleep_until_ns(clock_now_ns() + NS_PER_MS);
    }
    source_stop(k->source);
}

static void seeks_while_others_read(void **state)
{
    static const char *const names[] = {"counter.mkv", "counter.mp4", "counter.ts"};

    for (int i = 0; i < 3; i++) {
        struct source *s = source_open(
            &(struct source_params){.url = names[i], .lookahead_frames = 3, .threads = 2});
        struct seeker k = {.source = s, .seeks = 60};
        struct listener l;
        struct thread thread = {0};
        enum source_result result;
        struct frame *f;
        unsigned generation = 0;
        int frames = 0;

        listen_begin(&l, s);
        assert_true(thread_start(&thread, "seeker", THREAD_NORMAL, seek_about, &k));
        while ((result = source_read_video(s, &f)) != SOURCE_STOPPED) {
            if (result == SOURCE_END) {
                sched_yield();
                continue;
            }
            assert_true(f->generation >= generation);
            generation = k.seen = f->generation;
            frames++;
            source_give_back(s, f);
        }
        thread_join(&thread);
        listen_end(&l);
        printf("%s: %d pictures between %d seeks, %lld stale\n", names[i], frames, k.seeks,
               (long long)source_counts(s).frames_stale);
        assert_int_equal(k.newest, 60);
        assert_true(frames > 10);
        source_close(&s);
    }
}

// --- bounds and stops

static void look_ahead_is_bounded(void **state)
{
    struct source *s = source_open(
        &(struct source_params){.url = "counter.mp4", .lookahead_frames = 5, .no_audio = true});
    struct frame *f[20];

    for (int i = 0; i < 1000 && source_counts(s).frames_decoded < 5; i++)
        clock_sleep_until_ns(clock_now_ns() + 10 * NS_PER_MS);
    clock_sleep_until_ns(clock_now_ns() + 100 * NS_PER_MS);
    assert_int_equal(source_counts(s).frames_decoded, 5);
    // a reader may keep more than the queue holds
    for (int i = 0; i < 20; i++)
        assert_int_equal(source_read_video(s, &f[i]), SOURCE_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(number_of(f[i]), i);
    for (int i = 0; i < 20; i++)
        source_give_back(s, f[i]);
    assert_int_equal(watch(s, 1).frames, FRAMES - 20);
    source_close(&s);
}

static void stop_later(void *user)
{
    clock_sleep_until_ns(clock_now_ns() + 150 * NS_PER_MS);
    source_stop(user);
}

static void stop_wakes_readers(void **state)
{
    static const char *const urls[] = {
        "counter.mp4", // ended: reader of sound waits for pictures
        "lavfi:color=s=64x64:r=4:d=60,realtime=limit=60", // a live source that is slow
    };

    for (int i = 0; i < 2; i++) {
        struct source *s = open_url(urls[i]);
        struct thread thread = {0};
        int64_t begin_ns = clock_now_ns();
        struct frame *f;
        enum source_result result;
        struct listener l;

        listen_begin(&l, s);
        assert_true(thread_start(&thread, "stopper", THREAD_NORMAL, stop_later, s));
        while ((result = source_read_video(s, &f)) == SOURCE_OK)
            source_give_back(s, f);
        while (source_read_video(s, &f) != SOURCE_STOPPED)
            sched_yield();
        listen_end(&l);
        thread_join(&thread);
        source_close(&s);
        assert_true(clock_now_ns() - begin_ns < 3 * NS_PER_S);
    }
}

static atomic_bool pipe_done;

static void write_pipe(void *user)
{
    uint8_t bytes[40000];
    FILE *from = fopen("counter.ts", "rb");
    size_t size = fread(bytes, 1, sizeof(bytes), from);
    int to = open("pipe.ts", O_WRONLY);

    fclose(from);
    assert_int_equal(write(to, bytes, size), (ssize_t)size);
    // the writer falls silent, but does not go
    while (!atomic_load(&pipe_done))
        clock_sleep_until_ns(clock_now_ns() + 10 * NS_PER_MS);
    close(to);
}

static void silent_pipes_can_be_stopped(void **state)
{
    struct thread writer = {0}, stopper = {0};
    struct source *s;
    struct frame *f;
    int64_t begin_ns;

    unlink("pipe.ts");
    assert_int_equal(mkfifo("pipe.ts", 0600), 0);
    assert_true(thread_start(&writer, "writer", THREAD_NORMAL, write_pipe, NULL));
    s = source_open(&(struct source_params){.url = "pipe.ts", .no_audio = true});
    assert_non_null(s);
    assert_false(source_info(s)->seekable);
    begin_ns = clock_now_ns();
    assert_true(thread_start(&stopper, "stopper", THREAD_NORMAL, stop_later, s));
    while (source_read_video(s, &f) == SOURCE_OK)
        source_give_back(s, f);
    thread_join(&stopper);
    source_close(&s);
    assert_true(clock_now_ns() - begin_ns < 5 * NS_PER_S);
    atomic_store(&pipe_done, true);
    thread_join(&writer);
}

static void pipes_play_to_their_end(void **state)
{
    FILE *p = popen("cat counter.ts > pipe.ts", "r");
    struct source *s = open_url("pipe.ts");

    source_ignore_audio(s);
    assert_int_equal(watch(s, 1).frames, FRAMES);
    source_close(&s);
    pclose(p);
}

// --- odd films

static void durations_vary(void **state)
{
    struct source *s;
    struct frame *f;
    int n = 0;

    // pictures at 0, 1, 4, 9, 16 ... tenths of a second
    ffmpeg("-f lavfi -i testsrc2=s=64x64:r=10:d=1,settb=1/1000,setpts=N*N*100 -fps_mode vfr "
           "-c:v libx264 -bf 2 varied.mkv");
    s = open_url("varied.mkv");
    for (; source_read_video(s, &f) == SOURCE_OK; n++) {
        assert_within(f->pts_ns, n * n * 100 * NS_PER_MS, NS_PER_MS);
        if (n < 9)
            assert_within(f->duration_ns, (2 * n + 1) * 100 * NS_PER_MS, NS_PER_MS);
        source_give_back(s, f);
    }
    assert_int_equal(n, 10);
    source_close(&s);
}

static void size_and_format_may_change(void **state)
{
    struct source *s;
    struct frame *f;
    int sizes[3] = {0};

    ffmpeg("-f lavfi -i testsrc2=s=64x48:r=25:d=0.4 -c:v libx264 -pix_fmt yuv420p part1.ts");
    ffmpeg("-f lavfi -i testsrc2=s=98x50:r=25:d=0.4 -c:v libx264 -pix_fmt yuv444p10le part2.ts");
    ffmpeg("-f lavfi -i testsrc2=s=32x80:r=25:d=0.4 -c:v libx264 -pix_fmt yuv422p part3.ts");
    assert_int_equal(system("cat part1.ts part2.ts part3.ts > parts.ts"), 0);
    s = open_url("parts.ts");
    while (source_read_video(s, &f) == SOURCE_OK) {
        const struct deep3d_picture *p = &f->picture;
        int part = p->width == 64 ? 0 : p->width == 98 ? 1 : 2;

        sizes[part]++;
        assert_int_equal(p->bits, part == 1 ? 10 : 8);
        assert_int_equal(p->chroma_shift_x, part == 1 ? 0 : 1);
        assert_int_equal(p->chroma_shift_y, part == 0 ? 1 : 0);
        source_give_back(s, f);
    }
    assert_true(sizes[0] == 10 && sizes[1] == 10 && sizes[2] == 10);
    source_close(&s);
}

// Each part's clock starts anew; the film does not.
static void clocks_of_transport_streams_may_jump(void **state)
{
    struct source *s;
    struct watched w;

    ffmpeg("-i counter.ts -c copy -t 2 -output_ts_offset 5000 late.ts");
    ffmpeg("-i counter.ts -c copy -t 2 early.ts");
    assert_int_equal(system("cat late.ts early.ts late.ts > jumps.ts"), 0);
    s = open_url("jumps.ts");
    source_ignore_audio(s);
    w = watch(s, 0);
    printf("jumps: %d pictures in %.2f s\n", w.frames, (double)(w.end_ns - w.first_ns) / 1e9);
    assert_true(w.frames >= 145 && w.frames <= 156);
    assert_int_equal(w.gaps + w.out_of_order, 0);
    assert_true(w.end_ns - w.first_ns < 12 * NS_PER_S);
    source_close(&s);
}

// By a few seconds, as where parts that begin alike are joined: no sound is lost.
static void clocks_of_transport_streams_may_fall_back(void **state)
{
    static const char *const names[] = {"twice.ts", "twice.m3u8"};
    FILE *list = fopen("twice.m3u8", "w");

    fputs("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\ncounter.ts\n"
          "#EXT-X-DISCONTINUITY\n#EXTINF:8,\ncounter.ts\n#EXT-X-ENDLIST\n",
          list);
    fclose(list);
    assert_int_equal(system("cat counter.ts counter.ts > twice.ts"), 0);
    for (int i = 0; i < 2; i++) {
        struct source *s = open_url(names[i]);
        struct listener l;
        struct watched w;

        listen_begin(&l, s);
        w = watch(s, 0);
        listen_end(&l);
        printf("%s: %d pictures up to %.2f s, sound up to %.2f s, gaps up to %.3f s\n", names[i],
               w.frames, (double)w.end_ns / 1e9, (double)l.end_ns / 1e9,
               (double)l.longest_gap_ns / 1e9);
        assert_int_equal(w.frames, 2 * FRAMES);
        assert_within(w.end_ns, 16 * NS_PER_S, 200 * NS_PER_MS);
        assert_within(l.end_ns, 16 * NS_PER_S, 200 * NS_PER_MS);
        assert_true(l.longest_gap_ns < 100 * NS_PER_MS);
        assert_false(source_broken(s));
        assert_true(source_info(s)->seekable);
        assert_false(source_windable(s)); // where its second half lies is not known
        source_close(&s);
    }
}

// Transport stream packets of one PID moved behind all others.
static void write_reordered(const char *from, const char *to, int last_pid)
{
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    uint8_t packet[188];

    for (int pass = 0; pass < 2; pass++) {
        rewind(in);
        while (fread(packet, 188, 1, in) == 1) {
            int pid = (packet[1] & 31) << 8 | packet[2];

            if ((pid == last_pid) == (pass == 1))
                fwrite(packet, 188, 1, out);
        }
    }
    fclose(in);
    fclose(out);
}

static void bad_interleaving_does_not_deadlock(void **state)
{
    ffmpeg("-i counter.ts -c copy -t 4 short.ts");
    for (int last = 0x100; last <= 0x101; last++) { // pictures last, then sound last
        struct source *s;
        struct listener l;
        struct watched w;

        write_reordered("short.ts", "reordered.ts", last);
        s = open_url("reordered.ts");
        listen_begin(&l, s);
        w = watch(s, 0);
        listen_end(&l);
        printf("reordered: %d pictures, %.2f s of sound\n", w.frames, l.seconds);
        assert_true(w.frames >= FRAMES / 2 && w.frames <= FRAMES / 2 + 3);
        assert_true(l.seconds > 3.8);
        source_close(&s);
    }
}

// Nobody asked for the sound and nobody said so: pictures still come.
static void unread_sound_does_not_stop_pictures(void **state)
{
    struct source *s = open_url("counter.mkv");

    assert_int_equal(watch(s, 1).frames, FRAMES);
    source_close(&s);
}

static void images_last_as_long_as_asked(void **state)
{
    static const char *const names[] = {"still.png",  "still.jpg", "still.webp", "still.bmp",
                                        "still.tiff", "still.gif", "pal8.png",   "a 100%d:b.png"};

    ffmpeg("-f lavfi -i testsrc=s=61x47 -frames:v 1 still.png");
    ffmpeg("-i still.png still.jpg -i still.png still.webp");
    ffmpeg("-i still.png still.bmp -i still.png still.tiff");
    ffmpeg("-i still.png still.gif");
    ffmpeg("-i still.png -vf split[a][b],[a]palettegen[p],[b][p]paletteuse pal8.png");
    assert_int_equal(system("cp still.png 'a 100%d:b.png'"), 0);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct source *s = source_open(
            &(struct source_params){.url = names[i], .image_duration_ns = 1234 * NS_PER_MS});
        struct frame *f;

        for (unsigned generation = 0; generation < 3; generation++) {
            assert_int_equal(source_read_video(s, &f), SOURCE_OK);
            assert_int_equal(f->pts_ns, 0);
            assert_int_equal(f->duration_ns, 1234 * NS_PER_MS);
            assert_int_equal(f->generation, generation);
            assert_int_equal(f->picture.width, 61);
            assert_int_equal(f->picture.height, 47);
            source_give_back(s, f);
            assert_int_equal(source_read_video(s, &f), SOURCE_END);
            assert_int_equal(source_seek(s, 500 * NS_PER_MS), generation + 1);
        }
        assert_true(source_info(s)->image || strstr(names[i], ".gif"));
        source_close(&s);
    }
    ffmpeg("-f lavfi -i testsrc2=s=64x64:r=10:d=1 animated.gif");
    {
        struct source *s = open_url("animated.gif");

        assert_int_equal(watch(s, 0).frames, 10);
        source_close(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_picture_once_and_in_time),
        cmocka_unit_test(info_says_what_it_is),
        cmocka_unit_test(seeks_are_exact),
        cmocka_unit_test(seeking_outside_stays_inside),
        cmocka_unit_test(sound_follows_seeks),
        cmocka_unit_test(seeks_while_others_read),
        cmocka_unit_test(look_ahead_is_bounded),
        cmocka_unit_test(stop_wakes_readers),
        cmocka_unit_test(silent_pipes_can_be_stopped),
        cmocka_unit_test(pipes_play_to_their_end),
        cmocka_unit_test(durations_vary),
        cmocka_unit_test(size_and_format_may_change),
        cmocka_unit_test(clocks_of_transport_streams_may_jump),
        cmocka_unit_test(clocks_of_transport_streams_may_fall_back),
        cmocka_unit_test(bad_interleaving_does_not_deadlock),
        cmocka_unit_test(unread_sound_does_not_stop_pictures),
        cmocka_unit_test(images_last_as_long_as_asked),
    };

    printf("seed %u\n", SEED);
    return cmocka_run_group_tests(tests, make_clips, NULL);
}
