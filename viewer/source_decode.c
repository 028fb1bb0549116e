#include "viewer/source_parts.h"

#include "base/log.h"

// Errors in a row while a decoder is emptied, after which it is given up.
#define ERRORS_MAX 256

// --- a packet

// Damage, unless a GPU speaks of itself.
static void note_error(struct source *s, int av_error, const char *what)
{
    log_trace("%s: %s damaged: %s", s->url, what, source_av_error(av_error));
    if (s->on_gpu && (source_gpu_refused(s->gpu) || av_error != AVERROR_INVALIDDATA))
        s->gpu_failed = true;
    else
        source_count_damage(s);
}

// NULL: those that are still held.
static void deinterlace(struct source *s, unsigned epoch, AVFrame *picture)
{
    source_fields_put(s->fields, picture);
    while (source_fields_get(s->fields, s->decoded))
        source_take_picture(s, epoch);
}

static void take_from_gpu(struct source *s, unsigned epoch)
{
    s->woven = s->fields && source_fields_woven(s->decoded);
    if (!s->woven && source_gpu_finish(s->gpu)) {
        source_take_picture(s, epoch);
        return;
    }
    s->gpu_failed = true;
    av_frame_unref(s->decoded);
}

static void take(struct source *s, unsigned epoch)
{
    if (s->on_gpu)
        take_from_gpu(s, epoch);
    else if (s->fields && source_fields_busy(s->fields, s->decoded))
        deinterlace(s, epoch, s->decoded);
    else
        source_take_picture(s, epoch);
}

static void receive(struct source *s, unsigned epoch)
{
    for (int errors = 0; errors < ERRORS_MAX && !s->gpu_failed;) {
        int result = avcodec_receive_frame(s->video.decoder, s->decoded);

        if (result == AVERROR(EAGAIN) || result == AVERROR_EOF)
            return;
        if (result < 0) {
            errors++;
            note_error(s, result, "picture");
        } else {
            errors = 0;
            take(s, epoch);
        }
    }
}

static void send(struct source *s, unsigned epoch, const AVPacket *packet)
{
    int result = avcodec_send_packet(s->video.decoder, packet);

    if (result == AVERROR(EAGAIN)) {
        receive(s, epoch);
        result = avcodec_send_packet(s->video.decoder, packet);
    }
    if (result < 0 && result != AVERROR_EOF)
        note_error(s, result, "packet");
    receive(s, epoch);
}

// --- from the GPU to the CPU

static void say_why(struct source *s, const char *why)
{
    const AVCodecContext *d = s->video.decoder;
    const char *profile = avcodec_profile_name(d->codec_id, d->profile);
    bool begun = source_counts(s).frames_on_gpu > 0;

    log_write(begun ? LOG_WARN : LOG_INFO, "%s: %s%s (%s, %dx%d) is decoded by the CPU: %s", s->url,
              begun ? "from here on " : "", avcodec_get_name(d->codec_id),
              profile ? profile : "unknown profile", d->width, d->height, why);
}

static void leave(struct source *s, const char *why)
{
    say_why(s, why);
    s->gpu_failed = false;
    if (source_leave_hardware(s))
        return;
    s->on_gpu = false;
    monitor_lock(&s->monitor);
    s->broken = true;
    monitor_unlock(&s->monitor);
}

static bool unwanted(struct source *s)
{
    bool left;

    monitor_lock(&s->monitor);
    left = s->gpu_left;
    monitor_unlock(&s->monitor);
    return left;
}

// Pictures that the reader has not taken yet come again.
static void wind_to_reader(struct source *s, unsigned epoch)
{
    monitor_lock(&s->monitor);
    if (epoch == s->epoch)
        source_wind_again(s, s->taken_ns != CLOCK_NONE ? s->taken_ns : s->target_ns);
    monitor_unlock(&s->monitor);
}

void source_decode(struct source *s, unsigned epoch, const AVPacket *packet)
{
    if (s->on_gpu && unwanted(s))
        leave(s, "the conversion has left the GPU");
    send(s, epoch, packet);
    if (!packet && s->fields)
        deinterlace(s, epoch, NULL);
    if (!s->gpu_failed)
        return;
    if (source_gpu_refused(s->gpu)) {
        // it says so before it decodes any of the packet; what it still has are older pictures
        s->gpu_failed = false;
        send(s, epoch, NULL);
        leave(s, "the GPU's decoder does not take it");
        send(s, epoch, packet);
    } else {
        leave(s, s->woven ? "it is interlaced" : "the GPU's decoder failed");
        wind_to_reader(s, epoch);
    }
}
