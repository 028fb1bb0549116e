#include "viewer/film_mux.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mastering_display_metadata.h>
#include <libavutil/opt.h>
#include <libavutil/stereo3d.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/file_name.h"
#include "viewer/film_log.h"
#include "viewer/film_streams.h"
#include "viewer/stereo_pack.h"

#define NS_BASE ((AVRational){1, (int)NS_PER_S})
#define SAMPLE_ASPECT_DEN_MAX 4096

struct mux {
    const struct film_mux_params *params;
    char *made; // where it is written
    AVFormatContext *out;
    AVStream *film;
    struct film_streams *streams; // NULL: nothing to copy
    AVPacket *picture;            // the next one; size 0: none left
    int64_t last_dts;
    int64_t damaged; // packets of the source that the container refused
    bool broken_log;
};

static char *made_name(const char *path)
{
    return mem_printf("%s.new", path);
}

static bool log_av(const char *path, const char *what, int av_error)
{
    char text[AV_ERROR_MAX_STRING_SIZE];

    av_strerror(av_error, text, sizeof(text));
    log_error("cannot %s %s: %s", what, path, text);
    return false;
}

bool film_mux_takes(const char *path, int codec_id)
{
    const AVOutputFormat *format = av_guess_format(NULL, path, NULL);
    const char *ending = file_name_ending(path);

    if (!format || (format->flags & AVFMT_NOFILE)) {
        log_error("%s: no container for films is named \"%s\"; use .mkv, .mp4, .mov or .webm", path,
                  ending);
        return false;
    }
    if (avformat_query_codec(format, codec_id, FF_COMPLIANCE_NORMAL) == 1)
        return true;
    log_error("%s: a \"%s\" file does not hold %s; use .mkv, or another --codec", path, ending,
              avcodec_get_name(codec_id));
    return false;
}

// --- the film's own stream

static void add_side_data(AVStream *stream, enum AVPacketSideDataType type, const void *data,
                          size_t bytes)
{
    void *copy = data ? av_memdup(data, bytes) : NULL;

    if (!copy)
        return;
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    if (!av_packet_side_data_add(&stream->codecpar->coded_side_data,
                                 &stream->codecpar->nb_coded_side_data, type, copy, bytes, 0))
        av_free(copy);
#else
    if (av_stream_add_side_data(stream, type, copy, bytes) < 0)
        av_free(copy);
#endif
}

static const void *frame_data(const AVFrame *frame, enum AVFrameSideDataType type)
{
    const AVFrameSideData *data = av_frame_get_side_data(frame, type);

    return data ? data->data : NULL;
}

static void describe_stereo(AVStream *stream, enum file_layout layout)
{
    AVStereo3D *stereo = av_stereo3d_alloc();

    switch (layout) {
    case FILE_LAYOUT_FULL_SBS:
    case FILE_LAYOUT_HALF_SBS:
        stereo->type = AV_STEREO3D_SIDEBYSIDE;
        break;
    case FILE_LAYOUT_TOP_BOTTOM:
    case FILE_LAYOUT_HALF_TB:
        stereo->type = AV_STEREO3D_TOPBOTTOM;
        break;
    default: // flat for players: one eye, an anaglyph; and nobody has a word for frame-packed
        break;
    }
    if (stereo->type != AV_STEREO3D_2D)
        add_side_data(stream, AV_PKT_DATA_STEREO3D, stereo, sizeof(*stereo));
    av_free(stereo);
}

static bool is_matroska(const AVFormatContext *out)
{
    return strcmp(out->oformat->name, "matroska") == 0 || strcmp(out->oformat->name, "webm") == 0;
}

static bool is_mp4(const AVFormatContext *out)
{
    return strcmp(out->oformat->name, "mp4") == 0 || strcmp(out->oformat->name, "mov") == 0;
}

// Matroska's display size is that of one eye, which FFmpeg works out from the aspect of the packed
// picture's samples. All others say how the picture looks where nobody takes the eyes apart, and
// there televisions want the eye's own shape from half layouts.
static double container_aspect(const struct mux *m)
{
    double stretch = is_matroska(m->out) ? stereo_pack_stretch(m->params->layout) : 1;

    return m->params->sample_aspect * stretch;
}

static bool add_film(struct mux *m)
{
    const struct film_mux_params *p = m->params;
    AVStream *s = m->film = avformat_new_stream(m->out, NULL);

    if (!s || avcodec_parameters_copy(s->codecpar, p->parameters) < 0)
        return false;
    s->codecpar->codec_tag = p->parameters->codec_id == AV_CODEC_ID_HEVC && is_mp4(m->out)
                                 ? MKTAG('h', 'v', 'c', '1') // Apple's players want it
                                 : 0;
    s->time_base = (AVRational){p->time_base[0], p->time_base[1]};
    s->sample_aspect_ratio = av_d2q(container_aspect(m), SAMPLE_ASPECT_DEN_MAX);
    s->codecpar->sample_aspect_ratio = s->sample_aspect_ratio;
    s->disposition = AV_DISPOSITION_DEFAULT;
    describe_stereo(s, p->layout);
    if (p->layout != FILE_LAYOUT_DISPARITY) {
        add_side_data(s, AV_PKT_DATA_MASTERING_DISPLAY_METADATA,
                      frame_data(p->colours, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA),
                      sizeof(AVMasteringDisplayMetadata));
        add_side_data(s, AV_PKT_DATA_CONTENT_LIGHT_LEVEL,
                      frame_data(p->colours, AV_FRAME_DATA_CONTENT_LIGHT_LEVEL),
                      sizeof(AVContentLightMetadata));
    }
    return true;
}

static bool open_out(struct mux *m)
{
    AVDictionary *options = NULL;
    char *url = mem_printf("file:%s", m->made);
    int result;

    if (is_mp4(m->out)) // so that it plays while it is being loaded
        av_dict_set(&options, "movflags", "+faststart", 0);
    av_free(m->out->url);
    m->out->url = av_strdup(url); // where +faststart reads it again
    result = avio_open(&m->out->pb, url, AVIO_FLAG_WRITE);
    mem_free(url);
    if (result >= 0)
        result = avformat_write_header(m->out, &options);
    av_dict_free(&options);
    return result >= 0 || log_av(m->made, "write", result);
}

// --- packets

static void next_picture(struct mux *m)
{
    AVPacket *p = m->picture;

    if (!film_log_read(m->params->log, p, &m->broken_log))
        return;
    // where a conversion was taken up again, an encoder began anew a little too early
    if (m->last_dts != INT64_MIN && p->dts <= m->last_dts)
        p->dts = m->last_dts + 1;
    if (p->dts > p->pts)
        p->dts = p->pts;
    m->last_dts = p->dts;
}

static int write_picture(struct mux *m)
{
    AVPacket *p = m->picture;
    int result;

    p->stream_index = m->film->index;
    av_packet_rescale_ts(p, (AVRational){m->params->time_base[0], m->params->time_base[1]},
                         m->film->time_base);
    result = av_interleaved_write_frame(m->out, p); // takes the packet
    next_picture(m);
    return result;
}

// A copied packet may be damaged; the film is made without it.
static int write_other(struct mux *m, AVPacket *packet)
{
    int result = av_interleaved_write_frame(m->out, packet);

    if (result >= 0 || m->out->pb->error < 0)
        return result;
    m->damaged++;
    return 0;
}

// When the next picture is to be decoded, on the film's clock.
static int64_t picture_ns(const struct mux *m)
{
    return av_rescale_q(m->picture->dts,
                        (AVRational){m->params->time_base[0], m->params->time_base[1]}, NS_BASE);
}

// A whole film has all of its sound.
static bool cut(const struct mux *m)
{
    return m->params->whole && film_streams_broken(m->streams);
}

// All packets, in the order of their times.
static bool write_packets(struct mux *m)
{
    int result = 0;

    next_picture(m);
    while (result >= 0 && !atomic_load(m->params->stop)) {
        bool picture = m->picture->size > 0;
        int64_t other_ns;
        AVPacket *other = film_streams_next(m->streams, &other_ns);

        if (m->broken_log || cut(m) || (!picture && (!other || !m->params->whole)))
            break;
        if (picture && (!other || picture_ns(m) <= other_ns))
            result = write_picture(m);
        else
            result = write_other(m, other);
    }
    if (result < 0)
        return log_av(m->made, "write", result);
    if (m->damaged > 0)
        log_warn("%s: %lld damaged packets of sound or subtitles were left out", m->params->path,
                 (long long)m->damaged);
    return !m->broken_log && !cut(m) && !atomic_load(m->params->stop);
}

// --- the file

static bool sync_path(const char *path, int flags)
{
    int file = open(path, flags | O_CLOEXEC);
    bool ok = file >= 0 && fsync(file) == 0;

    if (file >= 0)
        close(file);
    return ok;
}

static bool finish_file(struct mux *m)
{
    int result = av_write_trailer(m->out), closed = avio_closep(&m->out->pb);

    if (result < 0 || closed < 0)
        return log_av(m->made, "write", result < 0 ? result : closed);
    if (sync_path(m->made, O_RDONLY))
        return true;
    log_error("cannot write %s: %s", m->made, strerror(errno));
    return false;
}

// All streams, nothing written yet.
static bool begin(struct mux *m)
{
    const struct film_mux_params *p = m->params;
    int result = avformat_alloc_output_context2(&m->out, NULL, NULL, p->path);

    if (result < 0)
        return log_av(p->path, "write", result);
    // st3d, and in MP4 FLAC and TrueHD, are not yet in FFmpeg's idea of the standard
    m->out->strict_std_compliance = FF_COMPLIANCE_EXPERIMENTAL;
    m->picture = av_packet_alloc();
    if (!m->picture || !add_film(m))
        return false;
    if (p->source)
        m->streams = film_streams_open(p->source, m->out, m->film, p->video, p->start_ns, p->stop);
    return !p->source || m->streams || !p->whole;
}

static void finish(struct mux *m)
{
    film_streams_close(&m->streams);
    if (m->out)
        avio_closep(&m->out->pb);
    avformat_free_context(m->out);
    av_packet_free(&m->picture);
}

void film_mux_tell(const struct film_mux_params *params)
{
    struct mux m = {.params = params};

    if (params->source && begin(&m))
        film_streams_tell(m.streams);
    finish(&m);
}

enum film_mux_result film_mux_run(const struct film_mux_params *params)
{
    struct mux m = {.params = params, .last_dts = INT64_MIN};
    bool ok;

    m.made = made_name(params->path);
    film_log_rewind(params->log);
    ok = begin(&m) && open_out(&m) && write_packets(&m) && finish_file(&m);
    finish(&m);
    if (!ok)
        unlink(m.made);
    mem_free(m.made);
    return ok ? FILM_MUX_DONE : atomic_load(params->stop) ? FILM_MUX_STOPPED : FILM_MUX_FAILED;
}

bool film_mux_place(const char *path)
{
    char *made = made_name(path), *folder = mem_strdup(path);
    bool ok = rename(made, path) == 0;

    if (!ok)
        log_error("cannot write %s: %s", path, strerror(errno));
    else
        sync_path(dirname(folder), O_RDONLY | O_DIRECTORY); // some file systems cannot
    mem_free(made);
    mem_free(folder);
    return ok;
}

void film_mux_discard(const char *path)
{
    char *made = made_name(path);

    unlink(made);
    mem_free(made);
}
