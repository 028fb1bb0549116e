#include "viewer/playback.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"
#include "engine/deep3d.h"
#include "viewer/audio.h"
#include "viewer/conversion.h"
#include "viewer/depth_wish.h"
#include "viewer/media_clock.h"
#include "viewer/options.h"
#include "viewer/osd.h"
#include "viewer/source.h"
#include "viewer/stage.h"
#include "viewer/stats.h"
#include "viewer/stereo_ring.h"
#include "viewer/subtitles.h"

// From the first frame being ready to its display: the sound card and the headset want a moment.
#define START_LEAD_NS (40 * NS_PER_MS)
// Sound that never ends (a stalled device) is waited for no longer than this after the film.
#define SOUND_PATIENCE_NS (2 * NS_PER_S)
// A film of which nothing came for so long, and for so many pictures, stands still until more does.
#define DROUGHT_NS (500 * NS_PER_MS)
#define DROUGHT_PICTURES 2

struct playback {
    struct playback_params params;
    struct subtitles *subtitles;
    struct source *source;
    struct conversion *conversion;
    struct audio *audio; // NULL: silent
    unsigned generation; // counts seeks
    bool started;        // the clock runs, or would if it were not paused
    bool paused;
    bool stepped;        // while paused: the sound has stayed behind
    bool to_picture;     // a whole picture was asked for, not a moment
    int steps;           // yet to be made
    bool stale;          // while paused: what is shown is not what the viewer chose last
    int64_t dry_ns;      // since when nothing comes; CLOCK_NONE: something does
    bool stalled;        // the clock stands for that
    int64_t position_ns; // last known
    struct display_screen screen;
};

static struct stereo_ring *ring(const struct playback *p)
{
    return stage_ring(p->params.stage);
}

// Clock and sound stand still until the first frame of what follows is there.
static void hold(struct playback *p)
{
    media_clock_stop(p->params.clock);
    if (p->audio)
        audio_stop(p->audio);
    p->started = p->stepped = p->stalled = false;
    p->dry_ns = CLOCK_NONE;
}

// --- opening and closing

static int64_t audio_delay_ns(const struct options *o)
{
    return (int64_t)(o->audio_delay_s * NS_PER_S);
}

struct opening {
    const struct source_params *params;
    struct source *source;
    atomic_bool done;
};

static void run_opening(void *user)
{
    struct opening *o = user;

    o->source = source_open(o->params);
    atomic_store(&o->done, true);
}

// In a thread of its own: the display and the viewer are not to wait for a disk or a server.
static struct source *open_aside(struct playback *p, const struct source_params *params)
{
    struct opening o = {.params = params};
    struct thread thread = {0};

    if (!thread_start(&thread, "open", THREAD_NORMAL, run_opening, &o))
        return NULL;
    while (!atomic_load(&o.done))
        p->params.meanwhile(p->params.user);
    thread_join(&thread);
    return o.source;
}

static bool open_source(struct playback *p, const char *url)
{
    const struct options *o = p->params.options;
    struct source_params params = {
        .url = url,
        .lookahead_frames = o->lookahead_frames,
        .image_duration_ns = (int64_t)(o->image_duration_s * NS_PER_S),
        .gpu = o->hwdec == HWDEC_AUTO && deep3d_on_gpu(p->params.converter),
        .gpu_uuid = p->params.gpu_uuid,
        .keep_fields = o->deinterlace == DEINTERLACE_NO,
        .no_audio = o->no_audio || !stage_keeps_time(p->params.stage),
        .audio = o->audio,
        .audio_lang = o->audio_lang,
        .subtitles = p->subtitles,
        .input = (enum stereo_input)o->input,
        .swap_eyes = o->swap_eyes,
        .give_up = p->params.give_up,
    };

    p->source = open_aside(p, &params);
    if (!p->source)
        return false;
    if (source_info(p->source)->native)
        log_info("%s shows both eyes: they are shown as they are", url);
    subtitles_add_files(p->subtitles, url, source_info(p->source)->frames_per_s);
    if (source_info(p->source)->sound_count > 0)
        p->audio = audio_create(&(struct audio_params){
            p->source, p->params.clock, (float)(o->volume / 100), o->mute, audio_delay_ns(o)});
    return true;
}

static bool start_conversion(struct playback *p)
{
    const struct options *o = p->params.options;
    struct conversion_params params = {
        .source = p->source,
        .converter = p->params.converter,
        .clock = p->params.clock,
        .stats = p->params.stats,
        .subtitles = p->subtitles,
        .osd = p->params.osd,
        .keep_all = !stage_keeps_time(p->params.stage),
        .governor = o->governor,
        .depth = depth_wish(o, p->screen),
    };

    p->conversion = conversion_create(&params);
    hold(p);
    if (!p->conversion)
        return false;
    stereo_ring_restart(ring(p), p->generation);
    conversion_attach(p->conversion, ring(p));
    return true;
}

struct playback *playback_open(const struct playback_params *params, const char *url)
{
    struct playback *p = mem_new(1, sizeof(*p));

    p->params = *params;
    p->paused = params->paused;
    p->subtitles = subtitles_create(params->options);
    p->screen = stage_screen(params->stage);
    if (!open_source(p, url) || !start_conversion(p))
        playback_close(&p);
    return p;
}

static void add_counts(const struct playback *p)
{
    struct source_counts counts = source_counts(p->source);
    struct stats *stats = p->params.stats;

    stats->frames_decoded += counts.frames_decoded;
    stats->packets_damaged += counts.packets_damaged;
    stats->frames_stale += counts.frames_stale;
    stats->frames_decoded_on_gpu += counts.frames_on_gpu;
    if (p->audio)
        stats->audio_underruns += audio_underruns(p->audio);
}

void playback_close(struct playback **playback)
{
    struct playback *p = *playback;

    if (!p)
        return;
    hold(p);
    if (p->source)
        source_stop(p->source);
    if (ring(p))
        stereo_ring_restart(ring(p), STEREO_RING_NO_GENERATION); // makes room for who waits for it
    conversion_destroy(&p->conversion);
    if (p->source)
        add_counts(p);
    snprintf(p->params.stats->backend, sizeof(p->params.stats->backend), "%s",
             deep3d_backend_name(p->params.converter));
    audio_destroy(&p->audio);
    source_close(&p->source);
    subtitles_destroy(&p->subtitles);
    mem_free(p);
    *playback = NULL;
}

// --- what it is

const struct source_info *playback_info(const struct playback *p)
{
    return source_info(p->source);
}

struct subtitles *playback_subtitles(struct playback *p)
{
    return p->subtitles;
}

struct display_screen playback_screen(const struct playback *p)
{
    return p->screen;
}

bool playback_broken(const struct playback *p)
{
    return source_broken(p->source);
}

bool playback_windable(const struct playback *p)
{
    return source_windable(p->source);
}

int64_t playback_length_ns(const struct playback *p)
{
    int64_t begin_ns, first_end_ns, end_ns;

    if (!stereo_ring_first(ring(p), &begin_ns, &first_end_ns) ||
        !stereo_ring_drained(ring(p), &end_ns))
        return 0;
    return end_ns - begin_ns;
}

int64_t playback_position_ns(const struct playback *p)
{
    return p->position_ns;
}

bool playback_paused(const struct playback *p)
{
    return p->paused;
}

float playback_convergence(struct playback *p)
{
    return conversion_convergence(p->conversion);
}

// --- what the viewer wants

void playback_seek(struct playback *p, int64_t pos_ns)
{
    if (!playback_windable(p)) {
        log_info("%s cannot be wound", source_info(p->source)->url);
        return;
    }
    hold(p);
    p->to_picture = false;
    p->position_ns = pos_ns > 0 ? pos_ns : 0;
    p->generation = conversion_seek(p->conversion, p->position_ns);
}

void playback_pause(struct playback *p, bool paused)
{
    p->paused = paused;
    if (!paused)
        p->steps = 0;
    media_clock_pause(p->params.clock, paused);
    if (p->audio)
        audio_pause(p->audio, paused);
    if (!paused && p->stepped && p->audio && playback_windable(p))
        playback_seek(p, p->position_ns);
}

void playback_step(struct playback *p, int step)
{
    playback_pause(p, true);
    p->steps += step;
}

// One of those that are to be made, once its picture is there.
static void make_step(struct playback *p)
{
    int64_t pts_ns;

    if (p->steps < 0 && stereo_ring_shown(ring(p), &pts_ns)) {
        p->steps++;
        playback_seek(p, pts_ns - 1);
        p->to_picture = true;
    } else if (p->steps > 0 && stereo_ring_waiting(ring(p), &pts_ns) && pts_ns > p->position_ns) {
        p->steps--;
        media_clock_start(p->params.clock, pts_ns, clock_now_ns());
        p->position_ns = pts_ns;
        p->stepped = true;
    } else if (stereo_ring_drained(ring(p), &pts_ns)) {
        p->steps = 0;
    }
}

void playback_cycle_audio(struct playback *p, int step)
{
    const struct source_info *info = source_info(p->source);

    if (!p->audio || info->sound_count < 2)
        return;
    source_set_sound(p->source,
                     (source_sound(p->source) + step + info->sound_count) % info->sound_count);
    if (playback_windable(p))
        playback_seek(p, p->position_ns);
}

void playback_describe_audio(const struct playback *p, char *out, int out_size)
{
    const struct source_info *info = source_info(p->source);
    const struct source_sound *sound;
    int chosen = source_sound(p->source);
    char channels[32] = "";

    if (!p->audio) {
        snprintf(out, (size_t)out_size, "none");
        return;
    }
    sound = &info->sounds[chosen];
    if (sound->channels > 0)
        snprintf(channels, sizeof(channels), ", %d channel%s", sound->channels,
                 sound->channels == 1 ? "" : "s");
    snprintf(out, (size_t)out_size, "%d of %d, %s%s%s%s%s%s", chosen + 1, info->sound_count,
             sound->language, sound->language[0] ? ", " : "", sound->codec, channels,
             sound->title[0] ? ", " : "", sound->title);
}

void playback_set_audio_delay(struct playback *p)
{
    if (p->audio)
        audio_set_delay(p->audio, audio_delay_ns(p->params.options));
}

void playback_set_speed(struct playback *p)
{
    int64_t now_ns = media_clock_at(p->params.clock, clock_now_ns());

    if (p->audio && p->started && now_ns != CLOCK_NONE)
        audio_start(p->audio, p->generation, now_ns);
}

void playback_set_volume(struct playback *p)
{
    const struct options *o = p->params.options;

    if (p->audio)
        audio_set_volume(p->audio, (float)(o->volume / 100), o->mute);
}

void playback_set_depth(struct playback *p)
{
    struct conversion_depth depth = depth_wish(p->params.options, p->screen);

    conversion_set(p->conversion, &depth);
}

void playback_set_input(struct playback *p)
{
    const struct options *o = p->params.options;

    source_set_input(p->source, (enum stereo_input)o->input, o->swap_eyes);
    if (playback_windable(p))
        playback_seek(p, p->position_ns);
}

void playback_refresh(struct playback *p)
{
    if (!p->paused || !playback_windable(p))
        return;
    p->stale = !p->started; // its picture is being made: then once more
    if (p->started)
        playback_seek(p, p->position_ns);
}

// --- playing

static void suit_screen(struct playback *p)
{
    struct display_screen screen = stage_screen(p->params.stage);

    if (screen.width_m == p->screen.width_m && screen.distance_m == p->screen.distance_m)
        return;
    p->screen = screen;
    playback_set_depth(p);
}

// The place that was asked for lies before the film's first picture or behind the last one, where
// there is sound alone. begin_ns, end_ns: of the picture that came.
static bool outside_pictures(const struct playback *p, int64_t begin_ns, int64_t end_ns)
{
    const struct source_info *info = source_info(p->source);

    return p->audio && p->position_ns < info->duration_ns &&
           (p->position_ns >= end_ns || begin_ns <= info->pictures_ns);
}

// Media time at which the clock starts: of the place that was asked for, or where no picture shows
// that, and no sound alone is there, of the first one; after a drought of the next picture, or of
// the sound that outlasts them. False: not yet.
static bool find_start(const struct playback *p, int64_t *out_ns)
{
    int64_t begin_ns, end_ns;

    *out_ns = p->position_ns;
    if (p->stalled)
        return stereo_ring_waiting(ring(p), out_ns) || stereo_ring_drained(ring(p), &end_ns);
    if (!stereo_ring_first(ring(p), &begin_ns, &end_ns))
        return false;
    if (p->to_picture || ((p->position_ns < begin_ns || p->position_ns >= end_ns) &&
                          !outside_pictures(p, begin_ns, end_ns)))
        *out_ns = begin_ns;
    return true;
}

static void start_when_ready(struct playback *p, enum display_state state)
{
    int64_t pts_ns;

    if (p->started || state != DISPLAY_RUNNING || !stage_keeps_time(p->params.stage))
        return;
    if (!find_start(p, &pts_ns))
        return;
    p->stalled = false;
    p->dry_ns = CLOCK_NONE;
    media_clock_start(p->params.clock, pts_ns, clock_now_ns() + START_LEAD_NS);
    if (p->audio)
        audio_start(p->audio, p->generation, pts_ns);
    p->started = true;
    playback_pause(p, p->paused);
}

// Cameras may be slow.
static int64_t drought_ns(const struct playback *p)
{
    double frames_per_s = source_info(p->source)->frames_per_s;
    double pictures_ns = frames_per_s > 0 ? DROUGHT_PICTURES * NS_PER_S / frames_per_s : 0;

    return pictures_ns > DROUGHT_NS ? (int64_t)pictures_ns : DROUGHT_NS;
}

// A film is not to lose what a slow disk or network brings late: it stands still meanwhile.
static void look_for_drought(struct playback *p)
{
    int64_t now_ns = clock_now_ns(), pts_ns;

    if (!p->started || p->paused || !source_starving(p->source) ||
        stereo_ring_waiting(ring(p), &pts_ns)) {
        p->dry_ns = CLOCK_NONE;
    } else if (p->dry_ns == CLOCK_NONE) {
        p->dry_ns = now_ns;
    } else if (now_ns - p->dry_ns > drought_ns(p)) {
        log_info("%s: waiting for more of it", source_info(p->source)->url);
        hold(p);
        p->stalled = true;
    }
}

static bool over(const struct playback *p)
{
    int64_t now = media_clock_at(p->params.clock, clock_now_ns()), begin_ns, first_end_ns, end_ns;

    if (!stereo_ring_drained(ring(p), &end_ns))
        return false;
    if (!stage_keeps_time(p->params.stage) || !stereo_ring_first(ring(p), &begin_ns, &first_end_ns))
        return true;
    if (now == CLOCK_NONE || now < end_ns)
        return false;
    // sound may be longer than the pictures, of which the last one stays
    if (end_ns < source_info(p->source)->duration_ns)
        end_ns = source_info(p->source)->duration_ns;
    return !p->audio || audio_finished(p->audio) || now > end_ns + SOUND_PATIENCE_NS;
}

static void note_position(struct playback *p)
{
    int64_t position = media_clock_at(p->params.clock, clock_now_ns());

    if (position != CLOCK_NONE)
        p->position_ns = position;
}

bool playback_poll(struct playback *p, enum display_state state)
{
    note_position(p);
    suit_screen(p);
    start_when_ready(p, state);
    look_for_drought(p);
    if (p->paused && p->started && p->steps != 0)
        make_step(p);
    else if (p->paused && p->started && (p->stale || osd_stale(p->params.osd)))
        playback_refresh(p);
    return !over(p);
}

bool playback_rebuild_stage(struct playback *p)
{
    note_position(p);
    hold(p);
    conversion_detach(p->conversion);
    if (!stage_rebuild(p->params.stage, p->params.give_up))
        return false;
    stereo_ring_restart(ring(p), p->generation);
    conversion_attach(p->conversion, ring(p));
    if (playback_windable(p))
        playback_seek(p, p->position_ns);
    return true;
}
