#include "viewer/film_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavutil/crc.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/convert_files.h"
#include "viewer/film_encoder.h"
#include "viewer/film_log.h"
#include "viewer/source.h"
#include "viewer/stereo_pack.h"
#include "viewer/stereo_ring.h"

struct film_maker {
    struct film_maker_params params;
    double sample_aspect; // of the whole eyes
    int eye_bits;         // of their samples
    struct stereo_pack *pack;
    struct film_encoder *encoder;
    struct film_log *log;
    AVPacket *packet;
};

// --- opening

static bool make_encoder(struct film_maker *m)
{
    const struct options *o = m->params.options;
    const struct source_info *info = m->params.info;
    enum file_codec codec = m->params.codec;
    enum file_layout layout = m->params.file->layout;
    struct stereo_pack_params pack = {
        .layout = layout,
        .width = info->width,
        .height = info->height,
        .matrix = info->matrix,
    };
    struct film_encoder_params params = {
        .codec = codec,
        .encoder = o->encoder,
        .layout = layout,
        .time_base = {info->time_base[0], info->time_base[1]},
        .frames_per_s = info->frames_per_s,
        .sample_aspect = m->sample_aspect,
        .matrix = info->matrix,
        .colours = info->colours,
        .crf = o->crf,
        .preset = o->preset,
    };

    pack.format = params.format = film_encoder_format(codec, layout, info->bits, &pack.eye_bits);
    m->eye_bits = pack.eye_bits;
    m->pack = stereo_pack_create(&pack);
    if (!m->pack)
        return false;
    stereo_pack_size(m->pack, &params.width, &params.height);
    m->encoder = film_encoder_create(&params);
    if (!m->encoder)
        return false;
    if (film_encoder_parameters(m->encoder)->format != pack.format) {
        pack.format = film_encoder_parameters(m->encoder)->format;
        stereo_pack_destroy(&m->pack);
        m->pack = stereo_pack_create(&pack);
    }
    return m->pack;
}

// What the packets are made of and by.
static char *identity(const struct film_maker *m)
{
    const AVCodecParameters *p = film_encoder_parameters(m->encoder);
    char *options = options_describe(m->params.options), *text;
    const char *source = m->params.options->files[0];
    char *whole = realpath(source, NULL);
    struct stat state = {0};

    stat(source, &state);
    // what cannot be read again cannot be gone on with either: each run is another
    text = mem_printf(
        "%s\n%lld %lld %lld\n%s%s %dx%d %08x\n", whole ? whole : source, (long long)state.st_size,
        (long long)state.st_mtime, m->params.lasting ? 0 : (long long)clock_now_ns(), options,
        film_encoder_name(m->encoder), p->width, p->height,
        av_crc(av_crc_get_table(AV_CRC_32_IEEE_LE), 0, p->extradata, (size_t)p->extradata_size));
    mem_free(options);
    free(whole);
    return text;
}

struct film_maker *film_maker_open(const struct film_maker_params *params)
{
    struct film_maker *m = mem_new(1, sizeof(*m));
    const struct source_info *info = params->info;
    char *made_of;

    m->params = *params;
    m->sample_aspect = info->aspect * info->height / info->width;
    m->packet = av_packet_alloc();
    if (!m->packet || !make_encoder(m))
        goto fail;
    made_of = identity(m);
    m->log = film_log_open(params->file->part, made_of, params->options->overwrite);
    mem_free(made_of);
    if (!m->log)
        goto fail;
    return m;
fail:
    film_maker_close(&m);
    return NULL;
}

void film_maker_close(struct film_maker **maker)
{
    struct film_maker *m = *maker;

    if (!m)
        return;
    if (m->log && film_log_frames(m->log) == 0)
        unlink(m->params.file->part);
    film_log_close(&m->log);
    film_encoder_destroy(&m->encoder);
    stereo_pack_destroy(&m->pack);
    av_packet_free(&m->packet);
    mem_free(m);
    *maker = NULL;
}

int film_maker_eye_bits(const struct film_maker *maker)
{
    return maker->eye_bits;
}

struct film_log *film_maker_log(const struct film_maker *maker)
{
    return maker->log;
}

// --- pictures

static bool keep_packets(struct film_maker *m)
{
    bool failed, kept = true;

    while (kept && film_encoder_receive(m->encoder, m->packet, &failed)) {
        kept = film_log_add(m->log, m->packet);
        av_packet_unref(m->packet);
    }
    return kept && !failed;
}

bool film_maker_add(struct film_maker *maker, const struct stereo_frame *frame, int64_t pts,
                    int64_t duration)
{
    AVFrame *packed = stereo_pack_run(maker->pack, &frame->eyes);

    return packed && film_encoder_send(maker->encoder, packed, pts, duration) &&
           keep_packets(maker);
}

bool film_maker_drain(struct film_maker *maker)
{
    return film_encoder_send(maker->encoder, NULL, 0, 0) && keep_packets(maker);
}

// --- the film

static struct film_mux_params mux_params(const struct film_maker *maker, const char *path,
                                         bool whole)
{
    const struct source_info *info = maker->params.info;
    // a photograph has nothing beside its picture
    bool more = maker->params.lasting && !info->image;

    return (struct film_mux_params){
        .path = path,
        .source = more ? maker->params.options->files[0] : NULL,
        .video = info->video,
        .start_ns = info->start_ns,
        .whole = whole,
        .log = maker->log,
        .parameters = film_encoder_parameters(maker->encoder),
        .colours = info->colours,
        .layout = maker->params.file->layout,
        .time_base = {info->time_base[0], info->time_base[1]},
        .sample_aspect = maker->sample_aspect,
        .stop = maker->params.stop,
    };
}

void film_maker_tell(const struct film_maker *maker)
{
    struct film_mux_params params = mux_params(maker, maker->params.file->path, true);

    film_mux_tell(&params);
}

enum film_mux_result film_maker_make(struct film_maker *maker, const char *path, bool whole)
{
    struct film_mux_params params = mux_params(maker, path, whole);

    return film_mux_run(&params);
}

bool film_maker_place(struct film_maker *maker, const char *path)
{
    if (!film_mux_place(path))
        return false;
    log_info("%s: %lld frames, %s", path, (long long)film_log_frames(maker->log),
             film_encoder_name(maker->encoder));
    return true;
}
