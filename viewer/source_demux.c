#include "viewer/source_parts.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "viewer/container.h"
#include "viewer/subtitles.h"

// What is read ahead of each decoder: this long, or what of these comes first.
#define AHEAD_NS NS_PER_S
#define AHEAD_PACKETS 256
#define AHEAD_BYTES (INT64_C(32) << 20)
// In a badly interleaved file one decoder starves until the other's packets have been read. Then
// these may grow: pictures for this long, and both together up to so many bytes.
#define APART_NS (10 * NS_PER_S)
#define APART_BYTES (INT64_C(256) << 20)
#define NS_BASE ((AVRational){1, (int)NS_PER_S})
#define RETRY_NS (10 * NS_PER_MS)
// MPEG streams do not stamp every packet: after winding FFmpeg counts on from a guess until a stamp
// comes. They are wound this much further back, so that the guess is over at the place asked for.
#define GUESS_NS NS_PER_S
// A file that ends earlier than its header says, by this and by a twentieth, was cut.
#define CUT_NS NS_PER_S
// What says that it is longer was written into a pipe, where nobody can fill in the length.
#define PROMISE_MAX_NS (7 * 86400 * NS_PER_S)

int64_t source_media_ns(const struct source *s, int64_t time_stamp, AVRational time_base)
{
    int64_t ns;

    if (time_stamp == AV_NOPTS_VALUE || time_base.num <= 0 || time_base.den <= 0)
        return CLOCK_NONE;
    ns = av_rescale_q(time_stamp, time_base, NS_BASE);
    // start_ns is within INT64_MAX / 4
    if (ns < INT64_MIN / 2 || ns > INT64_MAX / 2)
        return CLOCK_NONE;
    ns -= s->start_ns;
    return ns > SOURCE_TIME_MAX_NS || ns < -SOURCE_TIME_MAX_NS ? CLOCK_NONE : ns;
}

// --- the queues; monitor held

void source_free_frame(struct source *s, struct source_frame *frame)
{
    av_frame_unref(frame->frame.av);
    frame->next = s->free_frames;
    s->free_frames = frame;
}

void source_empty_queues(struct source *s)
{
    packet_queue_clear(&s->video_packets);
    packet_queue_clear(&s->audio_packets);
    while (s->ready_count > 0) {
        source_free_frame(s, s->pictures_ready[s->ready_first]);
        s->ready_first = (s->ready_first + 1) % s->lookahead_frames;
        s->ready_count--;
        s->counts.frames_stale++;
        s->counts.frames_decoded--;
    }
    s->ready_bytes = 0;
    for (; s->sound_count > 0; s->sound_count--) {
        av_frame_unref(s->sound_ready[s->sound_first]);
        s->sound_first = (s->sound_first + 1) % SOURCE_SOUND_FRAMES;
    }
    s->sound_ns = 0;
    s->demux_ended = s->video_ended = s->audio_ended = false;
}

static bool enough(const struct packet_queue *q)
{
    return q->count >= 2 && (q->count >= AHEAD_PACKETS || q->bytes >= AHEAD_BYTES ||
                             packet_queue_span_ns(q) >= AHEAD_NS);
}

static bool sound_wanted(const struct source *s)
{
    return s->info.sound_count > 0 && !s->audio_ignored;
}

static bool crowded(const struct source *s)
{
    return s->video_packets.bytes + s->audio_packets.bytes >= APART_BYTES;
}

static bool more_wanted(const struct source *s)
{
    if (crowded(s))
        return s->video_packets.count == 0; // sound then gives way, in enqueue()
    return !enough(&s->video_packets) || (sound_wanted(s) && !enough(&s->audio_packets) &&
                                          packet_queue_span_ns(&s->video_packets) < APART_NS);
}

enum source_take source_take_packet(struct source *s, bool video, unsigned *epoch, AVPacket *out)
{
    struct packet_queue *q = video ? &s->video_packets : &s->audio_packets;
    bool *ended = video ? &s->video_ended : &s->audio_ended;
    enum source_take result;

    monitor_lock(&s->monitor);
    for (;;) {
        if (s->stopped) {
            result = SOURCE_TAKE_STOP;
            break;
        }
        if (*epoch != s->epoch) {
            *epoch = s->epoch;
            result = SOURCE_TAKE_RESET;
            break;
        }
        if (packet_queue_pop(q, out)) {
            monitor_changed(&s->monitor);
            result = SOURCE_TAKE_PACKET;
            break;
        }
        if (s->demux_ended && !*ended) {
            result = SOURCE_TAKE_END;
            break;
        }
        monitor_wait(&s->monitor);
    }
    monitor_unlock(&s->monitor);
    return result;
}

static void enqueue(struct source *s, unsigned epoch, AVPacket *packet, int64_t time_ns)
{
    bool overflow = false;

    monitor_lock(&s->monitor);
    if (epoch != s->epoch) {
        av_packet_unref(packet);
    } else if (packet->stream_index == s->video.index) {
        packet_queue_push(&s->video_packets, packet, time_ns);
    } else if (sound_wanted(s) && !crowded(s)) {
        packet_queue_push(&s->audio_packets, packet, time_ns);
    } else {
        overflow = sound_wanted(s) && !s->audio_overflowed;
        s->audio_overflowed |= overflow;
        av_packet_unref(packet);
    }
    monitor_changed(&s->monitor);
    monitor_unlock(&s->monitor);
    if (overflow)
        log_warn("%s: its sound lies too far from its pictures; some is left out", s->url);
}

// --- reading

// The pictures, or the sound that is heard.
static bool is_decoded(const struct source *s, const AVPacket *packet)
{
    return packet->stream_index == s->video.index ||
           (s->info.sound_count > 0 && packet->stream_index == s->tracks[s->track].index);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void take_in(struct source *s, unsigned epoch, AVPacket *packet)
{
    AVRational base = s->container->streams[packet->stream_index]->time_base;
    int64_t time_ns, pts_ns, latest_ns, lasts_ns = av_rescale_q(packet->duration, base, NS_BASE);

    stream_jump_smooth(&s->jump, s->container, s->video.index, packet);
    if (s->jump.fell)
        s->fell = true;
    time_ns = source_media_ns(s, packet->dts, base);
    pts_ns = source_media_ns(s, packet->pts, base);
    latest_ns = later(time_ns, pts_ns);
    // the film's duration counts to the end of its last packet, of whatever stream
    if (latest_ns != CLOCK_NONE && lasts_ns >= 0 && lasts_ns < SOURCE_TIME_MAX_NS)
        s->read_ns = later(s->read_ns, latest_ns + lasts_ns);
    if (is_decoded(s, packet)) {
        s->epoch_ns = later(s->epoch_ns, latest_ns);
        enqueue(s, epoch, packet, time_ns);
        return;
    }
    // captions are decoded here and at once: they are few and small
    if (s->subtitles && pts_ns != CLOCK_NONE)
        subtitles_feed(s->subtitles, packet, pts_ns);
    av_packet_unref(packet);
}

// How long the header says it is; 0: it does not.
static int64_t promised_ns(const struct source *s)
{
    int64_t duration_ns = s->info.duration_ns;

    // an AVI's header counts pictures; FFmpeg's length is a guess at what is there
    if (strcmp(s->info.container, "avi") == 0)
        duration_ns = later(duration_ns, av_rescale_q(s->info.frames, s->video.time_base, NS_BASE));
    if (duration_ns > PROMISE_MAX_NS)
        return 0;
    // some count the duration from time stamp 0 on, not from the first one (FFmpeg's own Matroska
    // files)
    return s->start_ns > 0 ? duration_ns - s->start_ns : duration_ns;
}

// Only headers that count are believed, not guesses from bit rates.
static bool is_cut(const struct source *s)
{
    int64_t missing_ns = promised_ns(s) - s->read_ns;

    return s->container->duration_estimation_method == AVFMT_DURATION_FROM_STREAM &&
           !s->info.image && missing_ns > CUT_NS && missing_ns > promised_ns(s) / 20;
}

static void end(struct source *s, unsigned epoch, bool broken)
{
    monitor_lock(&s->monitor);
    if (epoch == s->epoch)
        s->demux_ended = true;
    s->broken |= broken;
    monitor_changed(&s->monitor);
    monitor_unlock(&s->monitor);
}

// One packet from the container into a queue.
static void read_packet(struct source *s, unsigned epoch, AVPacket *packet)
{
    int result = container_read(s->container, packet);

    if (result >= 0) {
        take_in(s, epoch, packet);
        return;
    }
    if (result == AVERROR(EAGAIN) || source_stop_asked(s)) {
        clock_sleep_until_ns(clock_now_ns() + RETRY_NS);
        return;
    }
    if (result != AVERROR_EOF)
        log_warn("%s ends early: %s", s->url, source_av_error(result));
    else if (is_cut(s))
        log_warn("%s is cut short: %.1f of %.1f s are there", s->url, (double)s->read_ns / NS_PER_S,
                 (double)promised_ns(s) / NS_PER_S);
    end(s, epoch, result != AVERROR_EOF || is_cut(s));
}

// --- winding

// False: the container cannot.
static bool wind_container(struct source *s, int64_t to_ns)
{
    int64_t from_ns = to_ns + s->start_ns - (s->discontinuous ? GUESS_NS : 0);
    int64_t time_stamp = av_rescale_q(from_ns, NS_BASE, s->video.time_base);

    // Backwards to a picture that stands alone. Some containers only know those behind the place.
    return avformat_seek_file(s->container, s->video.index, INT64_MIN, time_stamp, time_stamp, 0) >=
               0 ||
           av_seek_frame(s->container, s->video.index, time_stamp, 0) >= 0;
}

static void wind(struct source *s, unsigned epoch, int64_t to_ns)
{
    stream_jump_reset(&s->jump);
    if (s->subtitles)
        subtitles_wound(s->subtitles, s->epoch_ns, to_ns);
    s->epoch_ns = CLOCK_NONE;
    if (to_ns != SOURCE_FROM_START && !s->info.image && wind_container(s, to_ns))
        return;
    log_debug("%s is read again from its beginning", s->url);
    if (!source_reopen_input(s))
        end(s, epoch, true);
}

void source_demux_run(void *user)
{
    struct source *s = user;
    AVPacket *packet = av_packet_alloc();

    if (!packet) {
        end(s, 0, true);
        return;
    }
    monitor_lock(&s->monitor);
    while (!s->stopped) {
        unsigned epoch = s->epoch;
        bool winding = s->wind;
        int sound = s->sound;
        int64_t wind_ns = s->wind_ns;

        if (!winding && (s->demux_ended || !more_wanted(s))) {
            monitor_wait(&s->monitor);
            continue;
        }
        s->wind = false;
        monitor_unlock(&s->monitor);
        if (sound != s->track) {
            s->track = sound;
            source_discard_others(s);
        }
        if (winding)
            wind(s, epoch, wind_ns);
        else
            read_packet(s, epoch, packet);
        monitor_lock(&s->monitor);
    }
    monitor_unlock(&s->monitor);
    av_packet_free(&packet);
}
