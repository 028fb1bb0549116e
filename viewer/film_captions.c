#include "viewer/film_captions.h"

#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "base/mem.h"

#define TEXT_MAX (1 << 16)

struct film_captions {
    AVCodecContext *decoder, *encoder;
    uint8_t text[TEXT_MAX];
};

// AV_CODEC_ID_NONE: no text in this container.
static enum AVCodecID text_codec(const AVOutputFormat *format)
{
    static const enum AVCodecID ids[] = {AV_CODEC_ID_MOV_TEXT, AV_CODEC_ID_SUBRIP,
                                         AV_CODEC_ID_WEBVTT};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        if (avformat_query_codec(format, ids[i], FF_COMPLIANCE_NORMAL) == 1)
            return ids[i];
    return AV_CODEC_ID_NONE;
}

static bool open_decoder(struct film_captions *c, const AVStream *from)
{
    const AVCodec *codec = avcodec_find_decoder(from->codecpar->codec_id);

    c->decoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!c->decoder || avcodec_parameters_to_context(c->decoder, from->codecpar) < 0)
        return false;
    c->decoder->pkt_timebase = from->time_base;
    return avcodec_open2(c->decoder, codec, NULL) >= 0;
}

static bool open_encoder(struct film_captions *c, enum AVCodecID id)
{
    const AVCodec *codec = avcodec_find_encoder(id);

    c->encoder = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!c->encoder)
        return false;
    c->encoder->time_base = (AVRational){1, 1000};
    if (c->decoder->subtitle_header_size > 0) {
        size_t bytes = (size_t)c->decoder->subtitle_header_size;

        c->encoder->subtitle_header = av_mallocz(bytes + 1);
        if (!c->encoder->subtitle_header)
            return false;
        memcpy(c->encoder->subtitle_header, c->decoder->subtitle_header, bytes);
        c->encoder->subtitle_header_size = (int)bytes;
    }
    return avcodec_open2(c->encoder, codec, NULL) >= 0;
}

struct film_captions *film_captions_create(const AVStream *from, const AVOutputFormat *format,
                                           AVCodecParameters *out_parameters)
{
    const AVCodecDescriptor *what = avcodec_descriptor_get(from->codecpar->codec_id);
    enum AVCodecID id = text_codec(format);
    struct film_captions *c;

    if (!what || !(what->props & AV_CODEC_PROP_TEXT_SUB) || id == AV_CODEC_ID_NONE)
        return NULL;
    c = mem_new(1, sizeof(*c));
    if (!open_decoder(c, from) || !open_encoder(c, id) ||
        avcodec_parameters_from_context(out_parameters, c->encoder) < 0)
        film_captions_destroy(&c);
    return c;
}

void film_captions_destroy(struct film_captions **captions)
{
    if (!*captions)
        return;
    avcodec_free_context(&(*captions)->decoder);
    avcodec_free_context(&(*captions)->encoder);
    mem_free(*captions);
    *captions = NULL;
}

// The text of an event, in `c->text`. Its length; 0: none.
static int rewrite(struct film_captions *c, AVSubtitle *event)
{
    int bytes;

    if (event->num_rects == 0)
        return 0;
    // times are the packet's own
    event->pts = 0;
    event->end_display_time -= event->start_display_time;
    event->start_display_time = 0;
    bytes = avcodec_encode_subtitle(c->encoder, c->text, TEXT_MAX, event);
    return bytes > 0 ? bytes : 0;
}

bool film_captions_convert(struct film_captions *captions, AVPacket *packet)
{
    AVSubtitle event = {0};
    AVPacket *text = av_packet_alloc();
    int got = 0, bytes = 0;

    if (avcodec_decode_subtitle2(captions->decoder, &event, &got, packet) >= 0 && got)
        bytes = rewrite(captions, &event);
    avsubtitle_free(&event);
    if (bytes > 0 && text && av_new_packet(text, bytes) >= 0) {
        memcpy(text->data, captions->text, (size_t)bytes);
        text->pts = packet->pts;
        text->dts = packet->dts;
        text->duration = packet->duration;
        text->stream_index = packet->stream_index;
        text->flags = packet->flags;
        av_packet_unref(packet);
        av_packet_move_ref(packet, text);
    }
    av_packet_free(&text);
    return bytes > 0;
}
