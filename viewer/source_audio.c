#include "viewer/source_parts.h"

#include "base/log.h"

// Decoded sound that waits to be read: this long, though never fewer than two pieces.
#define READY_NS (500 * NS_PER_MS)

static int64_t duration_ns(const AVFrame *av)
{
    return av->sample_rate > 0 ? av_rescale(av->nb_samples, NS_PER_S, av->sample_rate) : 0;
}

static bool full(const struct source *s)
{
    return s->sound_count == SOURCE_SOUND_FRAMES ||
           (s->sound_count >= 2 && s->sound_ns >= READY_NS);
}

// Queues a piece of sound; blocks while the queue is full. What ends before the place that was
// asked for is left out.
static void hand_on(struct source *s, unsigned epoch, AVFrame *av)
{
    int64_t lasts_ns = duration_ns(av);

    monitor_lock(&s->monitor);
    while (!s->stopped && epoch == s->epoch && !s->audio_ignored && full(s))
        monitor_wait(&s->monitor);
    if (s->stopped || epoch != s->epoch || s->audio_ignored ||
        (s->target_ns != CLOCK_NONE && av->pts + lasts_ns <= s->target_ns)) {
        av_frame_unref(av);
    } else {
        av_frame_move_ref(s->sound_ready[(s->sound_first + s->sound_count++) % SOURCE_SOUND_FRAMES],
                          av);
        s->sound_ns += lasts_ns;
        monitor_changed(&s->monitor);
    }
    monitor_unlock(&s->monitor);
}

// next_ns: where a piece without a time stamp belongs; CLOCK_NONE: unknown, it cannot be played.
static void receive(struct source *s, unsigned epoch, AVFrame *av, int64_t *next_ns)
{
    while (avcodec_receive_frame(s->heard->decoder, av) >= 0) {
        int64_t pts_ns = source_media_ns(s, av->best_effort_timestamp, s->heard->time_base);

        if (pts_ns == CLOCK_NONE)
            pts_ns = *next_ns;
        if (pts_ns == CLOCK_NONE || av->sample_rate <= 0 || av->nb_samples <= 0) {
            av_frame_unref(av);
            continue;
        }
        av->pts = pts_ns;
        *next_ns = pts_ns + duration_ns(av);
        hand_on(s, epoch, av);
    }
}

static void end(struct source *s, unsigned epoch)
{
    monitor_lock(&s->monitor);
    if (epoch == s->epoch) {
        s->audio_ended = true;
        monitor_changed(&s->monitor);
    }
    monitor_unlock(&s->monitor);
}

// What is decoded from now on is of another place, or another track.
static void forget(struct source *s, int64_t *next_ns)
{
    if (s->heard && s->heard->decoder)
        avcodec_flush_buffers(s->heard->decoder);
    *next_ns = CLOCK_NONE;
}

// Turns to the track that a packet is of.
static void hear(struct source *s, int stream, int64_t *next_ns)
{
    bool first = !s->heard;

    if (s->heard && s->heard->index == stream)
        return;
    for (int i = 0; i < s->info.sound_count; i++)
        if (s->tracks[i].index == stream)
            s->heard = &s->tracks[i];
    if (!s->heard->decoder)
        s->heard->decoder = source_open_sound(s, s->heard);
    if (!first)
        forget(s, next_ns);
}

// packet NULL: empties the decoder.
static void decode(struct source *s, unsigned epoch, AVPacket *packet, AVFrame *av,
                   int64_t *next_ns)
{
    if (packet)
        hear(s, packet->stream_index, next_ns);
    if (!s->heard || !s->heard->decoder)
        return;
    if (avcodec_send_packet(s->heard->decoder, packet) == AVERROR(EAGAIN)) {
        receive(s, epoch, av, next_ns);
        avcodec_send_packet(s->heard->decoder, packet);
    }
    receive(s, epoch, av, next_ns);
}

void source_audio_run(void *user)
{
    struct source *s = user;
    AVPacket *packet = av_packet_alloc();
    AVFrame *av = av_frame_alloc();
    enum source_take take;
    unsigned epoch = 0;
    int64_t next_ns = 0; // sound without any time stamps begins with the film

    while (packet && av &&
           (take = source_take_packet(s, false, &epoch, packet)) != SOURCE_TAKE_STOP) {
        if (take == SOURCE_TAKE_RESET) {
            forget(s, &next_ns);
        } else {
            decode(s, epoch, take == SOURCE_TAKE_END ? NULL : packet, av, &next_ns);
        }
        if (take == SOURCE_TAKE_END)
            end(s, epoch);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    av_frame_free(&av);
}
