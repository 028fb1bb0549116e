#include "viewer/source_parts.h"

#include "base/log.h"
#include "base/mem.h"
#include "viewer/ffmpeg_log.h"
#include "viewer/source_gpu.h"
#include "viewer/source_heif.h"
#include "viewer/source_pipe.h"

#define LOOKAHEAD_DEFAULT 8
#define LOOKAHEAD_MAX 256
// who asks to give up does not wake anybody
#define LOOK_NS (50 * NS_PER_MS)
// Frames beside those that wait: one being decoded, one held, and what readers usually keep.
#define FRAMES_BESIDE 4
#define IMAGE_DURATION_NS (5 * NS_PER_S)

// --- up and down

static void set_params(struct source *s, const struct source_params *params)
{
    int frames = params->lookahead_frames > 0 ? params->lookahead_frames : LOOKAHEAD_DEFAULT;

    s->url = mem_strdup(params->url);
    s->lookahead_frames = frames < LOOKAHEAD_MAX ? frames : LOOKAHEAD_MAX;
    s->image_duration_ns =
        params->image_duration_ns > 0 ? params->image_duration_ns : IMAGE_DURATION_NS;
    s->threads = params->threads;
    s->gpu_wanted = params->gpu;
    s->keep_fields = params->keep_fields;
    s->gpu_uuid = params->gpu_uuid;
    s->subtitles = params->subtitles;
    s->give_up = params->give_up;
    s->stereo.named = stereo_input_named(params->url);
    source_set_input(s, params->input, params->swap_eyes);
    s->video.index = SOURCE_NO_STREAM;
    stream_jump_reset(&s->jump);
    s->target_ns = s->taken_ns = s->first_pts_ns = s->epoch_ns = CLOCK_NONE;
}

void source_add_frame(struct source *s)
{
    struct source_frame *f = mem_new(1, sizeof(*f));

    f->frame.av = av_frame_alloc();
    f->all = s->all_frames;
    s->all_frames = f;
    source_free_frame(s, f);
}

static bool start_threads(struct source *s)
{
    const AVCodecDescriptor *codec = avcodec_descriptor_get(s->video.decoder->codec_id);

    // codecs made for video have grey as they have luma; those that keep any picture, as RGB
    s->pictures = picture_maker_create(
        s->info.image, s->info.image || (codec && !(codec->props & AV_CODEC_PROP_LOSSY)));
    s->pictures_ready = mem_new((size_t)s->lookahead_frames, sizeof(*s->pictures_ready));
    for (int i = 0; i < s->lookahead_frames + FRAMES_BESIDE; i++)
        source_add_frame(s);
    s->decoded = av_frame_alloc();
    if (!s->info.image && !s->keep_fields)
        s->fields = source_fields_create(s->video.time_base);
    s->info.colours = s->colours = av_frame_alloc();
    for (int i = 0; i < SOURCE_SOUND_FRAMES && s->info.sound_count > 0; i++)
        s->sound_ready[i] = av_frame_alloc();
    return thread_start(&s->video_thread, "video decoder", THREAD_NORMAL, source_video_run, s) &&
           (s->info.sound_count == 0 ||
            thread_start(&s->audio_thread, "audio decoder", THREAD_NORMAL, source_audio_run, s)) &&
           thread_start(&s->demux_thread, "demuxer", THREAD_NORMAL, source_demux_run, s);
}

// Waits for the first picture, which knows best what it looks like. False: none came; logged.
static bool wait_for_picture(struct source *s)
{
    const struct frame *first;
    bool there;

    monitor_lock(&s->monitor);
    while (s->ready_count == 0 && !s->video_ended && !source_stop_asked(s))
        monitor_wait_until(&s->monitor, clock_now_ns() + LOOK_NS);
    there = s->ready_count > 0;
    if (there) {
        first = &s->pictures_ready[s->ready_first]->frame;
        deep3d_eyes_size(&first->picture, &s->info.width, &s->info.height);
        s->info.native = first->picture.packing != DEEP3D_ONE_EYE;
        s->info.aspect = first->aspect;
        s->info.pictures_ns = first->pts_ns;
        s->info.bits = first->picture.bits;
        s->info.matrix = first->picture.matrix;
        there = av_frame_copy_props(s->colours, first->av) >= 0;
    }
    monitor_unlock(&s->monitor);
    return there;
}

struct source *source_open(const struct source_params *params)
{
    struct source *s = mem_new(1, sizeof(*s));

    ffmpeg_log_install();
    monitor_init(&s->monitor);
    set_params(s, params);
    if (!source_open_input(s, params) || !start_threads(s) || !wait_for_picture(s))
        goto fail;
    return s;
fail:
    source_close(&s);
    return NULL;
}

static void free_frames(struct source *s)
{
    while (s->all_frames) {
        struct source_frame *f = s->all_frames;

        s->all_frames = f->all;
        av_frame_free(&f->frame.av);
        mem_free(f);
    }
    for (int i = 0; i < SOURCE_SOUND_FRAMES; i++)
        av_frame_free(&s->sound_ready[i]);
    av_frame_free(&s->decoded);
    av_frame_free(&s->colours);
    mem_free(s->pictures_ready);
}

static void finish_stream(struct source_stream *stream)
{
    avcodec_free_context(&stream->decoder);
    avcodec_parameters_free(&stream->parameters);
}

void source_close(struct source **source)
{
    struct source *s = *source;

    if (!s)
        return;
    source_stop(s);
    thread_join(&s->demux_thread);
    thread_join(&s->video_thread);
    thread_join(&s->audio_thread);
    packet_queue_finish(&s->video_packets);
    packet_queue_finish(&s->audio_packets);
    finish_stream(&s->video);
    for (int i = 0; i < s->info.sound_count; i++)
        finish_stream(&s->tracks[i]);
    mem_free(s->tracks);
    mem_free(s->sounds);
    mem_free(s->chapters);
    free_frames(s);
    source_gpu_destroy(&s->gpu);
    source_fields_destroy(&s->fields);
    picture_maker_destroy(&s->pictures);
    stream_jump_finish(&s->jump);
    avformat_close_input(&s->container);
    source_pipe_close(&s->pipe);
    source_heif_close(&s->heif);
    monitor_finish(&s->monitor);
    mem_free(s->url);
    mem_free(s);
    *source = NULL;
}

void source_stop(struct source *source)
{
    monitor_lock(&source->monitor);
    source->stopped = true;
    monitor_changed(&source->monitor);
    monitor_unlock(&source->monitor);
}

// --- what it is

const struct source_info *source_info(const struct source *source)
{
    return &source->info;
}

bool source_has_one_eye(const struct source *s)
{
    if (s->info.native)
        log_error(
            "%s shows both eyes, so that no depth of it is estimated; --input flat takes it as "
            "one picture",
            s->url);
    return !s->info.native;
}

struct source_counts source_counts(const struct source *source)
{
    struct source *s = (struct source *)source; // its lock only
    struct source_counts counts;

    monitor_lock(&s->monitor);
    counts = s->counts;
    monitor_unlock(&s->monitor);
    return counts;
}

bool source_broken(const struct source *source)
{
    struct source *s = (struct source *)source; // its lock only
    bool broken;

    monitor_lock(&s->monitor);
    broken = s->broken;
    monitor_unlock(&s->monitor);
    return broken;
}

// --- reading

enum source_result source_read_video(struct source *source, struct frame **out)
{
    struct source *s = source;
    enum source_result result = SOURCE_OK;

    monitor_lock(&s->monitor);
    while (!s->stopped && s->ready_count == 0 && !s->video_ended)
        monitor_wait(&s->monitor);
    if (s->stopped) {
        result = SOURCE_STOPPED;
    } else if (s->ready_count == 0) {
        result = SOURCE_END;
    } else {
        struct source_frame *f = s->pictures_ready[s->ready_first];

        s->ready_first = (s->ready_first + 1) % s->lookahead_frames;
        s->ready_count--;
        s->ready_bytes -= f->bytes;
        s->taken_ns = f->frame.pts_ns + f->frame.duration_ns;
        *out = &f->frame;
        monitor_changed(&s->monitor);
    }
    monitor_unlock(&s->monitor);
    return result;
}

bool source_video_ready(const struct source *source)
{
    struct source *s = (struct source *)source; // its lock only
    bool ready;

    monitor_lock(&s->monitor);
    ready = s->stopped || s->ready_count > 0;
    monitor_unlock(&s->monitor);
    return ready;
}

bool source_starving(const struct source *source)
{
    struct source *s = (struct source *)source; // its lock only
    bool starving;

    monitor_lock(&s->monitor);
    starving = s->video_packets.count == 0 && s->ready_count == 0 && s->audio_packets.count == 0 &&
               !s->demux_ended;
    monitor_unlock(&s->monitor);
    return starving;
}

void source_give_back(struct source *source, struct frame *frame)
{
    monitor_lock(&source->monitor);
    source_free_frame(source, (struct source_frame *)frame);
    monitor_unlock(&source->monitor);
}

// Monitor held: nothing can be said yet.
static bool sound_pending(const struct source *s)
{
    if (s->stopped || s->info.sound_count == 0 || s->audio_ignored)
        return false;
    return !s->settled || (s->sound_count == 0 && !s->audio_ended);
}

enum source_result source_read_audio(struct source *source, struct AVFrame *out,
                                     unsigned *out_generation)
{
    struct source *s = source;
    enum source_result result = SOURCE_OK;

    monitor_lock(&s->monitor);
    while (sound_pending(s))
        monitor_wait(&s->monitor);
    *out_generation = s->generation;
    if (s->stopped) {
        result = SOURCE_STOPPED;
    } else if (s->sound_count == 0) {
        result = SOURCE_END;
    } else {
        av_frame_move_ref(out, s->sound_ready[s->sound_first]);
        s->sound_first = (s->sound_first + 1) % SOURCE_SOUND_FRAMES;
        s->sound_count--;
        s->sound_ns -= av_rescale(out->nb_samples, NS_PER_S, out->sample_rate);
        monitor_changed(&s->monitor);
    }
    monitor_unlock(&s->monitor);
    return result;
}

void source_ignore_audio(struct source *source)
{
    struct source *s = source;

    monitor_lock(&s->monitor);
    s->audio_ignored = true;
    packet_queue_clear(&s->audio_packets);
    monitor_changed(&s->monitor);
    monitor_unlock(&s->monitor);
}

// --- winding

bool source_windable(const struct source *source)
{
    return source->info.seekable && !source->fell;
}

void source_wind_again(struct source *s, int64_t from_ns)
{
    if (!source_windable(s))
        return;
    s->epoch++;
    s->target_ns = from_ns;
    s->wind_ns = from_ns == CLOCK_NONE ? SOURCE_FROM_START : from_ns;
    s->wind = true;
    s->wind_attempts = 0;
    source_empty_queues(s);
    monitor_changed(&s->monitor);
}

void source_leave_gpu(struct source *source, int64_t from_ns)
{
    struct source *s = source;

    monitor_lock(&s->monitor);
    if (!s->gpu_left)
        source_wind_again(s, from_ns);
    s->gpu_left = true;
    monitor_unlock(&s->monitor);
}

int source_sound(const struct source *source)
{
    return source->sound;
}

void source_set_sound(struct source *source, int sound)
{
    source->sound = sound;
}

void source_set_input(struct source *source, enum stereo_input input, bool swap_eyes)
{
    monitor_lock(&source->monitor);
    source->asked = input;
    source->swapped = swap_eyes;
    monitor_unlock(&source->monitor);
}

unsigned source_seek(struct source *source, int64_t pos_ns)
{
    struct source *s = source;
    int64_t end_ns = s->info.duration_ns;
    unsigned generation;

    if (pos_ns < 0)
        pos_ns = 0;
    if (end_ns > 0 && pos_ns > end_ns)
        pos_ns = end_ns;
    monitor_lock(&s->monitor);
    if (s->info.seekable) {
        s->generation++;
        s->epoch++;
        s->target_ns = s->wind_ns = pos_ns;
        s->taken_ns = CLOCK_NONE;
        s->wind = true;
        s->wind_attempts = 0;
        s->settled = false;
        source_empty_queues(s);
        monitor_changed(&s->monitor);
    }
    generation = s->generation;
    monitor_unlock(&s->monitor);
    return generation;
}
