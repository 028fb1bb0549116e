#include "viewer/player.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/deep3d.h"
#include "viewer/audio.h"
#include "viewer/commands.h"
#include "viewer/conversion.h"
#include "viewer/converter_open.h"
#include "viewer/depth_wish.h"
#include "viewer/media_clock.h"
#include "viewer/osd.h"
#include "viewer/playlist.h"
#include "viewer/source.h"
#include "viewer/stage.h"
#include "viewer/stereo_ring.h"
#include "viewer/subtitles.h"

// From the first frame being ready to its display: the sound card and the headset want a moment.
#define START_LEAD_NS (40 * NS_PER_MS)
// Sound that never ends (a stalled device) is waited for no longer than this after the picture.
#define SOUND_PATIENCE_NS (2 * NS_PER_S)

// How the film that plays may end.
enum outcome {
    PLAYING,
    OVER, // played to its end
    NEXT, // the viewer wants another
    PREVIOUS,
    QUIT, // the viewer wants none
    FAILED,
};

struct player {
    struct options *options;
    struct stats *stats;
    struct command_queue *commands;
    struct media_clock *clock;
    struct deep3d *converter;
    struct stage *stage;
    struct osd *osd; // NULL: nothing can be drawn
    // the film that plays:
    struct subtitles *subtitles;
    struct source *source;
    struct conversion *conversion;
    struct audio *audio; // NULL: silent
    unsigned generation; // counts seeks in it
    bool started;        // the clock runs, or would if it were not paused
    bool paused;
    int64_t position_ns; // last known
    struct display_screen screen;
};

static atomic_bool interrupted;

void player_interrupt(void)
{
    atomic_store(&interrupted, true);
}

static void set_volume(struct player *p)
{
    osd_show(p->osd, p->options->mute ? "Volume %.0f %% (mute)" : "Volume %.0f %%",
             p->options->volume);
    if (p->audio)
        audio_set_volume(p->audio, (float)(p->options->volume / 100), p->options->mute);
}

static void set_paused(struct player *p, bool paused)
{
    p->paused = paused;
    media_clock_pause(p->clock, paused);
    if (p->audio)
        audio_pause(p->audio, paused);
}

// Clock and sound stand still until the first frame of what follows is there.
static void hold(struct player *p)
{
    media_clock_stop(p->clock);
    if (p->audio)
        audio_stop(p->audio);
    p->started = false;
}

static void seek_to(struct player *p, int64_t pos_ns)
{
    if (!source_info(p->source)->seekable) {
        log_info("%s cannot be wound", source_info(p->source)->url);
        return;
    }
    hold(p);
    p->position_ns = pos_ns > 0 ? pos_ns : 0;
    p->generation = conversion_seek(p->conversion, p->position_ns);
}

// While the film stands still nothing is drawn: the picture on screen is made anew, with what the
// viewer has changed.
static void refresh(struct player *p)
{
    if (p->paused && p->started && source_info(p->source)->seekable)
        seek_to(p, p->position_ns);
}

// Once the displays run and the first frame is there, the clock starts with it.
static void start_when_ready(struct player *p, enum display_state state)
{
    int64_t pts_ns;

    if (p->started || state != DISPLAY_RUNNING || !stage_keeps_time(p->stage))
        return;
    if (!stereo_ring_first(stage_ring(p->stage), &pts_ns))
        return;
    media_clock_start(p->clock, pts_ns, clock_now_ns() + START_LEAD_NS);
    if (p->audio)
        audio_start(p->audio, p->generation, pts_ns);
    p->started = true;
    set_paused(p, p->paused);
}

static double limited(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

static void say_depth(const struct player *p)
{
    char text[192];

    depth_wish_describe(p->options, p->screen, text, sizeof(text));
    log_info("depth: %s", text);
}

static void set_depth(struct player *p)
{
    struct conversion_depth depth = depth_wish(p->options, p->screen);
    char text[96];

    conversion_set(p->conversion, &depth);
    depth_wish_say(p->options, text, sizeof(text));
    osd_show(p->osd, "%s", text);
    say_depth(p);
    refresh(p);
}

static void next_view(struct player *p)
{
    struct conversion_depth depth;

    p->options->view = (p->options->view + 1) % DEEP3D_VIEW_COUNT;
    depth = depth_wish(p->options, p->screen);
    conversion_set(p->conversion, &depth);
    osd_show(p->osd, "View: %s", options_views[p->options->view]);
    refresh(p);
}

// The screen may grow, or the window be moved to another monitor, while a film plays.
static void suit_screen(struct player *p)
{
    struct display_screen screen = stage_screen(p->stage);
    struct conversion_depth depth;

    if (screen.width_m == p->screen.width_m && screen.distance_m == p->screen.distance_m)
        return;
    p->screen = screen;
    depth = depth_wish(p->options, p->screen);
    conversion_set(p->conversion, &depth);
}

// Automatic convergence gives way to the person, where it stands.
static void turn_convergence(struct player *p, double by)
{
    struct options *o = p->options;
    double from =
        o->auto_convergence ? (double)conversion_convergence(p->conversion) : o->convergence;

    o->auto_convergence = false;
    o->convergence = limited(from + by, 0, 1);
    set_depth(p);
}

static const char *as_time(int64_t ns, char *text, size_t size)
{
    long long s = ns / NS_PER_S;

    snprintf(text, size, "%lld:%02d:%02d", s / 3600, (int)(s / 60 % 60), (int)(s % 60));
    return text;
}

static void say_position(struct player *p)
{
    const struct source_info *info = source_info(p->source);
    int64_t at_ns = p->position_ns;
    char at[32], all[32];

    if (info->duration_ns > 0 && at_ns > info->duration_ns)
        at_ns = info->duration_ns;
    if (!info->seekable)
        osd_show(p->osd, "This film cannot be wound");
    else if (info->duration_ns > 0)
        osd_show(p->osd, "%s / %s", as_time(at_ns, at, sizeof(at)),
                 as_time(info->duration_ns, all, sizeof(all)));
    else
        osd_show(p->osd, "%s", as_time(at_ns, at, sizeof(at)));
}

static void say_subtitles(struct player *p)
{
    char which[96];

    subtitles_describe(p->subtitles, which, sizeof(which));
    osd_show(p->osd, "Captions: %s", which);
    log_info("captions: %s", which);
    refresh(p);
}

static void do_subtitle_command(struct player *p, const struct command *c)
{
    struct options *o = p->options;

    switch (c->kind) {
    case COMMAND_SUBTITLE_TRACK:
        subtitles_cycle(p->subtitles, c->value < 0 ? -1 : 1);
        say_subtitles(p);
        break;
    case COMMAND_SUBTITLE_SHOW:
        subtitles_toggle(p->subtitles);
        say_subtitles(p);
        break;
    default:
        o->sub_delay_s = limited(o->sub_delay_s + c->value, -3600, 3600);
        subtitles_set_delay(p->subtitles, (int64_t)(o->sub_delay_s * NS_PER_S));
        osd_show(p->osd, "Captions %+.1f s", o->sub_delay_s);
        refresh(p);
    }
}

static enum outcome do_command(struct player *p, const struct command *c)
{
    struct options *o = p->options;

    switch (c->kind) {
    case COMMAND_QUIT:
        return QUIT;
    case COMMAND_NEXT:
        return c->value < 0 ? PREVIOUS : NEXT;
    case COMMAND_PAUSE:
        set_paused(p, !p->paused);
        break;
    case COMMAND_SEEK_BY:
        seek_to(p, p->position_ns + (int64_t)(c->value * NS_PER_S));
        say_position(p);
        break;
    case COMMAND_VOLUME_BY:
        o->volume = limited(o->volume + c->value * 100, 0, 130);
        set_volume(p);
        break;
    case COMMAND_MUTE:
        o->mute = !o->mute;
        set_volume(p);
        break;
    case COMMAND_STRENGTH_BY:
        o->strength = limited(o->strength + c->value, 0, 10);
        set_depth(p);
        break;
    case COMMAND_CONVERGENCE_BY:
        turn_convergence(p, c->value);
        break;
    case COMMAND_AUTO_CONVERGENCE:
        o->auto_convergence = !o->auto_convergence;
        set_depth(p);
        break;
    case COMMAND_BUDGET:
        o->budget = !o->budget;
        set_depth(p);
        break;
    case COMMAND_FLOATING_WINDOW:
        o->floating_window = !o->floating_window;
        set_depth(p);
        break;
    case COMMAND_LAYOUT:
        o->layout = (o->layout + 1) % LAYOUT_COUNT;
        osd_show(p->osd, "Window: %s", stereo_layout_name((enum stereo_layout)o->layout));
        log_info("window: %s", stereo_layout_name((enum stereo_layout)o->layout));
        break;
    case COMMAND_SUBTITLE_TRACK:
    case COMMAND_SUBTITLE_SHOW:
    case COMMAND_SUBTITLE_DELAY_BY:
        do_subtitle_command(p, c);
        break;
    case COMMAND_VIEW:
        next_view(p);
        break;
    case COMMAND_FULLSCREEN:
    case COMMAND_RECENTER:
    case COMMAND_SCREEN_SIZE_BY:
        stage_command(p->stage, c->kind, c->value);
        break;
    }
    return PLAYING;
}

static enum outcome do_commands(struct player *p)
{
    struct command c;
    enum outcome outcome = PLAYING;

    while (outcome == PLAYING && command_queue_pop(p->commands, &c))
        outcome = do_command(p, &c);
    return atomic_load(&interrupted) ? QUIT : outcome;
}

// Every picture has had its time, and the sound too.
static bool film_over(struct player *p)
{
    int64_t now = media_clock_at(p->clock, clock_now_ns()), begin_ns, end_ns;

    if (!stereo_ring_drained(stage_ring(p->stage), &end_ns))
        return false;
    if (!stage_keeps_time(p->stage) || !stereo_ring_first(stage_ring(p->stage), &begin_ns))
        return true;
    if (now == CLOCK_NONE || now < end_ns)
        return false;
    return !p->audio || audio_finished(p->audio) || now > end_ns + SOUND_PATIENCE_NS;
}

static bool rebuild_stage(struct player *p)
{
    hold(p);
    conversion_detach(p->conversion);
    if (!stage_rebuild(p->stage))
        return false;
    stereo_ring_restart(stage_ring(p->stage), p->generation);
    conversion_attach(p->conversion, stage_ring(p->stage));
    if (source_info(p->source)->seekable)
        seek_to(p, p->position_ns);
    osd_show(p->osd, "The display was lost; the film goes on");
    return true;
}

static enum outcome play_on(struct player *p)
{
    for (;;) {
        enum display_state state = stage_poll(p->stage);
        enum outcome outcome = do_commands(p);
        int64_t position = media_clock_at(p->clock, clock_now_ns());

        if (outcome != PLAYING)
            return outcome;
        if (position != CLOCK_NONE)
            p->position_ns = position;
        if (state == DISPLAY_ENDED)
            return QUIT;
        if (state == DISPLAY_LOST && !rebuild_stage(p))
            return FAILED;
        suit_screen(p);
        start_when_ready(p, state);
        if (film_over(p))
            return source_broken(p->source) ? FAILED : OVER;
    }
}

static bool open_film(struct player *p, const char *url)
{
    struct options *o = p->options;
    struct source_params params = {
        .url = url,
        .lookahead_frames = o->lookahead_frames,
        .image_duration_ns = (int64_t)(o->image_duration_s * NS_PER_S),
        .gpu = o->hwdec == HWDEC_AUTO && deep3d_on_gpu(p->converter),
        .gpu_uuid = stage_gpu_uuid(p->stage),
        .no_audio = o->no_audio || !stage_keeps_time(p->stage),
        .subtitles = subtitles_create(o),
        .input = (enum stereo_input)o->input,
        .swap_eyes = o->swap_eyes,
    };
    struct conversion_params conversion = {
        .converter = p->converter,
        .clock = p->clock,
        .stats = p->stats,
        .subtitles = params.subtitles,
        .osd = p->osd,
        .keep_all = !stage_keeps_time(p->stage),
        .governor = o->governor,
    };

    p->subtitles = params.subtitles;
    p->screen = stage_screen(p->stage);
    conversion.depth = depth_wish(o, p->screen);
    p->source = conversion.source = source_open(&params);
    if (!p->source)
        return false;
    if (source_info(p->source)->native)
        log_info("%s shows both eyes: they are shown as they are", url);
    subtitles_add_files(p->subtitles, url, source_info(p->source)->frames_per_s);
    if (source_info(p->source)->audio_rate_hz > 0 && !params.no_audio)
        p->audio = audio_create(
            &(struct audio_params){p->source, p->clock, (float)(o->volume / 100), o->mute});
    p->conversion = conversion_create(&conversion);
    p->generation = 0;
    p->position_ns = 0;
    hold(p);
    return p->conversion;
}

static void add_counts(struct player *p)
{
    struct source_counts counts = source_counts(p->source);

    p->stats->frames_decoded += counts.frames_decoded;
    p->stats->packets_damaged += counts.packets_damaged;
    p->stats->frames_stale += counts.frames_stale;
    p->stats->frames_decoded_on_gpu += counts.frames_on_gpu;
    if (p->audio)
        p->stats->audio_underruns += audio_underruns(p->audio);
}

// How much was played, of a film that is over.
static void add_media_time(struct player *p)
{
    int64_t begin_ns, end_ns;

    if (stereo_ring_first(stage_ring(p->stage), &begin_ns) &&
        stereo_ring_drained(stage_ring(p->stage), &end_ns))
        p->stats->media_ns += end_ns - begin_ns;
}

static void close_film(struct player *p)
{
    hold(p);
    if (p->source)
        source_stop(p->source);
    if (stage_ring(p->stage))
        stereo_ring_restart(stage_ring(p->stage),
                            STEREO_RING_NO_GENERATION); // makes room for who waits for it
    conversion_destroy(&p->conversion);
    if (p->source)
        add_counts(p);
    snprintf(p->stats->backend, sizeof(p->stats->backend), "%s", deep3d_backend_name(p->converter));
    audio_destroy(&p->audio);
    source_close(&p->source);
    subtitles_destroy(&p->subtitles);
}

static enum outcome play(struct player *p, const char *url)
{
    enum outcome outcome = FAILED;
    int64_t shown = p->stats->frames_converted;

    if (open_film(p, url)) {
        log_info("playing %s", url);
        say_depth(p);
        stage_set_title(p->stage, url);
        stereo_ring_restart(stage_ring(p->stage), p->generation);
        conversion_attach(p->conversion, stage_ring(p->stage));
        if (p->options->start_s > 0)
            seek_to(p, (int64_t)(p->options->start_s * NS_PER_S));
        outcome = play_on(p);
        if (outcome == OVER)
            add_media_time(p);
    }
    close_film(p);
    if (outcome == OVER && p->stats->frames_converted == shown) {
        log_error("%s: no picture of it could be shown", url);
        outcome = FAILED;
    }
    if (outcome == FAILED) // seen where another film follows
        osd_show(p->osd, "Could not be played to its end: %s", url);
    return outcome;
}

static enum stats_end play_list(struct player *p, const struct playlist *list)
{
    enum stats_end end = STATS_END_FILE;
    bool played = false; // something in this round

    for (int i = 0; i < list->count; i++) {
        enum outcome outcome = play(p, list->files[i]);

        if (outcome == QUIT)
            return STATS_END_USER;
        if (outcome == FAILED)
            end = STATS_END_ERROR;
        else
            played = true;
        if (outcome == FAILED && !stage_ring(p->stage))
            return end;
        if (outcome == PREVIOUS)
            i = i > 0 ? i - 2 : -1;
        if (i + 1 == list->count && p->options->loop && played) {
            played = false;
            i = -1;
        }
    }
    return end;
}

// The converter works on the GPU that shows the pictures, so the stage comes first.
static bool create(struct player *p)
{
    struct display_context context = {.options = p->options, .stats = p->stats};

    context.commands = p->commands = command_queue_create();
    context.clock = p->clock = media_clock_create();
    p->stage = stage_create(&context);
    if (p->stage)
        p->converter = converter_open(p->options, stage_gpu_uuid(p->stage));
    if (!p->converter)
        return false;
    snprintf(p->stats->model, sizeof(p->stats->model), "%s", deep3d_model_name(p->converter));
    p->osd = osd_create();
    return true;
}

enum stats_end player_run(struct options *options, struct stats *stats)
{
    struct player p = {.options = options, .stats = stats};
    enum stats_end end = STATS_END_ERROR;
    struct playlist list;

    if (playlist_make(&list, options->files, options->file_count) && create(&p))
        end = play_list(&p, &list);
    playlist_finish(&list);
    stage_destroy(&p.stage);
    osd_destroy(&p.osd);
    deep3d_destroy(&p.converter);
    media_clock_destroy(&p.clock);
    command_queue_destroy(&p.commands);
    return end;
}
