#include "viewer/convert.h"

#include <stdatomic.h>
#include <unistd.h>

#include <libavutil/mathematics.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/deep3d.h"
#include "viewer/conversion.h"
#include "viewer/convert_files.h"
#include "viewer/converter_open.h"
#include "viewer/depth_wish.h"
#include "viewer/disparity.h"
#include "viewer/film_encoder.h"
#include "viewer/film_log.h"
#include "viewer/film_maker.h"
#include "viewer/film_mux.h"
#include "viewer/options.h"
#include "viewer/progress.h"
#include "viewer/source.h"
#include "viewer/source_pipe.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"

// One being converted, one being encoded, one that the ring keeps for mirrors, two waiting.
#define RING_FRAMES 5
// Converted before the place where a conversion is taken up again and thrown away, so that depth
// has settled by then.
#define LEAD_IN_NS (2 * NS_PER_S)
#define LOOK_NS (NS_PER_S / 10)
#define NS_BASE ((AVRational){1, (int)NS_PER_S})

struct convert {
    const struct options *options;
    struct convert_file files[CONVERT_FILES_MAX];
    struct film_maker *makers[CONVERT_FILES_MAX];
    int count;
    struct source *source;
    const struct source_info *info;
    bool lasting; // the source can be read again: a conversion can go on, and sound be copied
    AVRational time_base;
    int64_t start; // of media time 0, in the time base
    struct deep3d *converter;
    struct conversion *conversion;
    struct stereo_ring *ring;
    struct stats *stats;
    int64_t last_pts; // of what is kept; INT64_MIN: none
    bool stopped;     // by whoever runs the program
    // the encoding thread's:
    bool begun; // the lead-in is over

    struct thread thread;
    _Atomic int64_t frames; // kept, those of earlier runs included
    struct monitor monitor;
    // guarded by monitor:
    bool over, failed; // of the encoding thread
};

static atomic_bool interrupted;

void convert_interrupt(void)
{
    atomic_store(&interrupted, true);
}

// --- the encoding thread

static bool encode(struct convert *c, const struct stereo_frame *f, int64_t pts, int64_t duration)
{
    for (int i = 0; i < c->count; i++)
        if (!film_maker_add(c->makers[i], f, pts, duration))
            return false;
    return true;
}

static bool take_frame(struct convert *c, const struct stereo_frame *f)
{
    int64_t pts = av_rescale_q(f->pts_ns + c->info->start_ns, NS_BASE, c->time_base) - c->start;
    int64_t duration = av_rescale_q(f->duration_ns, NS_BASE, c->time_base);

    if (pts <= c->last_pts) {
        if (!c->begun) // the lead-in
            return true;
        pts = c->last_pts + 1; // the source's times were repaired, in finer steps than its own
    }
    c->begun = true;
    c->last_pts = pts;
    if (!encode(c, f, pts, duration > 0 ? duration : 1))
        return false;
    atomic_fetch_add(&c->frames, 1);
    return true;
}

// What the encoders still hold, and the mark behind it.
static bool empty_encoders(struct convert *c)
{
    bool ok = true;

    for (int i = 0; i < c->count; i++)
        ok = film_maker_drain(c->makers[i]) && ok;
    for (int i = 0; i < c->count && ok; i++)
        ok = film_log_set_mark(film_maker_log(c->makers[i]), FILM_LOG_CLOSED);
    return ok;
}

static void run(void *user)
{
    struct convert *c = user;
    struct stereo_frame *f;
    bool ok = true;

    while (ok && (f = stereo_ring_next(c->ring))) {
        // a frame that could not be converted would be missing from here on
        ok = !atomic_load(&c->stats->frames_failed) && take_frame(c, f);
        stereo_ring_release(c->ring, f);
    }
    ok = ok && empty_encoders(c);
    monitor_lock(&c->monitor);
    c->over = true;
    c->failed = !ok || atomic_load(&c->stats->frames_failed) > 0;
    monitor_changed(&c->monitor);
    monitor_unlock(&c->monitor);
}

// --- what is to be written

static void describe_source(struct convert *c)
{
    const struct source_info *info = c->info = source_info(c->source);

    c->time_base = (AVRational){info->time_base[0], info->time_base[1]};
    c->start = av_rescale_q(info->start_ns, NS_BASE, c->time_base);
    // cameras have no length; a server that cannot wind still begins anew
    c->lasting =
        info->seekable || (info->duration_ns > 0 && !source_pipe_is_one(c->options->files[0]));
}

static bool open_makers(struct convert *c, enum file_codec codec)
{
    for (int i = 0; i < c->count; i++) {
        c->makers[i] = film_maker_open(&(struct film_maker_params){
            .options = c->options,
            .file = &c->files[i],
            .info = c->info,
            .codec = codec,
            .lasting = c->lasting,
            .stop = &interrupted,
        });
        if (!c->makers[i])
            return false;
    }
    return true;
}

// --- where to go on

// The files of a pair may have been cut off at different places.
static bool find_place(struct convert *c)
{
    struct film_log *a = film_maker_log(c->makers[0]);
    struct film_log *b = film_maker_log(c->makers[c->count - 1]);
    bool complete = film_log_mark(a) != FILM_LOG_OPEN && film_log_mark(b) != FILM_LOG_OPEN &&
                    film_log_last_pts(a) == film_log_last_pts(b);
    int64_t key = film_log_key_before(a, INT64_MAX), other;

    if (!complete) {
        while ((other = film_log_key_before(b, key)) != key)
            key = film_log_key_before(a, other);
        if (!film_log_cut(a, key) || (a != b && !film_log_cut(b, key)))
            return false;
    }
    c->last_pts = film_log_last_pts(a);
    c->frames = film_log_frames(a);
    if (c->frames > 0)
        log_info("%s: going on behind frame %lld", c->files[0].part, (long long)c->frames);
    return true;
}

static bool is_whole(const struct convert *c)
{
    for (int i = 0; i < c->count; i++)
        if (film_log_mark(film_maker_log(c->makers[i])) != FILM_LOG_WHOLE)
            return false;
    return true;
}

// A film may be there that this very conversion gave its name, killed before its part was removed.
static bool may_write(const struct convert *c)
{
    for (int i = 0; i < c->count && !is_whole(c); i++)
        if (!convert_files_may_write(c->options, &c->files[i]))
            return false;
    return true;
}

// Winds the source to the lead-in. Returns its generation.
static unsigned wind(struct convert *c)
{
    int64_t to_ns;
    struct frame *frame;

    if (c->frames == 0)
        return 0;
    to_ns = av_rescale_q(c->last_pts + c->start, c->time_base, NS_BASE) - c->info->start_ns -
            LEAD_IN_NS;
    if (c->info->seekable && !c->info->discontinuous)
        return source_seek(c->source, to_ns);
    // a clock that jumps is only followed from the beginning
    while (!atomic_load(&interrupted) && source_read_video(c->source, &frame) == SOURCE_OK) {
        bool behind = frame->pts_ns >= to_ns;

        source_give_back(c->source, frame);
        if (behind)
            break;
    }
    return 0;
}

// --- converting

static void on_converted(void *user, struct deep3d *converter, struct stereo_frame *frame)
{
    int width, height;
    const float *nearness = deep3d_nearness(converter, &width, &height);

    disparity_draw(nearness, width, height, &frame->eyes);
}

static bool start(struct convert *c)
{
    const struct options *o = c->options;
    struct conversion_params conversion = {
        .source = c->source,
        .converter = c->converter,
        .stats = c->stats,
        .keep_light = true,
        .keep_all = true,
        .depth = depth_wish(o, (struct display_screen){o->screen_width_m, o->screen_distance_m}),
        .converted = o->file_layout == FILE_LAYOUT_DISPARITY ? on_converted : NULL,
    };
    struct stereo_memory memory = stereo_ring_host_memory(film_maker_eye_bits(c->makers[0]));

    c->ring = stereo_ring_create(RING_FRAMES, &memory);
    stereo_ring_restart(c->ring, wind(c));
    c->conversion = conversion_create(&conversion);
    if (!c->conversion)
        return false;
    conversion_attach(c->conversion, c->ring);
    return thread_start(&c->thread, "encode", THREAD_NORMAL, run, c);
}

static int64_t total_frames(const struct source_info *info)
{
    if (info->frames > 0)
        return info->frames;
    return (int64_t)((double)info->duration_ns / NS_PER_S * info->frames_per_s + 0.5);
}

// Until the encoding thread is done, or somebody wants it to be.
static void watch(struct convert *c)
{
    struct progress *progress = progress_create(total_frames(c->info), c->frames);

    monitor_lock(&c->monitor);
    while (!c->over) {
        if (atomic_load(&interrupted) && !c->stopped) {
            c->stopped = true;
            source_stop(c->source);
            conversion_detach(c->conversion); // stops the ring; what is under way is no failure
        }
        monitor_wait_until(&c->monitor, clock_now_ns() + LOOK_NS);
        progress_update(progress, atomic_load(&c->frames));
    }
    monitor_unlock(&c->monitor);
    progress_destroy(&progress);
}

static void stop(struct convert *c)
{
    source_stop(c->source);
    if (c->conversion)
        conversion_detach(c->conversion); // stops the ring
    conversion_destroy(&c->conversion);
    thread_join(&c->thread);
}

// --- the film

// All are made before the first gets its name, and the parts go when all have theirs: whatever
// comes between, the same command goes on.
static enum convert_result finish_films(struct convert *c)
{
    bool ok = true;

    for (int i = 0; i < c->count; i++)
        if (!film_log_set_mark(film_maker_log(c->makers[i]), FILM_LOG_WHOLE))
            return CONVERT_STOPPED;
    log_info("all pictures are there; putting the film together");
    for (int i = 0; i < c->count && ok; i++)
        ok = film_maker_make(c->makers[i], c->files[i].path, true) == FILM_MUX_DONE;
    for (int i = 0; i < c->count && ok; i++)
        ok = film_maker_place(c->makers[i], c->files[i].path);
    for (int i = 0; i < c->count; i++)
        if (ok)
            unlink(c->files[i].part);
        else
            film_mux_discard(c->files[i].path);
    return ok ? CONVERT_DONE : CONVERT_STOPPED;
}

// The parts stay: a source that comes back whole can be gone on with.
static enum convert_result keep_cut(struct convert *c)
{
    for (int i = 0; i < c->count; i++) {
        char *path = convert_files_incomplete(c->files[i].path);
        bool ok = film_maker_make(c->makers[i], path, false) == FILM_MUX_DONE &&
                  film_maker_place(c->makers[i], path);

        if (ok)
            log_error("%s failed in the middle: %s holds the %lld frames before that",
                      c->options->files[0], path, (long long)c->frames);
        mem_free(path);
        if (!ok)
            return CONVERT_STOPPED;
    }
    return CONVERT_CUT;
}

static enum convert_result convert(struct convert *c)
{
    if (is_whole(c)) { // all was there but the film itself
        c->frames = film_log_frames(film_maker_log(c->makers[0]));
        return finish_films(c);
    }
    if (!find_place(c) || !start(c))
        return CONVERT_FAILED;
    watch(c);
    stop(c);
    if (c->frames == 0 && !(c->stopped && c->lasting)) {
        if (!c->failed)
            log_error("%s: no picture of it %s converted", c->options->files[0],
                      c->stopped ? "was" : "could be");
        return CONVERT_FAILED;
    }
    if (c->failed)
        return CONVERT_STOPPED;
    if (c->stopped && c->lasting)
        return CONVERT_STOPPED;
    if (c->stopped) // a camera, a pipe: this is its end
        atomic_store(&interrupted, false);
    return source_broken(c->source) ? keep_cut(c) : finish_films(c);
}

// The source decodes where the converter works.
static bool open_source(struct convert *c)
{
    const struct options *o = c->options;
    struct source_params source = {.url = o->files[0],
                                   .lookahead_frames = o->lookahead_frames,
                                   .image_duration_ns = 5 * NS_PER_S,
                                   .keep_fields = o->deinterlace == DEINTERLACE_NO,
                                   .no_audio = true,
                                   .input = (enum stereo_input)o->input,
                                   .swap_eyes = o->swap_eyes,
                                   .give_up = &interrupted};

    c->converter = converter_open(o, NULL);
    if (!c->converter)
        return false;
    source.gpu = o->hwdec == HWDEC_AUTO && deep3d_on_gpu(c->converter);
    c->source = source_open(&source);
    return c->source && (o->file_layout != FILE_LAYOUT_DISPARITY || source_has_one_eye(c->source));
}

static bool open_all(struct convert *c)
{
    const struct options *o = c->options;
    enum file_codec codec = convert_files_codec(o);

    if (o->file_count != 1) {
        log_error("deep3d convert takes one film at a time, not %d", o->file_count);
        return false;
    }
    c->count = codec ? convert_files_name(o, c->files) : 0;
    if (c->count == 0 || !film_mux_takes(o->output, film_encoder_codec_id(codec)) ||
        !open_source(c))
        return false;
    describe_source(c);
    if (!open_makers(c, codec) || !may_write(c))
        return false;
    if (!c->lasting)
        log_warn("%s cannot be read a second time: its sound and subtitles are left out",
                 o->files[0]);
    film_maker_tell(c->makers[0]);
    return true;
}

enum convert_result convert_run(const struct options *options)
{
    struct convert c = {.options = options, .last_pts = INT64_MIN};
    enum convert_result result;

    c.stats = stats_create();
    monitor_init(&c.monitor);
    result = open_all(&c) ? convert(&c) : CONVERT_FAILED;
    if (result == CONVERT_STOPPED)
        log_info("%s holds %lld frames; %s", c.files[0].part,
                 (long long)film_log_frames(film_maker_log(c.makers[0])),
                 c.lasting ? "the same command goes on from there"
                           : "what they were made of cannot be read again");
    if (c.source)
        stop(&c);
    stereo_ring_destroy(&c.ring);
    deep3d_destroy(&c.converter);
    for (int i = 0; i < c.count; i++)
        film_maker_close(&c.makers[i]);
    source_close(&c.source);
    convert_files_finish(c.files);
    monitor_finish(&c.monitor);
    stats_destroy(&c.stats);
    return result;
}
