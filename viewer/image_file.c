#include "viewer/image_file.h"

#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include "base/log.h"
#include "base/output_file.h"
#include "viewer/file_name.h"

struct kind {
    const char *ending;
    enum AVCodecID codec;
    enum AVPixelFormat format, grey16; // grey16: what 16-bit grey becomes
    const char *quality, *value;       // an option of the encoder; NULL: none
};

// JPEG without halved colour: the red and blue of an anaglyph must not run together.
static const struct kind kinds[] = {
    {"jpg", AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUVJ444P, "global_quality", "236"},
    {"jpeg", AV_CODEC_ID_MJPEG, AV_PIX_FMT_YUVJ444P, AV_PIX_FMT_YUVJ444P, "global_quality", "236"},
    {"png", AV_CODEC_ID_PNG, AV_PIX_FMT_RGB24, AV_PIX_FMT_GRAY16BE, NULL, NULL},
    {"webp", AV_CODEC_ID_WEBP, AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P, "quality", "92"},
};

static const struct kind *find(const char *path)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (file_name_ends(path, kinds[i].ending))
            return &kinds[i];
    }
    return NULL;
}

bool image_file_takes(const char *path)
{
    return find(path) != NULL;
}

// A new picture in another pixel format; RGB becomes BT.601, as JPEG and WebP have it. NULL: no
// memory, or swscale does not read the old one.
static AVFrame *convert(const AVFrame *from, enum AVPixelFormat format)
{
    AVFrame *to = av_frame_alloc();
    struct SwsContext *scaler = sws_getContext(
        from->width, from->height, from->format, from->width, from->height, format,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, NULL, NULL, NULL);

    if (to && scaler) {
        to->format = format;
        to->width = from->width;
        to->height = from->height;
    }
    if (!to || !scaler || av_frame_get_buffer(to, 0) < 0) {
        av_frame_free(&to);
    } else {
        sws_scale(scaler, (const uint8_t *const *)from->data, from->linesize, 0, from->height,
                  to->data, to->linesize);
    }
    sws_freeContext(scaler);
    return to;
}

static int open_encoder(AVCodecContext *encoder, const struct kind *kind, const AVFrame *picture)
{
    encoder->width = picture->width;
    encoder->height = picture->height;
    encoder->pix_fmt = picture->format;
    encoder->time_base = (AVRational){1, 25};
    if (kind->codec == AV_CODEC_ID_MJPEG)
        encoder->flags |= AV_CODEC_FLAG_QSCALE;
    if (kind->quality)
        av_opt_set(encoder, kind->quality, kind->value, AV_OPT_SEARCH_CHILDREN);
    return avcodec_open2(encoder, NULL, NULL);
}

static int run(AVCodecContext *encoder, AVFrame *picture, AVPacket *out)
{
    int result;

    picture->quality = encoder->global_quality;
    result = avcodec_send_frame(encoder, picture);
    if (result >= 0)
        result = avcodec_send_frame(encoder, NULL);
    return result < 0 ? result : avcodec_receive_packet(encoder, out);
}

// picture: in the encoder's format. NULL, logged.
static AVPacket *encode(const char *path, const struct kind *kind, AVFrame *picture)
{
    const AVCodec *codec = avcodec_find_encoder(kind->codec);
    AVCodecContext *encoder = codec ? avcodec_alloc_context3(codec) : NULL;
    AVPacket *packet = av_packet_alloc();
    int result;

    if (!encoder) {
        log_error("%s: FFmpeg here has no encoder for %s", path, kind->ending);
        result = AVERROR_ENCODER_NOT_FOUND;
    } else {
        result = open_encoder(encoder, kind, picture);
        if (result >= 0)
            result = run(encoder, picture, packet);
        if (result < 0)
            log_error("%s: a picture of %dx%d cannot be encoded: %s", path, picture->width,
                      picture->height, av_err2str(result));
    }
    if (result < 0)
        av_packet_free(&packet);
    avcodec_free_context(&encoder);
    return packet;
}

AVPacket *image_file_encode(const char *path, const AVFrame *picture)
{
    const struct kind *kind = find(path);
    bool grey16 = picture->format == AV_PIX_FMT_GRAY16;
    AVFrame *converted;
    AVPacket *packet = NULL;

    if (!kind) {
        log_error("%s: pictures are written as .jpg, .png or .webp", path);
        return NULL;
    }
    converted = convert(picture, grey16 ? kind->grey16 : kind->format);
    if (converted)
        packet = encode(path, kind, converted);
    else
        log_error("%s: no memory for a picture of %dx%d", path, picture->width, picture->height);
    av_frame_free(&converted);
    return packet;
}

bool image_file_write(const char *path, const AVFrame *picture)
{
    AVPacket *packet = image_file_encode(path, picture);
    struct output_file *file = packet ? output_file_create(path) : NULL;

    if (file)
        fwrite(packet->data, 1, (size_t)packet->size, output_file_stream(file));
    av_packet_free(&packet);
    return output_file_commit(&file);
}
