#include "viewer/stream_jump.h"

#include <stdlib.h>

#include <libavutil/avstring.h>

#include "base/clock.h"
#include "base/mem.h"

// Time stamps that differ by more than this from what was expected belong to another stretch.
#define JUMP_NS (10 * NS_PER_S)
// So do those that lie this much before the ones that the same stream had: decoding times never
// fall. By less FFmpeg's guesses may be wrong, which it makes where packets have no stamps, and
// wherever it is wound to.
#define FALL_NS NS_PER_S
// Streams do not cross from one stretch to the next with the same packet, but within this time.
#define CROSSING_NS NS_PER_S
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
    jump->shift_ns = jump->earlier_ns = 0;
    jump->begin_ns = jump->expected_ns = CLOCK_NONE;
    jump->fell = false;
    jump->count = 0;
}

void stream_jump_finish(struct stream_jump *jump)
{
    mem_free(jump->places);
    *jump = (struct stream_jump){0};
}

static struct stream_place *place_of(struct stream_jump *jump, int stream)
{
    while (jump->count <= stream) {
        jump->places = mem_grow(jump->places, jump->count, &jump->capacity, sizeof(*jump->places));
        jump->places[jump->count++] =
            (struct stream_place){CLOCK_NONE, CLOCK_NONE, CLOCK_NONE, false};
    }
    return &jump->places[stream];
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

// dts_ns: as the packet has it. It goes on better where the stretch before the newest ended: the
// stream has not crossed yet, or what looked like a jump was a damaged time stamp.
static bool is_of_earlier(const struct stream_jump *jump, const struct stream_place *place,
                          int64_t dts_ns)
{
    return jump->earlier_ns != jump->shift_ns && place->last_ns != CLOCK_NONE &&
           llabs(dts_ns + jump->earlier_ns - place->last_ns) <
               llabs(dts_ns + jump->shift_ns - place->last_ns);
}

// dts_ns: shifted, here and below.
static bool falls(const struct stream_place *place, int64_t dts_ns)
{
    return place->last_ns != CLOCK_NONE && place->last_ns - place->first_ns > FALL_NS &&
           place->last_ns - dts_ns > FALL_NS;
}

// It goes on behind the packet before the last one: that one's time stamp was damaged.
static bool last_was_damaged(const struct stream_place *place, int64_t dts_ns)
{
    return falls(place, dts_ns) && dts_ns > place->before_ns;
}

// What is to be added to the packet's time stamps.
static int64_t shift_of(struct stream_jump *jump, struct stream_place *place, int64_t dts_ns)
{
    int64_t gap_ns;

    if (is_of_earlier(jump, place, dts_ns)) {
        if (place->crossed)
            jump->shift_ns = jump->earlier_ns;
        return jump->earlier_ns;
    }
    place->crossed = true;
    if (last_was_damaged(place, dts_ns + jump->shift_ns)) {
        jump->expected_ns = dts_ns + jump->shift_ns;
        return jump->shift_ns;
    }
    gap_ns = jump->expected_ns == CLOCK_NONE ? 0 : dts_ns + jump->shift_ns - jump->expected_ns;
    if (llabs(gap_ns) > JUMP_NS || falls(place, dts_ns + jump->shift_ns)) {
        for (int i = 0; i < jump->count; i++)
            jump->places[i].crossed = &jump->places[i] == place;
        jump->earlier_ns = jump->shift_ns;
        jump->shift_ns -= gap_ns;
        jump->begin_ns = jump->expected_ns;
    }
    return jump->shift_ns;
}

// Returns what is to be added to the packet's time stamps.
static int64_t follow(struct stream_jump *jump, const AVPacket *packet, AVRational base)
{
    int64_t dts_ns = as_ns(packet->dts, base), lasts_ns = as_ns(packet->duration, base), shift_ns;
    struct stream_place *place = place_of(jump, packet->stream_index);

    if (dts_ns == CLOCK_NONE)
        return jump->shift_ns;
    if (jump->begin_ns != CLOCK_NONE && jump->expected_ns - jump->begin_ns > CROSSING_NS) {
        jump->fell |= jump->shift_ns > jump->earlier_ns;
        jump->earlier_ns = jump->shift_ns;
    }
    shift_ns = shift_of(jump, place, dts_ns);
    dts_ns += shift_ns;
    place->before_ns = place->last_ns;
    place->last_ns = dts_ns;
    if (place->first_ns == CLOCK_NONE)
        place->first_ns = dts_ns;
    dts_ns += lasts_ns > 0 ? lasts_ns : 0;
    if (dts_ns > jump->expected_ns) // behind all that was read, of either stream
        jump->expected_ns = dts_ns;
    return shift_ns;
}

void stream_jump_smooth(struct stream_jump *jump, const AVFormatContext *container, int video,
                        AVPacket *packet)
{
    AVRational base = container->streams[packet->stream_index]->time_base;
    int64_t shift_ns = jump->shift_ns, shift;

    if (!jumps(container))
        return;
    if (counts(container, video, packet->stream_index))
        shift_ns = follow(jump, packet, base);
    shift = av_rescale_q(shift_ns, NS_BASE, base);
    if (as_ns(packet->dts, base) != CLOCK_NONE)
        packet->dts += shift;
    packet->pts = as_ns(packet->pts, base) == CLOCK_NONE ? AV_NOPTS_VALUE : packet->pts + shift;
}
