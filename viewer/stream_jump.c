#include "viewer/stream_jump.h"

#include <libavutil/avstring.h>

#include "base/clock.h"

// Time stamps that differ by more than this from what was expected belong to another stretch.
#define JUMP_NS (10 * NS_PER_S)
#define NS_BASE ((AVRational){1, (int)NS_PER_S})

static bool jumps(const AVFormatContext *container)
{
    return container->iformat->flags & AVFMT_TS_DISCONT;
}

bool streams_fetched_apart(const AVFormatContext *container)
{
    return av_match_name(container->iformat->name, "hls,dash");
}

bool stream_jump_wants_all(const AVFormatContext *container)
{
    return jumps(container) && !streams_fetched_apart(container);
}

void stream_jump_reset(struct stream_jump *jump)
{
    *jump = (struct stream_jump){0, CLOCK_NONE};
}

// Pictures and sound say where a stretch begins: those of the film's programme, as others have
// clocks of their own.
static bool counts(const AVFormatContext *container, int video, int stream)
{
    AVFormatContext *c = (AVFormatContext *)container; // only looked at
    enum AVMediaType type = c->streams[stream]->codecpar->codec_type;
    AVProgram *film;

    if (stream == video)
        return true;
    if (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO)
        return false;
    film = av_find_program_from_stream(c, NULL, video);
    for (AVProgram *p = NULL; film && (p = av_find_program_from_stream(c, p, stream));) {
        if (p == film)
            return true;
    }
    return !film;
}

// CLOCK_NONE: not known, or absurd.
static int64_t as_ns(int64_t time_stamp, AVRational base)
{
    int64_t ns;

    if (time_stamp == AV_NOPTS_VALUE || base.num <= 0 || base.den <= 0)
        return CLOCK_NONE;
    ns = av_rescale_q(time_stamp, base, NS_BASE);
    return ns < INT64_MIN / 4 || ns > INT64_MAX / 4 ? CLOCK_NONE : ns;
}

static void follow(struct stream_jump *jump, const AVPacket *packet, AVRational base)
{
    int64_t dts_ns = as_ns(packet->dts, base), lasts_ns = as_ns(packet->duration, base);
    int64_t jump_ns = 0;

    if (dts_ns == CLOCK_NONE)
        return;
    dts_ns += jump->shift_ns;
    if (jump->expected_ns != CLOCK_NONE)
        jump_ns = dts_ns - jump->expected_ns;
    if (jump_ns > JUMP_NS || jump_ns < -JUMP_NS) {
        jump->shift_ns -= jump_ns;
        dts_ns -= jump_ns;
    }
    dts_ns += lasts_ns > 0 ? lasts_ns : 0;
    if (dts_ns > jump->expected_ns) // behind all that was read, of either stream
        jump->expected_ns = dts_ns;
}

void stream_jump_smooth(struct stream_jump *jump, const AVFormatContext *container, int video,
                        AVPacket *packet)
{
    AVRational base = container->streams[packet->stream_index]->time_base;
    int64_t shift;

    if (!jumps(container))
        return;
    if (counts(container, video, packet->stream_index))
        follow(jump, packet, base);
    shift = av_rescale_q(jump->shift_ns, NS_BASE, base);
    if (as_ns(packet->dts, base) != CLOCK_NONE)
        packet->dts += shift;
    packet->pts = as_ns(packet->pts, base) == CLOCK_NONE ? AV_NOPTS_VALUE : packet->pts + shift;
}
