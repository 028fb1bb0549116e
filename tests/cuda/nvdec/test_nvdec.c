// Films decoded by a GPU, as the source hands them on.
//
//     nvdec twin              on NVDEC's twin, which fails when it is told to
//     nvdec no-driver         there is no libcuda.so.1
//     nvdec no-decoder        there is no libnvcuvid.so.1
//     nvdec gpu [CLIP ...]    on a GPU: each clip against the CPU's decoder, sample by sample
#include <dlfcn.h>
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
#include "kernels/kernels.h"
#include "tests/cuda/nvdec/nvdec_twin.h"
#include "tests/ffmpeg.h"
#include "viewer/source.h"
#include "viewer/source_gpu.h"

#define SKIPPED 77
#define FPS 25
#define FRAMES 100
#define GROUP 40 // pictures from one that stands alone to the next
#define PICTURE "-f lavfi -i testsrc2=s=320x180:r=25:d=4 -bf 3 -g 40 "

static const struct device *device; // of the GPU, or its twin
static nvdec_twin_fail *fail_as;
static nvdec_twin_count *count;
static char said[4096]; // what was logged, but for traces

static void keep_line(void *user, enum log_level level, const char *line)
{
    size_t length = strlen(said);

    snprintf(said + length, sizeof(said) - length, "%s\n", line);
}

static struct source *open_film(const char *url, bool gpu)
{
    struct source *s =
        source_open(&(struct source_params){.url = url, .no_audio = true, .gpu = gpu});

    if (!s)
        printf("cannot open %s\n%s", url, said);
    assert_non_null(s);
    return s;
}

static bool is_there(const struct frame *f)
{
    return f->picture.memory == DEEP3D_MEMORY_CUDA;
}

// --- on the twin

// What is read to the end of a film.
struct seen {
    int frames, on_gpu, switches; // from one memory to the other
    int wrong;                    // of those on the GPU: not the picture that belongs there
    int64_t first_ns, end_ns;
    int gaps;
};

static int number_on_twin(const struct frame *f)
{
    int bytes = f->picture.bits > 8 ? 2 : 1;

    return f->picture.plane[0][90 * f->picture.stride_bytes[0] + 160 * bytes + bytes - 1] - 16;
}

static void look_at(struct seen *w, const struct frame *f, int number)
{
    static bool before;

    if (w->frames == 0)
        w->first_ns = f->pts_ns;
    else
        w->gaps += f->pts_ns != w->end_ns;
    w->switches += w->frames > 0 && before != is_there(f);
    before = is_there(f);
    w->on_gpu += is_there(f);
    w->wrong += is_there(f) && number >= 0 && number_on_twin(f) != number;
    w->end_ns = f->pts_ns + f->duration_ns;
    w->frames++;
}

// numbered: pictures tell where they belong. Keeps as many as a conversion does.
static struct seen read_film(struct source *s, bool numbered)
{
    struct frame *kept[DEEP3D_FORESIGHT + 1] = {NULL}, *f;
    struct seen w = {0};

    while (source_read_video(s, &f) == SOURCE_OK) {
        look_at(&w, f, numbered ? (int)(f->pts_ns * FPS / NS_PER_S) % GROUP : -1);
        kept[w.frames % (DEEP3D_FORESIGHT + 1)] = f;
        struct frame **oldest = &kept[(w.frames + 1) % (DEEP3D_FORESIGHT + 1)];
        if (*oldest)
            source_give_back(s, *oldest);
        *oldest = NULL;
    }
    for (int i = 0; i <= DEEP3D_FORESIGHT; i++)
        if (kept[i])
            source_give_back(s, kept[i]);
    return w;
}

// A film of FRAMES pictures, on the GPU in the beginning and, where there are switches, not to the
// end; closes it.
static void assert_whole(struct source *s, struct seen w, int switches)
{
    printf("%d frames, %d on the GPU, %d switches\n%s", w.frames, w.on_gpu, w.switches, said);
    assert_int_equal(w.frames, FRAMES);
    assert_int_equal(w.gaps, 0);
    assert_int_equal(w.wrong, 0);
    assert_int_equal(w.switches, switches);
    assert_int_equal(source_counts(s).packets_damaged, 0);
    assert_false(source_broken(s));
    source_close(&s);
    assert_int_equal(count().decoders, 0);
    assert_int_equal(count().mapped, 0);
}

static int begin(void **state)
{
    (*fail_as)(&(struct nvdec_twin_faults){0});
    said[0] = '\0';
    return 0;
}

static void every_picture_in_its_place(void **state)
{
    struct source *s = open_film("h264.mkv", true);
    struct seen w = read_film(s, true);

    assert_int_equal(source_counts(s).frames_on_gpu, FRAMES);
    assert_int_equal(source_info(s)->bits, 8);
    assert_whole(s, w, 0);
    assert_int_equal(w.on_gpu, FRAMES);
    assert_true(count().mapped_most <= SOURCE_GPU_FRAMES + 1); // one is FFmpeg's
}

static void every_codec(void **state)
{
    static const struct {
        const char *name;
        int bits, shift;
        bool on_gpu;
    } clips[] = {{"hevc.mkv", 8, 0, true}, {"hevc10.mkv", 10, 6, true}, {"vp9.mkv", 8, 0, true},
                 {"av1.mkv", 8, 0, true},  {"vp8.mkv", 8, 0, true},     {"mpeg2.mkv", 8, 0, false},
                 {"ffv1.mkv", 8, 0, false}};

    for (size_t i = 0; i < sizeof(clips) / sizeof(clips[0]); i++) {
        struct source *s = open_film(clips[i].name, true);
        struct frame *f;
        struct seen w;

        printf("%s: ", clips[i].name);
        assert_int_equal(source_read_video(s, &f), SOURCE_OK);
        assert_int_equal(is_there(f), clips[i].on_gpu);
        assert_int_equal(f->picture.width, 320);
        assert_int_equal(f->picture.height, 180);
        assert_int_equal(f->picture.bits, clips[i].bits);
        assert_int_equal(f->picture.shift, clips[i].shift);
        assert_int_equal(f->picture.layout == DEEP3D_SEMI_PLANAR, clips[i].on_gpu);
        source_give_back(s, f);
        w = read_film(s, false);
        w.frames++;
        assert_int_equal(w.on_gpu, clips[i].on_gpu ? FRAMES - 1 : 0);
        assert_whole(s, w, 0);
    }
    assert_string_equal(said, "");
}

// One line, and the CPU from the first picture on.
static void what_it_does_not_take(void **state)
{
    static const char *const clips[] = {"h264_10.mkv", "hevc10.mkv", "h264.mkv", "av1.mkv"};
    static const struct nvdec_twin_faults faults[] = {
        {0}, {.max_bits = 8}, {.max_width = 300}, {.max_width = 300}};

    for (int i = 0; i < 4; i++) {
        struct source *s;
        struct seen w;

        begin(state);
        (*fail_as)(&faults[i]);
        s = open_film(clips[i], true);
        w = read_film(s, false);
        assert_int_equal(w.on_gpu, 0);
        assert_whole(s, w, 0);
        assert_non_null(strstr(said, "is decoded by the CPU: the GPU's decoder does not take it"));
        assert_ptr_equal(strchr(said, '\n') + 1, said + strlen(said));
    }
}

// In the middle of the film: what is not read yet comes again, and every picture is there once.
static void what_it_fails_at(void **state)
{
    static const struct nvdec_twin_faults faults[] = {
        {.decode_at = 30}, {.map_at = 55}, {.decode_at = 1}, {.decode_at = FRAMES}};

    for (int i = 0; i < 4; i++) {
        struct source *s;
        struct seen w;

        begin(state);
        (*fail_as)(&faults[i]);
        s = open_film("h264.mkv", true);
        w = read_film(s, true);
        assert_non_null(strstr(said, "is decoded by the CPU: the GPU's decoder failed"));
        assert_int_equal(strstr(said, "from here on") != NULL, i != 2);
        assert_whole(s, w, i != 2);
    }
}

// What cannot be wound goes on at the next picture that stands alone.
static void a_pipe_goes_on(void **state)
{
    struct source *s;
    struct seen w;
    FILE *writer;

    (*fail_as)(&(struct nvdec_twin_faults){.decode_at = 30});
    unlink("pipe.ts");
    assert_int_equal(mkfifo("pipe.ts", 0600), 0);
    writer = popen("cat h264.ts >pipe.ts", "r");
    s = open_film("pipe.ts", true);
    assert_false(source_info(s)->seekable);
    w = read_film(s, false);
    printf("%d frames, %d on the GPU\n", w.frames, w.on_gpu);
    source_close(&s);
    pclose(writer);
    assert_true(w.on_gpu > 20 && w.on_gpu < 30);
    assert_true(w.frames >= w.on_gpu + FRAMES - GROUP);
}

static void another_size_in_the_middle(void **state)
{
    struct source *s;
    struct frame *f;
    int large = 0, small = 0;

    (*fail_as)(&(struct nvdec_twin_faults){.max_width = 400});
    s = open_film("grows.ts", true);
    while (source_read_video(s, &f) == SOURCE_OK) {
        assert_int_equal(is_there(f), f->picture.width == 320);
        *(f->picture.width == 320 ? &small : &large) += 1;
        source_give_back(s, f);
    }
    printf("%d small, %d large\n%s", small, large, said);
    assert_int_equal(small, FRAMES);
    assert_int_equal(large, FRAMES);
    assert_non_null(strstr(said, "does not take it"));
    source_close(&s);
}

static void seeks(void **state)
{
    struct source *s = open_film("h264.mkv", true);

    srand(20261127);
    for (int i = 0; i < 30; i++) {
        int to = rand() % FRAMES;
        unsigned generation = source_seek(s, to * NS_PER_S / FPS);
        struct frame *f;

        do {
            assert_int_equal(source_read_video(s, &f), SOURCE_OK);
            if (f->generation == generation)
                break;
            source_give_back(s, f);
        } while (true);
        assert_true(is_there(f));
        assert_int_equal(f->pts_ns, to * NS_PER_S / FPS);
        assert_int_equal(number_on_twin(f), to % GROUP);
        source_give_back(s, f);
    }
    source_seek(s, 0);
    source_close(&s);
    assert_int_equal(count().mapped, 0);
}

// A conversion that has left the GPU gets what it could not use once more.
static void the_reader_leaves(void **state)
{
    struct source *s = open_film("h264.mkv", true);
    struct seen w = {0};
    struct frame *f;

    for (int i = 0; i < 20; i++) {
        assert_int_equal(source_read_video(s, &f), SOURCE_OK);
        look_at(&w, f, i);
        source_give_back(s, f);
    }
    assert_int_equal(w.on_gpu, 20);
    source_leave_gpu(s, 15 * NS_PER_S / FPS);
    source_leave_gpu(s, 0); // once is enough
    w = read_film(s, false);
    assert_int_equal(w.first_ns, 15 * NS_PER_S / FPS);
    assert_int_equal(w.on_gpu, 0);
    w.frames += 15;
    assert_whole(s, w, 0);
}

static void make_clips(void)
{
    ffmpeg(PICTURE "-c:v libx264 -preset ultrafast h264.mkv");
    ffmpeg(PICTURE "-c:v libx264 -preset ultrafast h264.ts");
    ffmpeg(PICTURE "-c:v libx264 -preset ultrafast -pix_fmt yuv420p10 h264_10.mkv");
    ffmpeg(PICTURE "-c:v libx265 -preset ultrafast -x265-params log-level=error hevc.mkv");
    ffmpeg(PICTURE "-c:v libx265 -preset ultrafast -x265-params log-level=error "
                   "-pix_fmt yuv420p10 hevc10.mkv");
    ffmpeg("-f lavfi -i testsrc2=s=320x180:r=25:d=4 -c:v libvpx -deadline realtime -cpu-used 8 "
           "-auto-alt-ref 0 vp8.mkv");
    ffmpeg("-f lavfi -i testsrc2=s=320x180:r=25:d=4 -c:v libvpx-vp9 -deadline realtime "
           "-cpu-used 8 vp9.mkv");
    ffmpeg("-f lavfi -i testsrc2=s=320x180:r=25:d=4 -c:v libaom-av1 -cpu-used 8 "
           "-usage realtime av1.mkv");
    ffmpeg(PICTURE "-c:v mpeg2video mpeg2.mkv");
    ffmpeg("-f lavfi -i testsrc2=s=320x180:r=25:d=4 -c:v ffv1 -pix_fmt yuv420p ffv1.mkv");
    ffmpeg("-f lavfi -i testsrc2=s=640x360:r=25:d=4 -bf 3 -g 40 -c:v libx264 -preset ultrafast "
           "-output_ts_offset 4 larger.ts");
    assert_int_equal(system("cat h264.ts larger.ts >grows.ts"), 0);
}

static bool find_twin(void)
{
    void *twin = dlopen("libnvcuvid.so.1", RTLD_NOW);

    if (twin) {
        *(void **)&fail_as = dlsym(twin, "nvdec_twin_set_faults");
        *(void **)&count = dlsym(twin, "nvdec_twin_get_counts");
    }
    return fail_as && count;
}

static int on_twin(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_picture_in_its_place, begin),
        cmocka_unit_test_setup(every_codec, begin),
        cmocka_unit_test_setup(what_it_does_not_take, begin),
        cmocka_unit_test_setup(what_it_fails_at, begin),
        cmocka_unit_test_setup(a_pipe_goes_on, begin),
        cmocka_unit_test_setup(another_size_in_the_middle, begin),
        cmocka_unit_test_setup(seeks, begin),
        cmocka_unit_test_setup(the_reader_leaves, begin),
    };

    if (!find_twin()) {
        puts("NVDEC's twin is not in LD_LIBRARY_PATH");
        return 1;
    }
    make_clips();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// --- without a part of the driver

static void the_cpu_decodes(void **state)
{
    struct source *s = open_film("without.mkv", true);
    struct seen w = read_film(s, false);

    fputs(said, stdout);
    assert_int_equal(w.frames, FRAMES);
    assert_int_equal(w.on_gpu, 0);
    assert_int_equal(source_counts(s).packets_damaged, 0);
    assert_non_null(strstr(said, "is decoded by the CPU: "));
    source_close(&s);
}

static int without(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_cpu_decodes)};

    ffmpeg(PICTURE "-c:v libx264 -preset ultrafast without.mkv");
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// --- against the CPU's decoder

// A plane of the picture in the host's memory, rows without gaps.
static uint8_t *fetch(const struct deep3d_picture *p, int plane, size_t row_bytes, int rows)
{
    uint8_t *to = malloc(row_bytes * (size_t)rows);

    if (p->memory == DEEP3D_MEMORY_CUDA)
        device->download_rows(to, row_bytes, p->plane[plane], (size_t)p->stride_bytes[plane],
                              row_bytes, rows);
    else
        for (int y = 0; y < rows; y++)
            memcpy(to + (size_t)y * row_bytes, p->plane[plane] + y * p->stride_bytes[plane],
                   row_bytes);
    assert_true(device->wait());
    return to;
}

static int sample(const uint8_t *row, int index, const struct deep3d_picture *p)
{
    return p->bits > 8 ? ((const uint16_t *)(const void *)row)[index] >> p->shift : row[index];
}

// How many samples of a component (0: Y, 1: U, 2: V) differ. Both 4:2:0.
static long differing(const struct deep3d_picture *a, const struct deep3d_picture *b, int component)
{
    const struct deep3d_picture *both[2] = {a, b};
    int w = component ? (a->width + 1) / 2 : a->width,
        h = component ? (a->height + 1) / 2 : a->height;
    uint8_t *planes[2];
    size_t row_bytes[2];
    int step[2], first[2];
    long count_differing = 0;

    for (int i = 0; i < 2; i++) {
        bool pairs = component > 0 && both[i]->layout == DEEP3D_SEMI_PLANAR;

        step[i] = pairs ? 2 : 1;
        first[i] = pairs ? component - 1 : 0;
        row_bytes[i] = (size_t)(w * step[i] * (both[i]->bits > 8 ? 2 : 1));
        planes[i] = fetch(both[i], pairs ? 1 : component, row_bytes[i], h);
    }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            count_differing +=
                sample(planes[0] + (size_t)y * row_bytes[0], x * step[0] + first[0], a) !=
                sample(planes[1] + (size_t)y * row_bytes[1], x * step[1] + first[1], b);
    free(planes[0]);
    free(planes[1]);
    return count_differing;
}

// Returns the frames that the GPU has decoded; all of them are the same as the CPU's.
static int compare(const char *clip)
{
    struct source *there = open_film(clip, true), *here = open_film(clip, false);
    struct frame *a, *b;
    int frames = 0, on_gpu = 0;
    long wrong = 0;

    while (source_read_video(there, &a) == SOURCE_OK) {
        assert_int_equal(source_read_video(here, &b), SOURCE_OK);
        assert_int_equal(a->pts_ns, b->pts_ns);
        assert_int_equal(a->picture.width, b->picture.width);
        assert_int_equal(a->picture.height, b->picture.height);
        for (int i = 0; i < 3 && is_there(a); i++)
            wrong += differing(&a->picture, &b->picture, i);
        frames++;
        on_gpu += is_there(a);
        source_give_back(there, a);
        source_give_back(here, b);
    }
    assert_int_equal(source_read_video(here, &b), SOURCE_END);
    printf("%s: %d of %d frames by the GPU, %ld samples differ\n", clip, on_gpu, frames, wrong);
    assert_int_equal(wrong, 0);
    source_close(&there);
    source_close(&here);
    return on_gpu;
}

static char **clips;

static void the_same_as_the_cpu(void **state)
{
    int decoded = 0;

    for (int i = 0; clips[i]; i++)
        decoded += compare(clips[i]);
    assert_true(decoded > 0);
}

static int on_gpu(char **argv)
{
    static char *own[] = {"h264.mkv", "hevc.mkv", "hevc10.mkv", "vp8.mkv",
                          "vp9.mkv",  "av1.mkv",  NULL};
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_as_the_cpu)};

    log_set_sink(NULL, NULL);
    log_set_level(LOG_DEBUG); // what FFmpeg says
    clips = argv[0] ? argv : own;
    if (!argv[0])
        make_clips();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 ? argv[1] : "";
    const struct kernels *column;
    char text[256];
    int index;

    log_set_sink(keep_line, NULL);
    column = kernels_gpu(NULL, &index, text, sizeof(text));
    puts(text);
    if (!column)
        return SKIPPED;
    device = column->device;
    device->enter(index);
    if (strcmp(mode, "twin") == 0)
        return on_twin();
    return strcmp(mode, "gpu") == 0 ? on_gpu(argv + 2) : without();
}
