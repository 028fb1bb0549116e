#include "viewer/film_streams.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "viewer/container.h"
#include "viewer/film_captions.h"
#include "viewer/stream_jump.h"

// How far a film is looked into for sound that does not come at once.
#define PATIENT_BYTES (128 << 20)
#define PATIENT_US (300 * INT64_C(1000000))
#define OPUS_RATE_HZ 48000
#define RETRY_NS (10 * NS_PER_MS)
#define NS_BASE ((AVRational){1, (int)NS_PER_S})

struct copied {
    int index; // in `out`; -1: not there
    bool left_out;
    int64_t last_dts;
    int step;                       // how far a time stamp must lie behind the last one at least
    int64_t delay_ns;               // added to time stamps
    struct film_captions *captions; // that rewrite the packets; NULL: they are copied
};

struct film_streams {
    AVFormatContext *in, *out;
    struct copied *copied; // for each stream of `in`
    unsigned count;
    int video; // stream of `in` with the film's pictures; < 0: none
    struct stream_jump jump;
    int64_t start_ns;
    AVPacket *packet;
    int64_t packet_ns;
    const atomic_bool *stop;
    bool over, broken;
};

static int stop_asked(void *user)
{
    return atomic_load((const atomic_bool *)user);
}

// --- which

static bool is_sound(const AVStream *s)
{
    return s->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
}

// Nothing came of it while FFmpeg looked.
static bool is_unseen(const AVStream *s)
{
    return is_sound(s) && s->codecpar->sample_rate <= 0;
}

static bool is_film(const AVStream *s)
{
    return s->codecpar->codec_type == AVMEDIA_TYPE_VIDEO &&
           !(s->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_TIMED_THUMBNAILS));
}

static bool is_matroska(const AVFormatContext *out)
{
    return strcmp(out->oformat->name, "matroska") == 0;
}

static bool is_cover(const AVStream *s)
{
    return (s->disposition & AV_DISPOSITION_ATTACHED_PIC) && s->attached_pic.size > 0;
}

// Matroska keeps a cover as an attachment, and would show it as a second film otherwise.
static void make_attachment(AVStream *to, const AVStream *from)
{
    AVCodecParameters *p = to->codecpar;
    const AVPacket *picture = &from->attached_pic;
    bool png = p->codec_id == AV_CODEC_ID_PNG;

    av_freep(&p->extradata);
    p->extradata = av_mallocz((size_t)picture->size + AV_INPUT_BUFFER_PADDING_SIZE);
    p->extradata_size = p->extradata ? picture->size : 0;
    if (p->extradata)
        memcpy(p->extradata, picture->data, (size_t)picture->size);
    p->codec_type = AVMEDIA_TYPE_ATTACHMENT;
    to->disposition = 0;
    av_dict_set(&to->metadata, "filename", png ? "cover.png" : "cover.jpg", 0);
    av_dict_set(&to->metadata, "mimetype", png ? "image/png" : "image/jpeg", 0);
}

static bool add_like(AVFormatContext *out, const AVStream *from)
{
    AVStream *to = avformat_new_stream(out, NULL);

    if (!to || avcodec_parameters_copy(to->codecpar, from->codecpar) < 0)
        return false;
    to->codecpar->codec_tag = 0;
    to->time_base = from->time_base;
    to->disposition = from->disposition;
    return true;
}

// Muxers refuse some of what their tables hold, and only when the header is written: one is tried,
// of the film and this stream.
static bool header_takes(const AVFormatContext *out, const AVStream *s)
{
    AVFormatContext *trial = avformat_alloc_context();
    uint8_t *bytes = NULL;
    bool ok = false;

    if (!trial)
        return false;
    trial->oformat = out->oformat;
    trial->strict_std_compliance = out->strict_std_compliance;
    if (add_like(trial, out->streams[0]) && add_like(trial, s) &&
        avio_open_dyn_buf(&trial->pb) >= 0) {
        ok = avformat_write_header(trial, NULL) >= 0;
        avio_close_dyn_buf(trial->pb, &bytes);
        trial->pb = NULL;
        av_free(bytes);
    }
    avformat_free_context(trial);
    return ok;
}

static bool takes(const AVFormatContext *out, const AVStream *s)
{
    const AVCodecParameters *p = s->codecpar;

    if (p->codec_id == AV_CODEC_ID_NONE || p->codec_type == AVMEDIA_TYPE_DATA ||
        p->codec_type == AVMEDIA_TYPE_UNKNOWN)
        return false;
    if (is_unseen(s))
        return false;
    if (p->codec_type == AVMEDIA_TYPE_ATTACHMENT)
        return is_matroska(out);
    if (is_cover(s) && is_matroska(out))
        return p->codec_id == AV_CODEC_ID_PNG || p->codec_id == AV_CODEC_ID_MJPEG;
    return avformat_query_codec(out->oformat, p->codec_id, FF_COMPLIANCE_NORMAL) == 1 &&
           header_takes(out, s);
}

// As whoever gave it knows it.
static const char *name_of(const AVFormatContext *in)
{
    return strncmp(in->url, "file:", 5) == 0 ? in->url + 5 : in->url;
}

static void log_left_out(const struct film_streams *f, const AVStream *s)
{
    const AVDictionaryEntry *language = av_dict_get(s->metadata, "language", NULL, 0);
    const char *type = av_get_media_type_string(s->codecpar->codec_type);

    char reason[64];

    snprintf(reason, sizeof(reason), "a %s file does not hold it", f->out->oformat->name);
    log_warn("%s: stream %d (%s, %s%s%s) is left out: %s", name_of(f->in), s->index,
             type ? type : "unknown",
             s->codecpar->codec_id ? avcodec_get_name(s->codecpar->codec_id) : "unknown",
             language ? ", " : "", language ? language->value : "",
             is_unseen(s) ? "nothing of it was found in the film's beginning" : reason);
}

// Sets the parameters of the stream in `out`. False: its container has no room for this.
static bool make_parameters(struct film_streams *f, const AVStream *from, AVCodecParameters *out)
{
    struct copied *c = &f->copied[from->index];

    if (!takes(f->out, from))
        return (c->captions = film_captions_create(from, f->out->oformat, out));
    if (avcodec_parameters_copy(out, from->codecpar) < 0)
        return false;
    out->codec_tag = 0; // the container's own
    return true;
}

static bool add_stream(struct film_streams *f, const AVStream *from)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    AVStream *to = NULL;

    if (parameters && make_parameters(f, from, parameters))
        to = avformat_new_stream(f->out, NULL);
    if (to)
        avcodec_parameters_copy(to->codecpar, parameters);
    avcodec_parameters_free(&parameters);
    if (!to)
        return false;
    // FFmpeg's MP4 muxer takes captions' times for ones of its own when it looks for their ends
    to->time_base =
        to->codecpar->codec_type == AVMEDIA_TYPE_SUBTITLE ? AV_TIME_BASE_Q : from->time_base;
    to->disposition = from->disposition;
    av_dict_copy(&to->metadata, from->metadata, 0);
    if (is_cover(from) && is_matroska(f->out)) {
        make_attachment(to, from);
        return true;
    }
    f->copied[from->index].index = to->index;
    return true;
}

// FFmpeg before 8 takes Opus' delay off the times that it reads from Matroska, and does not put it
// back on those that it writes.
static int64_t delay_ns(const AVFormatContext *out, const AVCodecParameters *p)
{
    bool lost =
        LIBAVFORMAT_VERSION_MAJOR < 62 && p->codec_id == AV_CODEC_ID_OPUS &&
        (strcmp(out->oformat->name, "matroska") == 0 || strcmp(out->oformat->name, "webm") == 0);

    return lost ? av_rescale(p->initial_padding, NS_PER_S, OPUS_RATE_HZ) : 0;
}

static void add_streams(struct film_streams *f)
{
    bool strict = !(f->out->oformat->flags & AVFMT_TS_NONSTRICT);

    for (unsigned i = 0; i < f->count; i++) {
        AVStream *s = f->in->streams[i];

        f->copied[i] = (struct copied){.index = -1,
                                       .last_dts = INT64_MIN,
                                       .step = strict && is_sound(s),
                                       .delay_ns = delay_ns(f->out, s->codecpar)};
        // what FFmpeg itself passes over holds chapters, which are copied as such
        f->copied[i].left_out = !is_film(s) && s->discard != AVDISCARD_ALL && !add_stream(f, s);
        if (f->copied[i].index < 0 && !stream_jump_wants_all(f->in))
            s->discard = AVDISCARD_ALL;
    }
}

// --- chapters and metadata

static void copy_chapters(struct film_streams *f)
{
    unsigned count = f->in->nb_chapters;

    if (count == 0 || !(f->out->chapters = av_calloc(count, sizeof(*f->out->chapters))))
        return;
    for (unsigned i = 0; i < count; i++) {
        const AVChapter *from = f->in->chapters[i];
        int64_t shift = av_rescale_q(f->start_ns, NS_BASE, from->time_base);
        AVChapter *to;

        if (from->end <= shift) // before the film
            continue;
        to = av_mallocz(sizeof(*to));
        if (!to)
            return;
        to->id = from->id;
        to->time_base = from->time_base;
        to->start = from->start > shift ? from->start - shift : 0;
        to->end = FFMAX(from->end - shift, to->start);
        av_dict_copy(&to->metadata, from->metadata, 0);
        f->out->chapters[f->out->nb_chapters++] = to;
    }
}

static void copy_metadata(const struct film_streams *f, AVStream *film)
{
    static const char *const of_film[] = {"language", "title", "handler_name"};
    // what the file says of itself is not true of the new one
    static const char *const never[] = {"encoder",           "major_brand",   "minor_version",
                                        "compatible_brands", "creation_time", "stereo_mode"};

    av_dict_copy(&f->out->metadata, f->in->metadata, 0);
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        av_dict_set(&f->out->metadata, never[i], NULL, 0);
    for (size_t i = 0; i < sizeof(of_film) / sizeof(of_film[0]) && f->video >= 0; i++) {
        const AVDictionaryEntry *e =
            av_dict_get(f->in->streams[f->video]->metadata, of_film[i], NULL, 0);

        if (e)
            av_dict_set(&film->metadata, e->key, e->value, 0);
    }
    // an even pace is worth saying, an average is not
    if (f->video >= 0 && f->in->streams[f->video]->r_frame_rate.num > 0 &&
        av_cmp_q(f->in->streams[f->video]->r_frame_rate,
                 f->in->streams[f->video]->avg_frame_rate) == 0)
        film->avg_frame_rate = f->in->streams[f->video]->avg_frame_rate;
}

// --- up and down

// patient: looks far into it.
static int open_container(AVFormatContext **in, const char *source, const atomic_bool *stop,
                          bool patient)
{
    int result;

    *in = avformat_alloc_context();
    if (!*in)
        return AVERROR(ENOMEM);
    (*in)->interrupt_callback = (AVIOInterruptCB){stop_asked, (void *)stop};
    if (patient) {
        (*in)->probesize = PATIENT_BYTES;
        (*in)->max_analyze_duration = PATIENT_US;
    }
    result = container_open(in, source, NULL);
    if (result >= 0)
        result = avformat_find_stream_info(*in, NULL);
    if (result < 0)
        avformat_close_input(in);
    return result;
}

static bool sound_unseen(const AVFormatContext *in)
{
    for (unsigned i = 0; i < in->nb_streams; i++)
        if (is_unseen(in->streams[i]))
            return true;
    return false;
}

static AVFormatContext *open_source(const char *source, const atomic_bool *stop)
{
    AVFormatContext *in = NULL, *again = NULL;
    int result = open_container(&in, source, stop, false);

    if (result < 0 && !atomic_load(stop))
        log_warn("%s cannot be opened again for its sound and subtitles: %s", source,
                 av_err2str(result));
    // sound may begin late; a muxer must know what it is like
    if (result < 0 || !sound_unseen(in) || open_container(&again, source, stop, true) < 0)
        return in;
    avformat_close_input(&in);
    return again;
}

struct film_streams *film_streams_open(const char *source, AVFormatContext *out, AVStream *film,
                                       int video, int64_t start_ns, const atomic_bool *stop)
{
    struct film_streams *f = mem_new(1, sizeof(*f));

    f->in = open_source(source, stop);
    f->packet = av_packet_alloc();
    if (!f->in || !f->packet) {
        film_streams_close(&f);
        return NULL;
    }
    f->out = out;
    f->start_ns = start_ns;
    f->stop = stop;
    f->count = f->in->nb_streams;
    f->video = video < (int)f->count ? video : -1; // a server may have changed its mind
    stream_jump_reset(&f->jump);
    f->copied = mem_new(f->count, sizeof(*f->copied));
    add_streams(f);
    copy_chapters(f);
    copy_metadata(f, film);
    return f;
}

void film_streams_tell(const struct film_streams *streams)
{
    for (unsigned i = 0; streams && i < streams->count; i++)
        if (streams->copied[i].left_out)
            log_left_out(streams, streams->in->streams[i]);
}

void film_streams_close(struct film_streams **streams)
{
    struct film_streams *f = *streams;

    if (!f)
        return;
    for (unsigned i = 0; i < f->count; i++)
        film_captions_destroy(&f->copied[i].captions);
    avformat_close_input(&f->in);
    av_packet_free(&f->packet);
    stream_jump_finish(&f->jump);
    mem_free(f->copied);
    mem_free(f);
    *streams = NULL;
}

// --- packets

// Times as `out` wants them: from the film's beginning, decoding times rising.
static void set_times(struct film_streams *f, struct copied *c)
{
    AVPacket *p = f->packet;
    AVRational from = f->in->streams[p->stream_index]->time_base;
    int64_t shift = av_rescale_q(f->start_ns - c->delay_ns, NS_BASE, from);

    if (p->dts == AV_NOPTS_VALUE)
        p->dts = p->pts;
    if (p->pts == AV_NOPTS_VALUE)
        p->pts = p->dts;
    p->pts -= shift;
    p->dts -= shift;
    f->packet_ns = av_rescale_q(p->dts, from, NS_BASE);
    av_packet_rescale_ts(p, from, f->out->streams[c->index]->time_base);
    if (c->last_dts != INT64_MIN && p->dts < c->last_dts + c->step)
        p->dts = c->last_dts + c->step;
    if (p->pts < p->dts)
        p->pts = p->dts;
    c->last_dts = p->dts;
    p->stream_index = c->index;
    p->pos = -1;
}

// False: no more.
static bool read_packet(struct film_streams *f)
{
    int result;

    if (f->over)
        return false;
    while ((result = container_read(f->in, f->packet)) == AVERROR(EAGAIN) && !atomic_load(f->stop))
        clock_sleep_until_ns(clock_now_ns() + RETRY_NS);
    if (result >= 0)
        return true;
    f->over = true;
    f->broken = result != AVERROR_EOF && !atomic_load(f->stop);
    if (f->broken)
        log_warn("%s ends early when it is read again for its sound and subtitles: %s",
                 name_of(f->in), av_err2str(result));
    return false;
}

// Covers have no time of their own.
static void time_cover(struct film_streams *f)
{
    const AVStream *s = f->in->streams[f->packet->stream_index];

    if ((s->disposition & AV_DISPOSITION_ATTACHED_PIC) && f->packet->pts == AV_NOPTS_VALUE &&
        f->packet->dts == AV_NOPTS_VALUE)
        f->packet->pts = f->packet->dts = av_rescale_q(f->start_ns, NS_BASE, s->time_base);
}

AVPacket *film_streams_next(struct film_streams *streams, int64_t *out_ns)
{
    struct film_streams *f = streams;

    if (!f)
        return NULL;
    while (!f->packet->data || f->packet->size == 0) {
        struct copied *c;

        av_packet_unref(f->packet);
        if (!read_packet(f))
            return NULL;
        stream_jump_smooth(&f->jump, f->in, f->video, f->packet);
        time_cover(f);
        c = (unsigned)f->packet->stream_index < f->count ? &f->copied[f->packet->stream_index]
                                                         : NULL;
        if (!c || c->index < 0 ||
            (f->packet->pts == AV_NOPTS_VALUE && f->packet->dts == AV_NOPTS_VALUE) ||
            (c->captions && !film_captions_convert(c->captions, f->packet)))
            av_packet_unref(f->packet);
        else
            set_times(f, c);
    }
    *out_ns = f->packet_ns;
    return f->packet;
}

bool film_streams_broken(const struct film_streams *streams)
{
    return streams && streams->broken;
}
