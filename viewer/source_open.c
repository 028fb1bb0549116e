#include "viewer/source_parts.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include <libavdevice/avdevice.h>
#include <libavutil/avstring.h>
#include <libavutil/display.h>

#include "base/log.h"
#include "base/mem.h"
#include "viewer/source_pipe.h"

// a network that says nothing for this long is gone
#define NETWORK_PATIENCE_US "30000000"
#define FRAMES_PER_S_MAX 1000.0
#define FRAMES_PER_S_DEFAULT 25.0
// times above this are damage: 31 years
#define TIME_MAX_NS (INT64_C(1000000000) * NS_PER_S)

const char *source_av_error(int av_error)
{
    static _Thread_local char text[AV_ERROR_MAX_STRING_SIZE];

    if (av_strerror(av_error, text, sizeof(text)) < 0)
        return "unknown reason";
    return text;
}

static int stop_asked(void *user)
{
    return atomic_load(&((struct source *)user)->stopped);
}

// --- the container

// "lavfi:testsrc2", "x11grab::0", "v4l2:/dev/video0": an input device and what it is to open. NULL:
// no device, *out_rest as before.
static const AVInputFormat *device_of(const char *url, const char **out_rest)
{
    const AVInputFormat *device = NULL;
    size_t length = strcspn(url, ":");
    char name[32];

    if (url[length] != ':' || length == 0 || length >= sizeof(name))
        return NULL;
    memcpy(name, url, length);
    name[length] = '\0';
    while ((device = av_input_video_device_next(device)) && !av_match_name(name, device->name))
        continue;
    if (device)
        *out_rest = url + length + 1;
    return device;
}

// False, logged: this file can be no film.
static bool looks_playable(const char *path, bool *out_exists)
{
    struct stat file;

    if (!path[0]) {
        log_error("an empty name is no file: name a file or a URL");
        return false;
    }
    *out_exists = stat(path, &file) == 0;
    if (!*out_exists) // may be a URL
        return true;
    if (S_ISDIR(file.st_mode)) {
        log_error("%s is a directory: name the files in it", path);
        return false;
    }
    if (S_ISREG(file.st_mode) && file.st_size == 0) {
        log_error("%s is empty: was its download cut short?", path);
        return false;
    }
    return true;
}

static void log_open_error(const char *url, int av_error)
{
    if (av_error == AVERROR_INVALIDDATA)
        log_error("%s is not a film or picture that FFmpeg knows, or its beginning is damaged",
                  url);
    else if (av_error == AVERROR_PROTOCOL_NOT_FOUND)
        log_error("cannot open %s: FFmpeg here has no such protocol (`ffmpeg -protocols` lists "
                  "them)",
                  url);
    else
        log_error("cannot open %s: %s", url, source_av_error(av_error));
}

static AVFormatContext *open_container(struct source *s)
{
    const char *rest = s->url;
    const AVInputFormat *device = NULL;
    AVFormatContext *container = NULL;
    AVDictionary *options = NULL;
    char *path = NULL;
    bool exists;
    int result;

    if (!looks_playable(s->url, &exists))
        return NULL;
    if (!exists)
        device = device_of(s->url, &rest);
    if (source_pipe_is_one(s->url)) {
        s->pipe = source_pipe_open(s->url, &s->stopped);
        if (!s->pipe)
            return NULL;
    }
    container = avformat_alloc_context();
    if (!container)
        return NULL;
    if (s->pipe)
        container->pb = source_pipe_io(s->pipe);
    container->interrupt_callback = (AVIOInterruptCB){stop_asked, s};
    if (!device)
        av_dict_set(&options, "rw_timeout", NETWORK_PATIENCE_US, 0);
    // a file that is there is meant literally: "50%d.png" is no pattern, "a:b.mkv" no protocol
    if (exists)
        av_dict_set(&options, "pattern_type", "none", 0);
    path = exists ? mem_printf("file:%s", rest) : mem_strdup(rest);
    // frees the container where it fails
    result = avformat_open_input(&container, path, device, &options);
    av_dict_free(&options);
    mem_free(path);
    if (result < 0) {
        if (!stop_asked(s))
            log_open_error(s->url, result);
        return NULL;
    }
    return container;
}

// Looks into the streams; the decoders that it uses for that are limited as ours are.
static bool find_streams(struct source *s, AVFormatContext *container)
{
    unsigned count = container->nb_streams; // more may turn up meanwhile
    AVDictionary **options = mem_new(count + 1, sizeof(*options));
    int result;

    for (unsigned i = 0; i < count; i++)
        av_dict_set_int(&options[i], "max_pixels", (int64_t)DEEP3D_MAX_SIDE_PX * DEEP3D_MAX_SIDE_PX,
                        0);
    result = avformat_find_stream_info(container, count > 0 ? options : NULL);
    for (unsigned i = 0; i < count; i++)
        av_dict_free(&options[i]);
    mem_free(options);
    if (result < 0)
        log_error("cannot read %s: %s", s->url, source_av_error(result));
    return result >= 0;
}

// --- the streams

static bool is_text(enum AVCodecID codec)
{
    return codec == AV_CODEC_ID_ANSI || codec == AV_CODEC_ID_BINTEXT || codec == AV_CODEC_ID_XBIN ||
           codec == AV_CODEC_ID_IDF;
}

static bool is_film(const AVStream *stream)
{
    return stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           !(stream->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS));
}

// How much a stream is the one to show: what can be decoded, what the file prefers, the larger.
static int64_t merit(const AVStream *stream)
{
    int64_t pixels = (int64_t)stream->codecpar->width * stream->codecpar->height;

    return pixels + (stream->disposition & AV_DISPOSITION_DEFAULT ? INT64_C(1) << 40 : 0) +
           (avcodec_find_decoder(stream->codecpar->codec_id) ? INT64_C(1) << 50 : 0);
}

static int best_video(const AVFormatContext *container)
{
    int best = SOURCE_NO_STREAM;

    for (unsigned i = 0; i < container->nb_streams; i++)
        if (is_film(container->streams[i]) &&
            (best < 0 || merit(container->streams[i]) > merit(container->streams[best])))
            best = (int)i;
    return best;
}

static void log_no_video(const char *url, const AVFormatContext *container)
{
    for (unsigned i = 0; i < container->nb_streams; i++) {
        if (container->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO) {
            log_error("%s holds sound but no pictures: there is nothing to show", url);
            return;
        }
    }
    log_error("%s holds no pictures: there is nothing to show", url);
}

static bool check_video(const char *url, const AVCodecParameters *p)
{
    if (is_text(p->codec_id)) {
        log_error("%s holds text, not a film or picture", url);
        return false;
    }
    if (p->width > DEEP3D_MAX_SIDE_PX || p->height > DEEP3D_MAX_SIDE_PX) {
        log_error("%s: pictures of %dx%d are too large; up to %d a side can be shown", url,
                  p->width, p->height, DEEP3D_MAX_SIDE_PX);
        return false;
    }
    return true;
}

static AVCodecContext *open_decoder(struct source *s, const AVStream *stream, bool video)
{
    const AVCodecParameters *p = stream->codecpar;
    const AVCodec *codec = avcodec_find_decoder(p->codec_id);
    AVCodecContext *decoder = NULL;
    int result = AVERROR(ENOMEM);

    if (!codec) {
        log_write(video ? LOG_ERROR : LOG_WARN, "%s: FFmpeg here has no decoder for %s (%s)%s",
                  s->url, p->codec_id ? avcodec_get_name(p->codec_id) : "an unknown codec",
                  av_fourcc2str(p->codec_tag), video ? "" : ": it plays without sound");
        return NULL;
    }
    decoder = avcodec_alloc_context3(codec);
    if (!decoder || (result = avcodec_parameters_to_context(decoder, p)) < 0)
        goto fail;
    decoder->pkt_timebase = stream->time_base;
    decoder->thread_count = !video ? 1 : s->info.image ? 1 : s->threads;
    decoder->max_pixels = (int64_t)DEEP3D_MAX_SIDE_PX * DEEP3D_MAX_SIDE_PX;
    result = avcodec_open2(decoder, codec, NULL);
    if (result < 0)
        goto fail;
    return decoder;
fail:
    log_write(video ? LOG_ERROR : LOG_WARN, "%s: the %s decoder does not start: %s%s", s->url,
              codec->name, source_av_error(result), video ? "" : ": it plays without sound");
    avcodec_free_context(&decoder);
    return NULL;
}

// SOURCE_NO_STREAM: none that could be heard.
static int best_audio(const char *url, AVFormatContext *container, int video)
{
    const AVCodec *codec = NULL;
    int audio = av_find_best_stream(container, AVMEDIA_TYPE_AUDIO, -1, video, &codec, 0);

    if (audio == AVERROR_DECODER_NOT_FOUND)
        log_warn("%s: FFmpeg here has no decoder for its sound: it plays without", url);
    return audio >= 0 && container->streams[audio]->codecpar->sample_rate > 0 ? audio
                                                                              : SOURCE_NO_STREAM;
}

static bool open_streams(struct source *s, bool want_audio)
{
    AVFormatContext *c = s->container;
    int video = best_video(c), audio = SOURCE_NO_STREAM;

    if (video < 0) {
        log_no_video(s->url, c);
        return false;
    }
    if (!check_video(s->url, c->streams[video]->codecpar))
        return false;
    s->video = (struct source_stream){video, c->streams[video]->time_base,
                                      open_decoder(s, c->streams[video], true)};
    if (!s->video.decoder)
        return false;
    if (want_audio)
        audio = best_audio(s->url, c, video);
    if (audio >= 0)
        s->audio = (struct source_stream){audio, c->streams[audio]->time_base,
                                          open_decoder(s, c->streams[audio], false)};
    if (!s->audio.decoder)
        s->audio.index = SOURCE_NO_STREAM;
    return true;
}

// What is not shown need not be read.
static void discard_others(struct source *s)
{
    for (unsigned i = 0; i < s->container->nb_streams; i++)
        if ((int)i != s->video.index && (int)i != s->audio.index)
            s->container->streams[i]->discard = AVDISCARD_ALL;
}

// --- what it is

static bool is_image(const AVFormatContext *container, const char *url)
{
    const char *name = container->iformat->name;
    size_t length = strlen(name);
    struct stat file;

    if (strcmp(name, "image2") == 0) // a pattern that is no file's name is a film of images
        return stat(url, &file) == 0;
    return length > 5 && strcmp(name + length - 5, "_pipe") == 0;
}

static const int32_t *stream_matrix(const AVStream *stream)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const AVPacketSideData *data =
        av_packet_side_data_get(stream->codecpar->coded_side_data,
                                stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);

    return data && data->size >= 9 * sizeof(int32_t) ? (const int32_t *)data->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);

    return data && size >= 9 * sizeof(int32_t) ? (const int32_t *)data : NULL;
#endif
}

static double frames_per_s(AVFormatContext *container, AVStream *stream)
{
    double average = av_q2d(stream->avg_frame_rate);

    // Matroska's average is 1000 where it knows nothing
    if (stream->avg_frame_rate.den == 0 || !(average > 0 && average < FRAMES_PER_S_MAX)) {
        AVRational guess = av_guess_frame_rate(container, stream, NULL);

        average = guess.den != 0 ? av_q2d(guess) : 0;
    }
    return average > 0 && average < FRAMES_PER_S_MAX ? average : 0;
}

static int64_t duration_ns(const struct source *s)
{
    int64_t duration_us = s->container->duration;

    if (s->info.image)
        return s->image_duration_ns;
    if (duration_us <= 0 || duration_us > TIME_MAX_NS / NS_PER_US)
        return 0;
    return duration_us * NS_PER_US;
}

static bool is_seekable(const AVFormatContext *container)
{
    if (container->ctx_flags & AVFMTCTX_UNSEEKABLE)
        return false;
    if (container->iformat->flags & AVFMT_NOFILE) // image2 among them, and devices, which cannot
        return container->duration > 0;
    return container->pb && (container->pb->seekable & AVIO_SEEKABLE_NORMAL);
}

static void describe_video(struct source *s, AVStream *stream)
{
    s->info.video_codec = avcodec_get_name(stream->codecpar->codec_id);
    s->info.width = stream->codecpar->width;
    s->info.height = stream->codecpar->height;
    s->info.frames = s->info.image ? 1 : stream->nb_frames > 0 ? stream->nb_frames : 0;
    s->info.frames_per_s = s->info.image ? 0 : frames_per_s(s->container, stream);
    s->guessed_frames_per_s =
        s->info.frames_per_s > 0 ? s->info.frames_per_s : FRAMES_PER_S_DEFAULT;
    s->sample_aspect = stream->sample_aspect_ratio;
    if (stream_matrix(stream)) {
        memcpy(s->display_matrix, stream_matrix(stream), sizeof(s->display_matrix));
        s->has_display_matrix = true;
    }
}

static void describe(struct source *s)
{
    AVFormatContext *c = s->container;

    s->info.url = s->url;
    s->info.container = c->iformat->name;
    s->info.duration_ns = duration_ns(s);
    s->info.seekable = is_seekable(c);
    describe_video(s, c->streams[s->video.index]);
    if (s->audio.decoder) {
        s->info.audio_codec = avcodec_get_name(s->audio.decoder->codec_id);
        s->info.audio_rate_hz = s->audio.decoder->sample_rate;
        s->info.audio_channels = s->audio.decoder->ch_layout.nb_channels;
    }
    s->discontinuous = c->iformat->flags & AVFMT_TS_DISCONT;
    s->start_ns = 0;
    if (c->start_time != AV_NOPTS_VALUE && llabs(c->start_time) < INT64_MAX / 4 / NS_PER_US)
        s->start_ns = c->start_time * NS_PER_US;
}

bool source_open_input(struct source *s)
{
    bool want_audio = s->audio.index != SOURCE_NO_STREAM;

    avdevice_register_all();
    s->container = open_container(s);
    if (!s->container || !find_streams(s, s->container))
        return false;
    s->info.image = is_image(s->container, s->url);
    if (!open_streams(s, want_audio && !s->info.image))
        return false;
    discard_others(s);
    describe(s);
    return true;
}

bool source_reopen_input(struct source *s)
{
    AVFormatContext *again = open_container(s);

    if (!again)
        return false;
    // the same bytes give the same streams, but a server may have changed its mind
    if (!find_streams(s, again) || s->video.index >= (int)again->nb_streams ||
        s->audio.index >= (int)again->nb_streams) {
        avformat_close_input(&again);
        return false;
    }
    avformat_close_input(&s->container);
    s->container = again;
    discard_others(s);
    return true;
}
