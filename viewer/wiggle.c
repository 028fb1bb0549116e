#include "viewer/wiggle.h"

#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavfilter/avfilter.h>
#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/output_file.h"
#include "viewer/file_name.h"

#define SMALLER "scale=w=min(iw\\,800):h=-2:flags=area"
_Static_assert(WIGGLE_SMALL_PX == 800, "as the filter says");

struct kind {
    const char *ending, *muxer, *encoder, *filters, *options;
};

// MP4 players show a film once: it sways four times, then four seconds are over.
static const struct kind kinds[] = {
    {"gif", "gif", "gif", SMALLER ",split[a][b];[a]palettegen[p];[b][p]paletteuse", ""},
    {"webp", "webp", "libwebp_anim", SMALLER ",format=yuv420p", "quality=85:loop=0"},
    {"mp4", "mp4", "libx264",
     "loop=loop=3:size=64,crop=iw-mod(iw\\,2):ih-mod(ih\\,2),"
     "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p",
     "crf=18:movflags=+faststart"},
};

struct wiggle {
    const struct kind *kind;
    const char *path; // the caller's
    struct output_file *file;
    AVFilterGraph *graph;
    AVFilterContext *in, *out;
    AVCodecContext *encoder;
    AVFormatContext *muxer;
    AVFrame *frame;
    AVPacket *packet;
    int width, height;
    int64_t count;
};

static const struct kind *find(const char *path)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (file_name_ends(path, kinds[i].ending))
            return &kinds[i];
    }
    return NULL;
}

static bool fine(const struct wiggle *w, const char *what, int result)
{
    if (result < 0)
        log_error("%s: %s: %s", w->path, what, av_err2str(result));
    return result >= 0;
}

static bool make_filters(struct wiggle *w)
{
    char *format = mem_printf("video_size=%dx%d:pix_fmt=rgb0:time_base=1/%d:frame_rate=%d",
                              w->width, w->height, WIGGLE_FRAMES_PER_S, WIGGLE_FRAMES_PER_S);
    AVFilterInOut *from = avfilter_inout_alloc(), *to = avfilter_inout_alloc();
    bool ok = false;

    w->graph = avfilter_graph_alloc();
    if (w->graph && from && to &&
        fine(w, "filters",
             avfilter_graph_create_filter(&w->in, avfilter_get_by_name("buffer"), "in", format,
                                          NULL, w->graph)) &&
        fine(w, "filters",
             avfilter_graph_create_filter(&w->out, avfilter_get_by_name("buffersink"), "out", NULL,
                                          NULL, w->graph))) {
        *from = (AVFilterInOut){av_strdup("in"), w->in, 0, NULL};
        *to = (AVFilterInOut){av_strdup("out"), w->out, 0, NULL};
        ok = fine(w, "filters",
                  avfilter_graph_parse_ptr(w->graph, w->kind->filters, &to, &from, NULL)) &&
             fine(w, "filters", avfilter_graph_config(w->graph, NULL));
    }
    avfilter_inout_free(&from);
    avfilter_inout_free(&to);
    mem_free(format);
    return ok;
}

// Encoder and file, which take each its own of the options.
static bool open_encoder(struct wiggle *w)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(w->kind->encoder);
    AVDictionary *options = NULL;
    bool ok;

    if (!codec) {
        log_error("FFmpeg here has no encoder %s for .%s", w->kind->encoder, w->kind->ending);
        return false;
    }
    w->encoder = avcodec_alloc_context3(codec);
    if (!w->encoder)
        return false;
    w->encoder->width = av_buffersink_get_w(w->out);
    w->encoder->height = av_buffersink_get_h(w->out);
    w->encoder->pix_fmt = av_buffersink_get_format(w->out);
    w->encoder->time_base = av_buffersink_get_time_base(w->out);
    w->encoder->framerate = (AVRational){WIGGLE_FRAMES_PER_S, 1};
    if (w->encoder->pix_fmt == AV_PIX_FMT_YUV420P) {
        w->encoder->colorspace = AVCOL_SPC_BT709;
        w->encoder->color_range = AVCOL_RANGE_MPEG;
    }
    if (w->muxer->oformat->flags & AVFMT_GLOBALHEADER)
        w->encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_dict_parse_string(&options, w->kind->options, "=", ":", 0);
    ok = fine(w, "encoder", avcodec_open2(w->encoder, codec, &options));
    if (ok) {
        AVStream *stream = avformat_new_stream(w->muxer, NULL);

        ok = stream && avcodec_parameters_from_context(stream->codecpar, w->encoder) >= 0;
        if (ok)
            stream->time_base = w->encoder->time_base;
        ok = ok && fine(w, "file", avformat_write_header(w->muxer, &options));
    }
    av_dict_free(&options);
    return ok;
}

struct wiggle *wiggle_create(const char *path, int width, int height)
{
    struct wiggle *w = mem_new(1, sizeof(*w));

    w->kind = find(path);
    w->path = path;
    w->width = width;
    w->height = height;
    w->frame = av_frame_alloc();
    w->packet = av_packet_alloc();
    if (!w->kind) {
        log_error("%s: a photograph sways in .gif, .webp or .mp4", path);
        goto fail;
    }
    w->file = output_file_create(path);
    if (!w->file || !w->frame || !w->packet || !make_filters(w))
        goto fail;
    if (!fine(w, "file",
              avformat_alloc_output_context2(&w->muxer, NULL, w->kind->muxer,
                                             output_file_temporary(w->file))) ||
        !fine(w, "file", avio_open(&w->muxer->pb, w->muxer->url, AVIO_FLAG_WRITE)) ||
        !open_encoder(w))
        goto fail;
    return w;
fail:
    wiggle_discard(&w);
    return NULL;
}

// frame NULL: no more come.
static bool encode(struct wiggle *w, AVFrame *frame)
{
    int result = avcodec_send_frame(w->encoder, frame);

    while (result >= 0 && (result = avcodec_receive_packet(w->encoder, w->packet)) >= 0) {
        av_packet_rescale_ts(w->packet, w->encoder->time_base, w->muxer->streams[0]->time_base);
        result = av_write_frame(w->muxer, w->packet);
        av_packet_unref(w->packet);
    }
    return result == AVERROR(EAGAIN) || result == AVERROR_EOF || fine(w, "writing", result);
}

// What the filters give out by now. NULL: no more come in.
static bool filter(struct wiggle *w, AVFrame *frame)
{
    int result = av_buffersrc_add_frame(w->in, frame);

    while (result >= 0 && (result = av_buffersink_get_frame(w->out, w->frame)) >= 0) {
        bool encoded;

        w->frame->pict_type = AV_PICTURE_TYPE_NONE;
        w->frame->quality = w->encoder->global_quality;
        encoded = encode(w, w->frame);
        av_frame_unref(w->frame);
        if (!encoded)
            return false;
    }
    return result == AVERROR(EAGAIN) || result == AVERROR_EOF || fine(w, "filters", result);
}

bool wiggle_add(struct wiggle *wiggle, const uint8_t *pixels, int stride_bytes)
{
    AVFrame *view = av_frame_alloc();
    bool ok;

    if (!view)
        return false;
    view->format = AV_PIX_FMT_RGB0;
    view->width = wiggle->width;
    view->height = wiggle->height;
    view->pts = wiggle->count++;
    ok = av_frame_get_buffer(view, 0) >= 0;
    for (int y = 0; ok && y < view->height; y++)
        memcpy(view->data[0] + (ptrdiff_t)y * view->linesize[0],
               pixels + (ptrdiff_t)y * stride_bytes, (size_t)view->width * 4);
    ok = ok && filter(wiggle, view);
    av_frame_free(&view);
    return ok;
}

bool wiggle_finish(struct wiggle **wiggle)
{
    struct wiggle *w = *wiggle;
    bool ok = filter(w, NULL) && encode(w, NULL) &&
              fine(w, "writing", av_write_trailer(w->muxer)) &&
              fine(w, "writing", avio_closep(&w->muxer->pb)) && output_file_commit(&w->file);

    wiggle_discard(wiggle);
    return ok;
}

void wiggle_discard(struct wiggle **wiggle)
{
    struct wiggle *w = *wiggle;

    if (!w)
        return;
    avfilter_graph_free(&w->graph);
    avcodec_free_context(&w->encoder);
    if (w->muxer)
        avio_closep(&w->muxer->pb);
    avformat_free_context(w->muxer);
    av_frame_free(&w->frame);
    av_packet_free(&w->packet);
    output_file_discard(&w->file);
    mem_free(w);
    *wiggle = NULL;
}
