#include "viewer/source_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/mem.h"
#include "viewer/language.h"
#include "viewer/source_exif.h"
#include "viewer/source_gpu.h"
#include "viewer/subtitles.h"

// what a film may have; beyond is damage, or Matroska's way to say that it does not know
#define FRAMES_PER_S_MAX 1000.0
#define FRAMES_PER_S_DEFAULT 25.0

// --- which streams

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

// gpu: what it decodes on; NULL: the CPU.
static AVCodecContext *open_decoder(struct source *s, const AVCodecParameters *p,
                                    AVRational time_base, struct source_gpu *gpu)
{
    const AVCodec *codec = gpu ? source_gpu_codec(p->codec_id) : avcodec_find_decoder(p->codec_id);
    bool video = p->codec_type == AVMEDIA_TYPE_VIDEO;
    AVCodecContext *decoder = NULL;
    int result = AVERROR(ENOMEM);

    if (!codec) {
        log_error("%s: FFmpeg here has no decoder for %s (%s)", s->url,
                  p->codec_id ? avcodec_get_name(p->codec_id) : "an unknown codec",
                  av_fourcc2str(p->codec_tag));
        return NULL;
    }
    decoder = avcodec_alloc_context3(codec);
    if (!decoder || (result = avcodec_parameters_to_context(decoder, p)) < 0)
        goto fail;
    decoder->pkt_timebase = time_base;
    decoder->thread_count = !video ? 1 : s->info.image ? 1 : s->threads;
    decoder->max_pixels = (int64_t)DEEP3D_MAX_SIDE_PX * DEEP3D_MAX_SIDE_PX;
    if (gpu)
        source_gpu_prepare(gpu, decoder);
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

// NULL: the film is decoded by the CPU; one line says why where that could be otherwise.
static struct source_gpu *find_gpu(struct source *s, const AVCodecParameters *p)
{
    struct source_gpu *gpu;
    char why[256];

    if (!s->gpu_wanted || s->info.image || !source_gpu_codec(p->codec_id))
        return NULL;
    if (!s->keep_fields && p->field_order > AV_FIELD_PROGRESSIVE) {
        log_info("%s: %s is decoded by the CPU: it is interlaced", s->url,
                 avcodec_get_name(p->codec_id));
        return NULL;
    }
    gpu = source_gpu_create(s->gpu_uuid, why, sizeof(why));
    if (!gpu)
        log_info("%s: %s is decoded by the CPU: %s", s->url, avcodec_get_name(p->codec_id), why);
    return gpu;
}

// False: no memory.
static bool take_stream(struct source_stream *out, const AVStream *stream)
{
    out->index = stream->index;
    out->time_base = stream->time_base;
    out->parameters = avcodec_parameters_alloc();
    if (out->parameters && avcodec_parameters_copy(out->parameters, stream->codecpar) >= 0)
        return true;
    avcodec_parameters_free(&out->parameters);
    return false;
}

static bool open_video(struct source *s, const AVStream *stream)
{
    const AVCodecParameters *p = stream->codecpar;

    if (!take_stream(&s->video, stream)) {
        log_error("%s: no memory", s->url);
        return false;
    }
    s->gpu = find_gpu(s, p);
    s->video.decoder = open_decoder(s, p, stream->time_base, s->gpu);
    s->on_gpu = s->gpu && s->video.decoder;
    return s->video.decoder;
}

bool source_leave_hardware(struct source *s)
{
    AVCodecContext *decoder = open_decoder(s, s->video.parameters, s->video.time_base, NULL);

    if (!decoder)
        return false;
    avcodec_free_context(&s->video.decoder);
    s->video.decoder = decoder;
    s->on_gpu = false;
    return true;
}

static void copy_word(char *out, size_t size, const AVDictionary *metadata, const char *key)
{
    const AVDictionaryEntry *entry = av_dict_get(metadata, key, NULL, 0);

    snprintf(out, size, "%s", entry ? entry->value : "");
}

static void describe_sound(struct source_sound *out, const AVStream *stream)
{
    *out = (struct source_sound){.codec = avcodec_get_name(stream->codecpar->codec_id),
                                 .rate_hz = stream->codecpar->sample_rate,
                                 .channels = stream->codecpar->ch_layout.nb_channels};
    copy_word(out->language, sizeof(out->language), stream->metadata, "language");
    copy_word(out->title, sizeof(out->title), stream->metadata, "title");
    if (strcmp(out->language, "und") == 0)
        out->language[0] = '\0';
}

static void find_sounds(struct source *s)
{
    unsigned count = s->container->nb_streams;
    bool unknown = false;

    s->sounds = mem_new(count, sizeof(*s->sounds));
    s->tracks = mem_new(count, sizeof(*s->tracks));
    for (unsigned i = 0; i < count; i++) {
        const AVStream *stream = s->container->streams[i];
        const AVCodecParameters *p = stream->codecpar;
        bool known = avcodec_find_decoder(p->codec_id);

        if (p->codec_type != AVMEDIA_TYPE_AUDIO)
            continue;
        unknown |= !known;
        if (!known || !take_stream(&s->tracks[s->info.sound_count], stream))
            continue;
        describe_sound(&s->sounds[s->info.sound_count++], stream);
    }
    s->info.sounds = s->sounds;
    if (s->info.sound_count == 0 && unknown)
        log_warn("%s: FFmpeg here has no decoder for its sound: it plays without", s->url);
}

// Which track is heard first: the number, then the language, then what the container prefers.
static int choose_sound(const struct source *s, const struct source_params *params)
{
    int best = 0, best_wish = -1, preferred;

    if (params->audio > 0 && params->audio <= s->info.sound_count)
        return params->audio - 1;
    if (params->audio > 0)
        log_warn("%s has %d sound tracks, no number %d", s->url, s->info.sound_count,
                 params->audio);
    preferred = av_find_best_stream(s->container, AVMEDIA_TYPE_AUDIO, -1, s->video.index, NULL, 0);
    for (int i = 0; i < s->info.sound_count; i++) {
        int wish = language_wish(params->audio_lang, s->sounds[i].language);

        // of two that are as welcome rather the one of which something was seen
        if (wish >= 0)
            wish = 2 * wish + (s->sounds[i].rate_hz <= 0);
        if (wish >= 0 && (best_wish < 0 || wish < best_wish)) {
            best = i;
            best_wish = wish;
        } else if (best_wish < 0 && s->tracks[i].index == preferred) {
            best = i;
        }
    }
    return best;
}

AVCodecContext *source_open_sound(struct source *s, const struct source_stream *track)
{
    return open_decoder(s, track->parameters, track->time_base, NULL);
}

static bool open_streams(struct source *s, const struct source_params *params)
{
    AVFormatContext *c = s->container;
    int video = best_video(c);

    if (video < 0) {
        log_no_video(s->url, c);
        return false;
    }
    if (!check_video(s->url, c->streams[video]->codecpar) || !open_video(s, c->streams[video]))
        return false;
    if (params->no_audio || s->info.image)
        return true;
    find_sounds(s);
    if (s->info.sound_count > 0)
        s->sound = s->track = choose_sound(s, params);
    return true;
}

static bool is_wanted(const struct source *s, int stream)
{
    return stream == s->video.index ||
           (s->info.sound_count > 0 && stream == s->tracks[s->track].index) ||
           (s->subtitles && subtitles_want(s->subtitles, stream));
}

void source_discard_others(struct source *s)
{
    if (!streams_fetched_apart(s->container))
        return;
    for (unsigned i = 0; i < s->container->nb_streams; i++)
        s->container->streams[i]->discard =
            is_wanted(s, (int)i) ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
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

// At least `least` bytes of it; NULL: the container does not say it.
static const void *stream_says(const AVStream *stream, enum AVPacketSideDataType what, size_t least)
{
#if LIBAVCODEC_VERSION_INT >= AV_VERSION_INT(60, 31, 102)
    const AVPacketSideData *data = av_packet_side_data_get(
        stream->codecpar->coded_side_data, stream->codecpar->nb_coded_side_data, what);

    return data && data->size >= least ? data->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, what, &size);

    return data && size >= least ? data : NULL;
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
    if (duration_us <= 0 || duration_us > SOURCE_TIME_MAX_NS / NS_PER_US)
        return 0;
    return duration_us * NS_PER_US;
}

static bool is_seekable(const AVFormatContext *container)
{
    if (container->ctx_flags & AVFMTCTX_UNSEEKABLE)
        return false;
    if (streams_fetched_apart(container)) // piece by piece, whatever the list's own server can do
        return container->duration > 0;
    if (container->iformat->flags & AVFMT_NOFILE) // image2 among them, and devices, which cannot
        return container->duration > 0;
    return container->pb && (container->pb->seekable & AVIO_SEEKABLE_NORMAL);
}

static void describe_video(struct source *s, AVStream *stream)
{
    const void *matrix;
    const AVStereo3D *stereo;

    s->info.video_codec = avcodec_get_name(stream->codecpar->codec_id);
    s->info.width = stream->codecpar->width;
    s->info.height = stream->codecpar->height;
    s->info.frames = s->info.image ? 1 : stream->nb_frames > 0 ? stream->nb_frames : 0;
    s->info.frames_per_s = s->info.image ? 0 : frames_per_s(s->container, stream);
    s->guessed_frames_per_s =
        s->info.frames_per_s > 0 ? s->info.frames_per_s : FRAMES_PER_S_DEFAULT;
    s->sample_aspect = stream->sample_aspect_ratio;
    matrix = stream_says(stream, AV_PKT_DATA_DISPLAYMATRIX, sizeof(s->display_matrix));
    if (matrix) {
        memcpy(s->display_matrix, matrix, sizeof(s->display_matrix));
        s->has_display_matrix = true;
    }
    stereo = stream_says(stream, AV_PKT_DATA_STEREO3D, sizeof(s->stereo_of_stream));
    if (stereo) {
        s->stereo_of_stream = *stereo;
        s->stereo.said = &s->stereo_of_stream;
    }
}

static int by_start(const void *a, const void *b)
{
    int64_t left = ((const struct source_chapter *)a)->start_ns,
            right = ((const struct source_chapter *)b)->start_ns;

    return (left > right) - (left < right);
}

static void describe_chapters(struct source *s)
{
    unsigned count = s->container->nb_chapters;

    s->info.chapters = s->chapters = mem_new(count, sizeof(*s->chapters));
    for (unsigned i = 0; i < count; i++) {
        const AVChapter *c = s->container->chapters[i];
        int64_t start_ns = source_media_ns(s, c->start, c->time_base);
        struct source_chapter *out = &s->chapters[s->info.chapter_count];

        if (start_ns == CLOCK_NONE)
            continue;
        out->start_ns = start_ns > 0 ? start_ns : 0;
        copy_word(out->title, sizeof(out->title), c->metadata, "title");
        s->info.chapter_count++;
    }
    qsort(s->chapters, (size_t)s->info.chapter_count, sizeof(*s->chapters), by_start);
}

static void describe(struct source *s)
{
    AVFormatContext *c = s->container;

    s->info.url = s->url;
    s->info.container = c->iformat->name;
    s->info.duration_ns = duration_ns(s);
    s->info.seekable = is_seekable(c);
    describe_video(s, c->streams[s->video.index]);
    s->discontinuous = c->iformat->flags & AVFMT_TS_DISCONT;
    s->start_ns = 0;
    if (c->start_time != AV_NOPTS_VALUE && llabs(c->start_time) < INT64_MAX / 4 / NS_PER_US)
        s->start_ns = c->start_time * NS_PER_US;
    s->info.discontinuous = s->discontinuous;
    s->info.video = s->video.index;
    s->info.start_ns = s->start_ns;
    s->info.time_base[0] = s->video.time_base.num;
    s->info.time_base[1] = s->video.time_base.den;
    describe_chapters(s);
}

bool source_open_streams(struct source *s, const struct source_params *params)
{
    s->info.image = is_image(s->container, s->url);
    // what came through a pipe cannot be read twice
    s->png_orientation = s->info.image && !s->pipe && !s->heif ? source_exif_png(s->url) : 0;
    if (!open_streams(s, params))
        return false;
    if (s->subtitles && !s->info.image)
        subtitles_add_streams(s->subtitles, s->container, s->url);
    source_discard_others(s);
    describe(s);
    return true;
}
