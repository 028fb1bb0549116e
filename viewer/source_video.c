#include "viewer/source_parts.h"

#include <stdlib.h>

#include <libavutil/display.h>

#include "base/log.h"
#include "base/mem.h"

// Pictures that wait take this much at most, though never fewer than two wait.
#define READY_BYTES (INT64_C(1) << 30)
// How often a container that wound behind the place asked for is wound again, each time four times
// further before it: 1, 4, 16, 64 s.
#define WIND_ATTEMPTS 4
// Up to here reading the whole film again is a fair price for the exact picture.
#define FROM_START_NS (120 * NS_PER_S)
// Sample aspects beyond are damage.
#define SAMPLE_ASPECT_MAX 32.0
// Side of a picture that can show both eyes, whatever its chroma.
#define LEAST_BOTH_PX 8
// Pictures that wait on a GPU take surfaces from its decoder.
#define READY_ON_GPU 4

// --- one picture

static struct source_frame *new_frame(struct source *s)
{
    struct source_frame *f;

    monitor_lock(&s->monitor);
    if (!s->free_frames) // readers may keep as many as they like
        source_add_frame(s);
    f = s->free_frames;
    s->free_frames = f->next;
    monitor_unlock(&s->monitor);
    return f;
}

static void drop_frame(struct source *s, struct source_frame *f)
{
    if (!f)
        return;
    monitor_lock(&s->monitor);
    source_free_frame(s, f);
    monitor_unlock(&s->monitor);
}

static double sample_aspect(const struct source *s, const AVFrame *av)
{
    AVRational r = s->sample_aspect.num > 0 ? s->sample_aspect : av->sample_aspect_ratio;
    double aspect = r.num > 0 && r.den > 0 ? av_q2d(r) : 1;

    return aspect > SAMPLE_ASPECT_MAX || aspect < 1 / SAMPLE_ASPECT_MAX ? 1 : aspect;
}

// Sets packing and aspect.
static void describe_eyes(struct source *s, const AVFrame *av, struct frame *frame)
{
    struct deep3d_picture *p = &frame->picture;
    const AVFrameSideData *said = av_frame_get_side_data(av, AV_FRAME_DATA_STEREO3D);
    double samples = sample_aspect(s, av);
    struct stereo_words words = s->stereo;
    struct stereo_halves halves;

    monitor_lock(&s->monitor);
    words.asked = s->asked;
    words.swapped = s->swapped;
    monitor_unlock(&s->monitor);
    if (!words.said && said && said->size >= sizeof(AVStereo3D))
        words.said = (const AVStereo3D *)(const void *)said->data;
    if (!stereo_input_halves(&words, p->width, p->height, samples, &halves) && !s->complained) {
        log_warn(
            "%s: it shows both eyes in a way that is not read here (%s), and is converted as if "
            "it were flat; --input says otherwise",
            s->url, av_stereo3d_type_name(words.said->type));
        s->complained = true;
    }
    if (p->width < LEAST_BOTH_PX || p->height < LEAST_BOTH_PX) // an eye would have nothing
        halves = (struct stereo_halves){0};
    p->packing = halves.packing;
    p->right_first = halves.right_first;
    frame->aspect = stereo_halves_aspect(&halves, p->width, p->height, samples);
    if (p->rotation_deg % 180 != 0)
        frame->aspect = 1 / frame->aspect;
}

// Fills in f->frame from its AVFrame, times aside. False: cannot be shown.
static bool describe(struct source *s, struct source_frame *f)
{
    AVFrame *av = f->frame.av;
    struct deep3d_picture *p = &f->frame.picture;
    const AVFrameSideData *matrix;
    const AVDictionaryEntry *exif;

    if (!picture_make(s->pictures, av, p))
        return false;
    exif = av_dict_get(av->metadata, "Orientation", NULL, 0);
    matrix = av_frame_get_side_data(av, AV_FRAME_DATA_DISPLAYMATRIX);
    if (matrix && matrix->size >= sizeof(s->display_matrix))
        picture_orient(p, (const int32_t *)matrix->data);
    else if (s->has_display_matrix)
        picture_orient(p, s->display_matrix);
    else if (exif) // WebP; of JPEG, FFmpeg makes a matrix itself
        picture_orient_exif(p, atoi(exif->value));
    else if (s->png_orientation)
        picture_orient_exif(p, s->png_orientation);
    describe_eyes(s, av, &f->frame);
    f->bytes = 0;
    for (int i = 0; i < AV_NUM_DATA_POINTERS && av->buf[i]; i++)
        f->bytes += (int64_t)av->buf[i]->size;
    return true;
}

static int64_t duration_ns(const struct source *s, const AVFrame *av)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    int64_t duration = av->duration;
#else
    int64_t duration = av->pkt_duration;
#endif
    int64_t ns;

    if (duration <= 0)
        return 0;
    ns = source_media_ns(s, duration, s->video.time_base);
    return ns == CLOCK_NONE || ns + s->start_ns <= 0 ? 0 : ns + s->start_ns;
}

// --- handing on

static bool full(const struct source *s)
{
    return s->ready_count == s->lookahead_frames || (s->on_gpu && s->ready_count >= READY_ON_GPU) ||
           (s->ready_count >= 2 && s->ready_bytes >= READY_BYTES);
}

// Queues a complete picture; blocks while the queue is full. Takes f over. A picture that ends
// before the place that was asked for goes, unless it is the film's last.
static void hand_on(struct source *s, unsigned epoch, struct source_frame *f, bool last)
{
    monitor_lock(&s->monitor);
    if (s->target_ns != CLOCK_NONE && !last &&
        f->frame.pts_ns + f->frame.duration_ns <= s->target_ns) {
        source_free_frame(s, f);
        monitor_unlock(&s->monitor);
        return;
    }
    while (!s->stopped && epoch == s->epoch && full(s))
        monitor_wait(&s->monitor);
    if (s->stopped || epoch != s->epoch) {
        s->counts.frames_stale++;
        source_free_frame(s, f);
    } else {
        f->frame.generation = s->generation;
        s->pictures_ready[(s->ready_first + s->ready_count++) % s->lookahead_frames] = f;
        s->ready_bytes += f->bytes;
        s->counts.frames_decoded++;
        s->counts.frames_on_gpu += f->frame.picture.memory == DEEP3D_MEMORY_CUDA;
        s->settled = true;
        if (s->first_pts_ns == CLOCK_NONE)
            s->first_pts_ns = f->frame.pts_ns;
        monitor_changed(&s->monitor);
    }
    monitor_unlock(&s->monitor);
}

// The container was wound behind the place asked for (or to its end): once more, further back.
// False: this is as near as it gets.
static bool wind_back(struct source *s, unsigned epoch)
{
    bool again = false;

    monitor_lock(&s->monitor);
    if (epoch == s->epoch && s->target_ns != CLOCK_NONE) {
        int64_t back_ns = NS_PER_S << (2 * s->wind_attempts);

        again = s->wind_attempts < WIND_ATTEMPTS ||
                (s->wind_attempts == WIND_ATTEMPTS && s->target_ns < FROM_START_NS);
        if (again) {
            s->wind = true;
            s->wind_ns =
                s->wind_attempts == WIND_ATTEMPTS ? SOURCE_FROM_START : s->target_ns - back_ns;
            s->wind_attempts++;
            s->epoch++;
            source_empty_queues(s);
            monitor_changed(&s->monitor);
        }
    }
    monitor_unlock(&s->monitor);
    return again;
}

// The first picture of an epoch lies behind the place asked for.
static bool wound_too_far(struct source *s, int64_t pts_ns)
{
    bool too_far;

    monitor_lock(&s->monitor);
    too_far = s->target_ns != CLOCK_NONE && pts_ns != CLOCK_NONE && pts_ns > s->target_ns &&
              s->first_pts_ns != CLOCK_NONE && pts_ns > s->first_pts_ns;
    monitor_unlock(&s->monitor);
    return too_far;
}

void source_count_damage(struct source *s)
{
    monitor_lock(&s->monitor);
    s->counts.packets_damaged++;
    monitor_unlock(&s->monitor);
}

// The picture before it is complete now.
void source_take_picture(struct source *s, unsigned epoch)
{
    struct source_frame *f = new_frame(s);
    int64_t pts_ns = source_media_ns(s, s->decoded->best_effort_timestamp, s->video.time_base);

    av_frame_move_ref(f->frame.av, s->decoded);
    if (!s->held && wound_too_far(s, pts_ns) && wind_back(s, epoch)) {
        drop_frame(s, f);
        return;
    }
    if (!describe(s, f)) {
        source_count_damage(s);
        drop_frame(s, f);
        return;
    }
    if (timing_next(&s->timing, pts_ns, duration_ns(s, f->frame.av),
                    s->held ? &s->held->frame.pts_ns : &(int64_t){0},
                    s->held ? &s->held->frame.duration_ns : &(int64_t){0}))
        hand_on(s, epoch, s->held, false);
    s->held = f;
}

// --- the thread

static void hand_on_last(struct source *s, unsigned epoch)
{
    struct source_frame *last = s->held;

    // what turns out to have one picture and no sound is a photograph, whatever its container
    if (s->timing.previous_ns == CLOCK_NONE && s->info.sound_count == 0 &&
        source_counts(s).frames_decoded == 0)
        s->single = true;
    s->held = NULL;
    if (!last || !timing_last(&s->timing, &last->frame.pts_ns, &last->frame.duration_ns))
        return;
    if (s->info.image || s->single)
        last->frame.duration_ns = s->image_duration_ns;
    hand_on(s, epoch, last, true);
}

static void finish(struct source *s, unsigned epoch)
{
    bool nothing;
    int64_t damaged;

    source_decode(s, epoch, NULL);
    if (!s->held && s->timing.previous_ns == CLOCK_NONE && wind_back(s, epoch))
        return;
    hand_on_last(s, epoch);
    monitor_lock(&s->monitor);
    damaged = s->counts.packets_damaged;
    nothing = s->first_pts_ns == CLOCK_NONE;
    // said before anybody is woken: source_open() gives up at once where there is nothing
    if (epoch == s->epoch && !s->stopped && nothing)
        log_error("%s: %s; the file is damaged", s->url,
                  s->info.width > 0 && s->info.height > 0
                      ? "none of its pictures could be decoded"
                      : "its pictures have no size, or an absurd one");
    else if (epoch == s->epoch && !s->stopped && damaged > 0)
        log_warn("%s: %lld damaged packets were skipped", s->url, (long long)damaged);
    if (epoch == s->epoch) {
        s->video_ended = s->settled = true;
        s->broken |= nothing;
        monitor_changed(&s->monitor);
    }
    monitor_unlock(&s->monitor);
}

static void forget(struct source *s)
{
    avcodec_flush_buffers(s->video.decoder);
    if (s->fields)
        source_fields_reset(s->fields);
    timing_reset(&s->timing);
    drop_frame(s, s->held);
    s->held = NULL;
}

void source_video_run(void *user)
{
    struct source *s = user;
    AVPacket *packet = av_packet_alloc();
    enum source_take take;
    unsigned epoch = 0;

    timing_init(&s->timing, (int64_t)(NS_PER_S / s->guessed_frames_per_s));
    while (packet && (take = source_take_packet(s, true, &epoch, packet)) != SOURCE_TAKE_STOP) {
        if (take == SOURCE_TAKE_RESET)
            forget(s);
        else if (take == SOURCE_TAKE_END)
            finish(s, epoch);
        else
            source_decode(s, epoch, packet);
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    drop_frame(s, s->held);
    s->held = NULL;
}
