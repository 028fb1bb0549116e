#include "viewer/film_encoder.h"

#include <stdlib.h>

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "base/log.h"
#include "base/mem.h"
#include "viewer/film_sei.h"

// More pictures than any encoder holds back.
#define HELD_MAX 1024
#define SAMPLE_ASPECT_DEN_MAX 4096

struct encoder_row {
    enum file_codec codec;
    const char *name; // FFmpeg's
    bool nvenc;
    const char *preset_option, *preset;
    const char *crf_option; // NULL: lossless
    int crf;
    const char *more; // options of the encoder, "name=value:name=value"
    int least_px;     // SVT-AV1 1.4 crashes on sides below this
};

// Best first. Presets are those that keep up with the conversion on a desktop's processor.
static const struct encoder_row rows[] = {
    {FILE_CODEC_H264, "h264_nvenc", true, "preset", "p4", "cq", 21, "rc=vbr:forced-idr=1", 0},
    {FILE_CODEC_H264, "libx264", false, "preset", "veryfast", "crf", 20, "forced-idr=1", 0},
    {FILE_CODEC_HEVC, "hevc_nvenc", true, "preset", "p4", "cq", 23, "rc=vbr:forced-idr=1", 0},
    {FILE_CODEC_HEVC, "libx265", false, "preset", "superfast", "crf", 22,
     "forced-idr=1:x265-params=log-level=error\\:open-gop=0", 0},
    {FILE_CODEC_AV1, "av1_nvenc", true, "preset", "p4", "cq", 28, "rc=vbr:forced-idr=1", 0},
    {FILE_CODEC_AV1, "libsvtav1", false, "preset", "10", "crf", 30, "", 64},
    {FILE_CODEC_AV1, "libaom-av1", false, "cpu-used", "8", "crf", 30, "row-mt=1:usage=realtime", 0},
    {FILE_CODEC_FFV1, "ffv1", false, NULL, NULL, NULL, 0, "level=3:slicecrc=1:slices=4", 0},
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

struct held {
    int64_t pts, duration;
};

struct film_encoder {
    const struct encoder_row *row;
    AVCodecContext *codec;
    AVCodecParameters *parameters;
    struct film_sei *sei; // NULL: nothing to say, or a codec without
    int64_t sent;         // pictures
    struct held held[HELD_MAX];
};

int film_encoder_codec_id(enum file_codec codec)
{
    static const enum AVCodecID ids[] = {AV_CODEC_ID_NONE, AV_CODEC_ID_H264, AV_CODEC_ID_HEVC,
                                         AV_CODEC_ID_AV1, AV_CODEC_ID_FFV1};

    return ids[codec];
}

int film_encoder_format(enum file_codec codec, enum file_layout layout, int bits, int *out_eye_bits)
{
    // few players take H.264 of 10 bits
    bool fine = bits > 8 && codec != FILE_CODEC_H264 && layout != FILE_LAYOUT_DISPARITY;

    *out_eye_bits = fine ? 16 : 8;
    if (layout == FILE_LAYOUT_DISPARITY)
        return AV_PIX_FMT_GRAY16;
    if (codec == FILE_CODEC_FFV1) // 8 bits without loss, more with two to spare: YUV becomes RGB
        return !fine ? AV_PIX_FMT_BGR0 : bits > 10 ? AV_PIX_FMT_GBRP16 : AV_PIX_FMT_GBRP12;
    return fine ? AV_PIX_FMT_YUV420P10 : AV_PIX_FMT_YUV420P;
}

// --- opening

static enum AVColorSpace colorspace(const struct film_encoder_params *p)
{
    if (av_pix_fmt_desc_get(p->format)->flags & AV_PIX_FMT_FLAG_RGB)
        return AVCOL_SPC_RGB;
    return p->matrix == DEEP3D_MATRIX_BT601    ? AVCOL_SPC_SMPTE170M
           : p->matrix == DEEP3D_MATRIX_BT2020 ? AVCOL_SPC_BT2020_NCL
                                               : AVCOL_SPC_BT709;
}

// The eyes keep the film's own transfer and primaries, so these tags are passed on as they are.
static void set_colours(AVCodecContext *c, const struct film_encoder_params *p)
{
    bool grey = p->layout == FILE_LAYOUT_DISPARITY;

    c->colorspace = grey ? AVCOL_SPC_UNSPECIFIED : colorspace(p);
    c->color_range = grey || c->colorspace == AVCOL_SPC_RGB ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    c->color_primaries = grey ? AVCOL_PRI_UNSPECIFIED : p->colours->color_primaries;
    c->color_trc = grey ? AVCOL_TRC_UNSPECIFIED : p->colours->color_trc;
    if (av_pix_fmt_desc_get(c->pix_fmt)->log2_chroma_w > 0)
        c->chroma_sample_location = AVCHROMA_LOC_LEFT;
}

static AVDictionary *encoder_options(const struct encoder_row *row,
                                     const struct film_encoder_params *p)
{
    AVDictionary *options = NULL;

    av_dict_parse_string(&options, row->more, "=", ":", 0);
    if (row->preset_option)
        av_dict_set(&options, row->preset_option, p->preset ? p->preset : row->preset, 0);
    if (row->crf_option)
        av_dict_set_int(&options, row->crf_option, p->crf >= 0 ? p->crf : row->crf, 0);
    return options;
}

static AVCodecContext *open_codec(const struct encoder_row *row,
                                  const struct film_encoder_params *p)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(row->name);
    AVCodecContext *c = codec ? avcodec_alloc_context3(codec) : NULL;
    AVDictionary *options;
    int result;

    if (!c)
        return NULL;
    c->width = p->width;
    c->height = p->height;
    // the only one of 10 bits that NVENC takes
    c->pix_fmt = row->nvenc && p->format == AV_PIX_FMT_YUV420P10 ? AV_PIX_FMT_P010 : p->format;
    c->time_base = (AVRational){p->time_base[0], p->time_base[1]};
    if (p->frames_per_s > 0)
        c->framerate = av_d2q(p->frames_per_s, 1 << 20);
    c->sample_aspect_ratio = av_d2q(p->sample_aspect, SAMPLE_ASPECT_DEN_MAX);
    c->gop_size = row->codec == FILE_CODEC_FFV1 ? 1 : FILM_ENCODER_GROUP;
    c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER | AV_CODEC_FLAG_CLOSED_GOP;
    c->thread_count = p->threads;
    set_colours(c, p);
    options = encoder_options(row, p);
    result = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    // one that gives its header no sooner than its first packet, as libaom does, cannot be gone on
    // with later
    if (result < 0 || c->extradata_size == 0)
        avcodec_free_context(&c);
    return c;
}

static bool wanted(const struct encoder_row *row, const struct film_encoder_params *p)
{
    return row->codec == p->codec && p->width >= row->least_px && p->height >= row->least_px &&
           (p->encoder == FILE_ENCODER_AUTO || row->nvenc == (p->encoder == FILE_ENCODER_NVENC));
}

static void log_none(const struct film_encoder_params *p, bool *tried)
{
    const char *codec = avcodec_get_name(film_encoder_codec_id(p->codec));
    const char *name = NULL;

    for (size_t i = 0; i < ROWS; i++)
        if (wanted(&rows[i], p) && tried[i])
            name = rows[i].name;
    if (!name)
        log_error("FFmpeg here has no encoder for %s that may be used; choose another --codec or "
                  "--encoder",
                  codec);
    else
        log_error("%s does not take pictures of %dx%d%s%s%s; choose another --codec, --layout or "
                  "--preset",
                  name, p->width, p->height, p->preset ? " with the preset \"" : "",
                  p->preset ? p->preset : "", p->preset ? "\"" : "");
}

struct film_encoder *film_encoder_create(const struct film_encoder_params *params)
{
    struct film_encoder *e = mem_new(1, sizeof(*e));
    bool tried[ROWS] = {false};

    setenv("SVT_LOG", "1", 0); // SVT-AV1 greets on standard error otherwise
    for (size_t i = 0; i < ROWS && !e->codec; i++) {
        if (!wanted(&rows[i], params))
            continue;
        tried[i] = avcodec_find_encoder_by_name(rows[i].name);
        e->row = &rows[i];
        e->codec = open_codec(&rows[i], params);
    }
    if (!e->codec) {
        log_none(params, tried);
        goto fail;
    }
    e->parameters = avcodec_parameters_alloc();
    if (!e->parameters || avcodec_parameters_from_context(e->parameters, e->codec) < 0)
        goto fail;
    e->parameters->sample_aspect_ratio = (AVRational){0, 1};
    e->sei = film_sei_create(e->codec->codec_id, params->layout, params->colours);
    return e;
fail:
    film_encoder_destroy(&e);
    return NULL;
}

void film_encoder_destroy(struct film_encoder **encoder)
{
    struct film_encoder *e = *encoder;

    if (!e)
        return;
    film_sei_destroy(&e->sei);
    avcodec_free_context(&e->codec);
    avcodec_parameters_free(&e->parameters);
    mem_free(e);
    *encoder = NULL;
}

const char *film_encoder_name(const struct film_encoder *encoder)
{
    return encoder->row->name;
}

const AVCodecParameters *film_encoder_parameters(const struct film_encoder *encoder)
{
    return encoder->parameters;
}

// --- pictures

static bool log_failure(const struct film_encoder *e, int av_error)
{
    char text[AV_ERROR_MAX_STRING_SIZE];

    av_strerror(av_error, text, sizeof(text));
    log_error("%s failed: %s", e->row->name, text);
    return false;
}

bool film_encoder_send(struct film_encoder *encoder, AVFrame *frame, int64_t pts, int64_t duration)
{
    struct film_encoder *e = encoder;
    int result;

    if (frame) {
        frame->pts = pts;
        frame->pict_type = e->sent % FILM_ENCODER_GROUP == 0 && e->row->codec != FILE_CODEC_AV1
                               ? AV_PICTURE_TYPE_I
                               : AV_PICTURE_TYPE_NONE;
        frame->sample_aspect_ratio = e->codec->sample_aspect_ratio;
        frame->color_range = e->codec->color_range;
        frame->colorspace = e->codec->colorspace;
        frame->color_primaries = e->codec->color_primaries;
        frame->color_trc = e->codec->color_trc;
        e->held[e->sent++ % HELD_MAX] = (struct held){pts, duration};
    }
    result = avcodec_send_frame(e->codec, frame);
    return result >= 0 || log_failure(e, result);
}

// Encoders lose how long a picture lasts.
static int64_t duration_of(const struct film_encoder *e, int64_t pts)
{
    for (int i = 0; i < HELD_MAX; i++)
        if (e->held[i].duration > 0 && e->held[i].pts == pts)
            return e->held[i].duration;
    return 0;
}

bool film_encoder_receive(struct film_encoder *encoder, AVPacket *out, bool *out_failed)
{
    int result = avcodec_receive_packet(encoder->codec, out);

    *out_failed = result < 0 && result != AVERROR(EAGAIN) && result != AVERROR_EOF;
    if (*out_failed)
        log_failure(encoder, result);
    if (result < 0)
        return false;
    out->duration = duration_of(encoder, out->pts);
    if (encoder->sei && (out->flags & AV_PKT_FLAG_KEY) && !film_sei_insert(encoder->sei, out)) {
        log_error("no memory for a packet of %d bytes", out->size);
        av_packet_unref(out);
        *out_failed = true;
        return false;
    }
    return true;
}
