// `deep3d convert` against its own stages. Each stage alone, first on one thread and then on all
// cores: decoding, conversion, encoding. Then the program as a person starts it, in which they
// overlap; its whole time counts, from start to the finished file.
#include <cjson/cJSON.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/deep3d.h"
#include "tests/bench/bench.h"
#include "viewer/film_encoder.h"
#include "viewer/source.h"
#include "viewer/stereo_pack.h"

#define FRAMES_DEFAULT 96
#define FRAMES_MAX 1000

extern char **environ;

// Of each frame, on average.
struct stages {
    double decode_ms, convert_ms, encode_ms;    // by the clock
    double decode_cpu, convert_cpu, encode_cpu; // of all threads, in ms
};

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / NS_PER_MS;
}

static double now_ms(void)
{
    return (double)clock_now_ns() / NS_PER_MS;
}

static struct source *open_source(const char *clip, int threads)
{
    return source_open(&(struct source_params){.url = clip, .threads = threads, .no_audio = true});
}

// Frames decoded, at most `frames`; 0: none could be.
static int measure_decode(const char *clip, int threads, int frames, struct stages *out)
{
    double start = now_ms(), cpu = cpu_ms();
    struct source *source = open_source(clip, threads);
    struct frame *frame;
    int count = 0;

    while (source && count < frames && source_read_video(source, &frame) == SOURCE_OK) {
        source_give_back(source, frame);
        count++;
    }
    source_close(&source);
    out->decode_ms = (now_ms() - start) / count;
    out->decode_cpu = (cpu_ms() - cpu) / count;
    return count;
}

// The eyes of each frame, packed.
static bool measure_convert(const char *clip, int threads, AVFrame **packed, int frames,
                            struct stages *out)
{
    struct source *source = open_source(clip, 0);
    struct deep3d *converter =
        deep3d_create(&(struct deep3d_params){.model = DEEP3D_MODEL, .threads = threads});
    const struct deep3d_settings settings = {.strength = DEEP3D_STRENGTH_DEFAULT,
                                             .convergence = DEEP3D_CONVERGENCE_DEFAULT};
    struct stereo_pack *pack = NULL;
    struct deep3d_eyes eyes = {0};
    struct frame *frame;
    bool ok = source && converter;

    for (int i = 0; ok && i < frames; i++) {
        double start, cpu;

        ok = source_read_video(source, &frame) == SOURCE_OK;
        if (ok && !pack) {
            deep3d_eyes_size(&frame->picture, &eyes.width, &eyes.height);
            eyes.stride_bytes = (size_t)eyes.width * 4;
            for (int e = 0; e < 2; e++)
                eyes.pixels[e] = mem_try_block(eyes.stride_bytes * (size_t)eyes.height);
            pack = stereo_pack_create(&(struct stereo_pack_params){.layout = FILE_LAYOUT_FULL_SBS,
                                                                   .width = eyes.width,
                                                                   .height = eyes.height,
                                                                   .format = AV_PIX_FMT_YUV420P});
            ok = eyes.pixels[0] && eyes.pixels[1] && pack;
        }
        if (!ok)
            break;
        start = now_ms();
        cpu = cpu_ms();
        ok = deep3d_convert(converter, &frame->picture, &settings, &eyes);
        out->convert_ms += (now_ms() - start) / frames;
        out->convert_cpu += (cpu_ms() - cpu) / frames;
        packed[i] = ok ? av_frame_clone(stereo_pack_run(pack, &eyes)) : NULL;
        ok = packed[i];
        source_give_back(source, frame);
    }
    mem_free(eyes.pixels[0]);
    mem_free(eyes.pixels[1]);
    stereo_pack_destroy(&pack);
    deep3d_destroy(&converter);
    source_close(&source);
    return ok;
}

static bool receive(struct film_encoder *encoder, AVPacket *packet)
{
    bool failed;

    while (film_encoder_receive(encoder, packet, &failed))
        av_packet_unref(packet);
    return !failed;
}

static bool measure_encode(int threads, AVFrame **packed, int frames, struct stages *out)
{
    AVFrame *none = av_frame_alloc();
    struct film_encoder *encoder =
        film_encoder_create(&(struct film_encoder_params){.codec = FILE_CODEC_H264,
                                                          .encoder = FILE_ENCODER_SOFTWARE,
                                                          .width = packed[0]->width,
                                                          .height = packed[0]->height,
                                                          .format = AV_PIX_FMT_YUV420P,
                                                          .time_base = {1, 30},
                                                          .frames_per_s = 30,
                                                          .sample_aspect = 1,
                                                          .colours = none,
                                                          .crf = -1,
                                                          .threads = threads});
    AVPacket *packet = av_packet_alloc();
    double start = now_ms(), cpu = cpu_ms();
    bool ok = encoder;

    for (int i = 0; ok && i < frames; i++)
        ok = film_encoder_send(encoder, packed[i], i, 1) && receive(encoder, packet);
    ok = ok && film_encoder_send(encoder, NULL, 0, 0) && receive(encoder, packet);
    out->encode_ms = (now_ms() - start) / frames;
    out->encode_cpu = (cpu_ms() - cpu) / frames;
    film_encoder_destroy(&encoder);
    av_packet_free(&packet);
    av_frame_free(&none);
    return ok;
}

static bool measure_stages(const char *clip, int threads, int *frames, struct stages *out)
{
    AVFrame **packed;
    bool ok;

    *frames = measure_decode(clip, threads, *frames, out);
    packed = mem_new((size_t)*frames + 1, sizeof(struct AVFrame *));
    ok = *frames > 0 && measure_convert(clip, threads, packed, *frames, out) &&
         measure_encode(threads, packed, *frames, out);
    for (int i = 0; i < *frames; i++)
        av_frame_free(&packed[i]);
    mem_free(packed);
    return ok;
}

// The program over the whole clip: milliseconds by the clock, and of all its threads.
static bool measure_program(const char *clip, double *out_ms, double *out_cpu)
{
    char out[] = "/tmp/deep3d-bench-XXXXXX.mkv";
    int file = mkstemps(out, 4);
    char *argv[] = {
        (char *)DEEP3D_PLAYER, (char *)"convert",  (char *)clip,          (char *)"-o", out,
        (char *)"--encoder",   (char *)"software", (char *)"--overwrite", NULL};
    double start = now_ms();
    struct rusage usage;
    pid_t child;
    int status;
    bool ok = file >= 0 && posix_spawn(&child, DEEP3D_PLAYER, NULL, NULL, argv, environ) == 0 &&
              wait4(child, &status, 0, &usage) == child && status == 0;

    *out_ms = now_ms() - start;
    *out_cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    close(file);
    remove(out);
    return ok;
}

static void add_stages(cJSON *json, const char *name, const struct stages *s)
{
    cJSON *o = cJSON_AddObjectToObject(json, name);

    cJSON_AddNumberToObject(o, "decode_ms", s->decode_ms);
    cJSON_AddNumberToObject(o, "convert_ms", s->convert_ms);
    cJSON_AddNumberToObject(o, "encode_ms", s->encode_ms);
    cJSON_AddNumberToObject(o, "sum_ms", s->decode_ms + s->convert_ms + s->encode_ms);
    cJSON_AddNumberToObject(o, "sum_cpu_ms", s->decode_cpu + s->convert_cpu + s->encode_cpu);
}

static int count_frames(const char *clip)
{
    struct stages ignored;

    return measure_decode(clip, 0, INT32_MAX, &ignored);
}

int bench_film(int argc, char **argv)
{
    const char *clip = argc > 1 ? argv[1] : "--", *text = bench_option(argc, argv, "frames");
    int frames = text ? atoi(text) : FRAMES_DEFAULT, total;
    struct stages one = {0}, all = {0};
    double ms, cpu;
    cJSON *json = cJSON_CreateObject();
    bool ok = clip[0] != '-' && frames > 0 && frames <= FRAMES_MAX;

    if (!ok)
        fprintf(stderr, "deep3d-bench film: needs a clip first, and 1 to %d frames\n", FRAMES_MAX);
    ok = ok && measure_stages(clip, 1, &frames, &one) && measure_stages(clip, 0, &frames, &all) &&
         measure_program(clip, &ms, &cpu);
    if (ok) {
        total = count_frames(clip);
        cJSON_AddStringToObject(json, "clip", clip);
        add_stages(json, "one_thread", &one);
        add_stages(json, "all_cores", &all);
        cJSON_AddNumberToObject(json, "frames", total);
        cJSON_AddNumberToObject(json, "encoder_alone_frames_per_s", 1000 / all.encode_ms);
        cJSON_AddNumberToObject(json, "frames_per_s", total / ms * 1000);
        cJSON_AddNumberToObject(json, "ms", ms / total);
        cJSON_AddNumberToObject(json, "cpu_ms", cpu / total);
        cJSON_AddNumberToObject(json, "cores_busy", cpu / ms);
        cJSON_AddNumberToObject(json, "times_stages_on_one_thread",
                                (one.decode_ms + one.convert_ms + one.encode_ms) * total / ms);
        cJSON_AddNumberToObject(json, "times_stages_on_all_cores",
                                (all.decode_ms + all.convert_ms + all.encode_ms) * total / ms);
        ok = bench_write(json, bench_option(argc, argv, "json"));
    }
    cJSON_Delete(json);
    return !ok;
}
