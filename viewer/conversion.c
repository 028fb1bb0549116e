#include "viewer/conversion.h"

#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/deep3d.h"
#include "viewer/governing.h"
#include "viewer/media_clock.h"
#include "viewer/osd.h"
#include "viewer/source.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"
#include "viewer/subtitles.h"

// However slow the machine, a new picture comes at least this often.
#define LONGEST_DROUGHT_NS (500 * NS_PER_MS)

struct conversion {
    struct conversion_params params;
    struct thread thread;

    // the thread's own:
    unsigned generation; // of the last frame
    // read and foreseen, not converted yet; the oldest first
    struct frame *ahead[DEEP3D_FORESIGHT + 1];
    int ahead_count;
    int64_t cost_ns;        // of a conversion, smoothed
    int64_t last_result_ns; // when one was finished
    struct governing governing;

    struct monitor monitor;
    // guarded by monitor:
    struct stereo_ring *ring; // NULL: detached
    bool in_ring;             // the thread uses it
    bool stop;
    unsigned seeks;
    unsigned wanted; // generation, once there was a seek
    struct conversion_depth depth;
    float convergence; // of the last frame that was converted
};

// The ring to work into, marked as used; blocks while there is none. NULL: stop.
static struct stereo_ring *enter_ring(struct conversion *c)
{
    struct stereo_ring *ring;

    monitor_lock(&c->monitor);
    while (!c->ring && !c->stop)
        monitor_wait(&c->monitor);
    ring = c->stop ? NULL : c->ring;
    c->in_ring = ring != NULL;
    monitor_unlock(&c->monitor);
    return ring;
}

// True: the ring is still attached.
static bool leave_ring(struct conversion *c)
{
    bool attached;

    monitor_lock(&c->monitor);
    c->in_ring = false;
    attached = c->ring != NULL;
    monitor_changed(&c->monitor);
    monitor_unlock(&c->monitor);
    return attached;
}

static void count_stages(struct conversion *c, int64_t took_ns)
{
    struct deep3d_timing t = deep3d_last_timing(c->params.converter);
    struct stats *stats = c->params.stats;

    histogram_add(&stats->convert, took_ns);
    histogram_add(&stats->prepare, t.prepare_ns);
    if (t.network_ns > 0)
        histogram_add(&stats->network, t.network_ns);
    histogram_add(&stats->filter, t.filter_ns);
    histogram_add(&stats->synthesis, t.synthesis_ns);
    c->cost_ns = c->cost_ns ? (c->cost_ns * 7 + took_ns) / 8 : took_ns;
}

static struct conversion_depth take_depth(struct conversion *c)
{
    struct conversion_depth depth;

    monitor_lock(&c->monitor);
    depth = c->depth;
    monitor_unlock(&c->monitor);
    return depth;
}

// Native 3D has no convergence that could be turned: there the last picture's stays known.
static void note_parallax(struct conversion *c, const struct deep3d_picture *picture)
{
    struct deep3d_parallax parallax = deep3d_last_parallax(c->params.converter);

    stats_comfort_add(&c->params.stats->comfort, &parallax);
    if (picture->packing != DEEP3D_ONE_EYE)
        return;
    monitor_lock(&c->monitor);
    c->convergence = parallax.convergence;
    monitor_unlock(&c->monitor);
}

// Captions and on-screen text, into both eyes.
static void draw_over(struct conversion *c, const struct stereo_frame *frame)
{
    int64_t begin = clock_now_ns();

    subtitles_draw(c->params.subtitles, c->params.converter, frame);
    osd_draw(c->params.osd, c->params.converter, frame);
    histogram_add(&c->params.stats->overlay, clock_now_ns() - begin);
}

// By the viewer's clock.
static int64_t lasts_ns(const struct conversion *c, const struct frame *frame)
{
    double speed = c->params.clock ? media_clock_speed(c->params.clock) : 1;

    return (int64_t)((double)frame->duration_ns / speed);
}

static bool convert_into(struct conversion *c, const struct frame *frame, struct stereo_frame *out)
{
    struct conversion_depth depth = take_depth(c);
    struct deep3d_picture picture = frame->picture;
    int64_t begin = clock_now_ns();

    if (c->params.keep_light)
        picture.transfer = DEEP3D_TRANSFER_DISPLAY;
    deep3d_set_comfort(c->params.converter, &depth.comfort);
    deep3d_set_view(c->params.converter, depth.view);
    if (!deep3d_convert(c->params.converter, &picture, &depth.settings, &out->eyes))
        return false;
    note_parallax(c, &picture);
    out->pts_ns = frame->pts_ns;
    out->duration_ns = frame->duration_ns;
    out->generation = frame->generation;
    out->aspect = frame->aspect;
    draw_over(c, out);
    c->last_result_ns = clock_now_ns();
    count_stages(c, c->last_result_ns - begin);
    governing_converted(&c->governing, c->last_result_ns - begin, lasts_ns(c, frame));
    if (c->params.converted)
        c->params.converted(c->params.user, c->params.converter, out);
    return true;
}

// The picture lies in the memory of a GPU that the converter has left: it comes again in the
// host's.
static bool is_stranded(const struct conversion *c, const struct frame *frame)
{
    return frame->picture.memory == DEEP3D_MEMORY_CUDA && !deep3d_on_gpu(c->params.converter);
}

static void convert_frame(struct conversion *c, const struct frame *frame)
{
    _Atomic int64_t *count = &c->params.stats->frames_failed;
    struct stereo_ring *ring;
    struct stereo_frame *out = NULL;
    int width, height;

    deep3d_eyes_size(&frame->picture, &width, &height);
    while (!out && (ring = enter_ring(c))) {
        out = stereo_ring_acquire(ring, width, height,
                                  deep3d_on_gpu(c->params.converter) ? DEEP3D_MEMORY_CUDA
                                                                     : DEEP3D_MEMORY_HOST);
        if (!out && leave_ring(c))
            break; // no memory; a detached ring is waited for anew
    }
    if (out) {
        if (!convert_into(c, frame, out)) {
            stereo_ring_abandon(ring, out);
            if (is_stranded(c, frame))
                count = &c->params.stats->frames_dropped;
        } else if (stereo_ring_publish(ring, out))
            count = &c->params.stats->frames_converted;
        leave_ring(c);
    } else {
        deep3d_pass_over(c->params.converter);
        if (!ring)
            count = &c->params.stats->frames_dropped; // stopped in the middle of the film
    }
    atomic_fetch_add(count, 1);
}

// The frame's time will be over before it could be ready.
static bool too_late(const struct conversion *c, const struct frame *frame)
{
    int64_t now = clock_now_ns(), media;

    if (c->params.keep_all || now - c->last_result_ns > LONGEST_DROUGHT_NS)
        return false;
    media = media_clock_at(c->params.clock, now + c->cost_ns);
    return media != CLOCK_NONE && frame->pts_ns + frame->duration_ns < media;
}

// All frames of the generation are in the ring; waits until a seek brings others. False: stop.
static bool end_and_wait(struct conversion *c, unsigned seeks)
{
    bool stop;

    monitor_lock(&c->monitor);
    while (c->seeks == seeks && !c->stop) {
        if (c->ring)
            stereo_ring_end(c->ring); // again for a ring that was attached since
        monitor_wait(&c->monitor);
    }
    stop = c->stop;
    monitor_unlock(&c->monitor);
    return !stop;
}

// The frames ahead belong to a film before a seek, or to one that has ended for good.
static void drop_ahead(struct conversion *c)
{
    deep3d_reset(c->params.converter); // first: it may still look at them
    for (int i = 0; i < c->ahead_count; i++)
        source_give_back(c->params.source, c->ahead[i]);
    atomic_fetch_add(&c->params.stats->frames_dropped, c->ahead_count);
    c->ahead_count = 0;
}

// Returns the seeks so far; what was read before the last one is gone.
static unsigned follow_seeks(struct conversion *c)
{
    unsigned seeks, wanted;

    monitor_lock(&c->monitor);
    seeks = c->seeks;
    wanted = c->wanted;
    monitor_unlock(&c->monitor);
    if (seeks > 0 && c->ahead_count > 0 && c->generation != wanted)
        drop_ahead(c);
    return seeks;
}

// Frames are read ahead as long as they are there already: nothing waits for those that are not.
static bool wants_frame(const struct conversion *c)
{
    return c->ahead_count == 0 ||
           (c->ahead_count <= DEEP3D_FORESIGHT && source_video_ready(c->params.source));
}

static void foresee(struct conversion *c, struct frame *frame)
{
    if (frame->generation != c->generation)
        drop_ahead(c);
    c->generation = frame->generation;
    c->ahead[c->ahead_count++] = frame;
    deep3d_foresee(c->params.converter, &frame->picture);
}

static void convert_oldest(struct conversion *c)
{
    struct frame *frame = c->ahead[0];

    c->ahead_count--;
    memmove(c->ahead, c->ahead + 1, (size_t)c->ahead_count * sizeof(*c->ahead));
    if (too_late(c, frame)) {
        deep3d_pass_over(c->params.converter);
        atomic_fetch_add(&c->params.stats->frames_dropped, 1);
        governing_late(&c->governing);
    } else {
        convert_frame(c, frame);
    }
    if (is_stranded(c, frame)) {
        source_leave_gpu(c->params.source, frame->pts_ns);
        drop_ahead(c);
    }
    source_give_back(c->params.source, frame);
}

static void run(void *user)
{
    struct conversion *c = user;
    struct frame *frame;

    for (;;) {
        unsigned seeks = follow_seeks(c);
        enum source_result result;

        if (!wants_frame(c)) {
            convert_oldest(c);
            continue;
        }
        result = source_read_video(c->params.source, &frame);
        if (result == SOURCE_OK)
            foresee(c, frame);
        else if (result == SOURCE_STOPPED || !end_and_wait(c, seeks))
            break;
    }
    drop_ahead(c);
}

struct conversion *conversion_create(const struct conversion_params *params)
{
    struct conversion *c = mem_new(1, sizeof(*c));

    c->params = *params;
    c->depth = params->depth;
    c->convergence = params->depth.settings.convergence;
    monitor_init(&c->monitor);
    deep3d_reset(params->converter);
    deep3d_set_effort(params->converter, &(struct deep3d_effort){0});
    c->governing = (struct governing){.converter = params->converter,
                                      .stats = &params->stats->governor,
                                      .on = params->governor && !params->keep_all};
    if (!thread_start(&c->thread, "convert", THREAD_BACKGROUND, run, c))
        conversion_destroy(&c);
    return c;
}

void conversion_destroy(struct conversion **conversion)
{
    struct conversion *c = *conversion;

    if (!c)
        return;
    monitor_lock(&c->monitor);
    c->stop = true;
    monitor_changed(&c->monitor);
    monitor_unlock(&c->monitor);
    thread_join(&c->thread);
    monitor_finish(&c->monitor);
    mem_free(c);
    *conversion = NULL;
}

void conversion_attach(struct conversion *conversion, struct stereo_ring *ring)
{
    monitor_lock(&conversion->monitor);
    conversion->ring = ring;
    monitor_changed(&conversion->monitor);
    monitor_unlock(&conversion->monitor);
}

void conversion_detach(struct conversion *conversion)
{
    monitor_lock(&conversion->monitor);
    if (conversion->ring)
        stereo_ring_stop(conversion->ring);
    conversion->ring = NULL;
    while (conversion->in_ring)
        monitor_wait(&conversion->monitor);
    monitor_unlock(&conversion->monitor);
}

unsigned conversion_seek(struct conversion *conversion, int64_t pos_ns)
{
    unsigned generation;

    monitor_lock(&conversion->monitor);
    generation = conversion->wanted = source_seek(conversion->params.source, pos_ns);
    stereo_ring_restart(conversion->ring, generation);
    conversion->seeks++;
    monitor_changed(&conversion->monitor);
    monitor_unlock(&conversion->monitor);
    return generation;
}

void conversion_set(struct conversion *conversion, const struct conversion_depth *depth)
{
    monitor_lock(&conversion->monitor);
    conversion->depth = *depth;
    monitor_unlock(&conversion->monitor);
}

float conversion_convergence(struct conversion *conversion)
{
    float convergence;

    monitor_lock(&conversion->monitor);
    convergence = conversion->convergence;
    monitor_unlock(&conversion->monitor);
    return convergence;
}
