#include "viewer/player.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/deep3d.h"
#include "viewer/commands.h"
#include "viewer/converter_open.h"
#include "viewer/depth_wish.h"
#include "viewer/display_xr.h"
#include "viewer/media_clock.h"
#include "viewer/osd.h"
#include "viewer/playback.h"
#include "viewer/playlist.h"
#include "viewer/source.h"
#include "viewer/stage.h"
#include "viewer/stereo_input.h"
#include "viewer/subtitles.h"

// A chapter that has begun so long ago is begun again, before one goes to the one before it.
#define CHAPTER_BEGUN_NS (5 * NS_PER_S)

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
    uint8_t gpu[STAGE_UUID_BYTES];
    const uint8_t *gpu_uuid; // that the converter was made for; NULL: any
    struct stage *stage;
    struct osd *osd;       // NULL: nothing can be drawn
    struct playback *film; // that plays
    bool paused;           // also the next one
    bool last;             // no other film follows
    enum outcome wanted;   // while a film is opened; PLAYING: that film
};

static atomic_bool interrupted;
static atomic_bool give_up; // opening a film

void player_interrupt(void)
{
    atomic_store(&interrupted, true);
    atomic_store(&give_up, true);
}

static void set_volume(struct player *p)
{
    osd_show(p->osd, p->options->mute ? "Volume %.0f %% (mute)" : "Volume %.0f %%",
             p->options->volume);
    playback_set_volume(p->film);
}

static double limited(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

static void say_depth(const struct player *p)
{
    char text[192];

    depth_wish_describe(p->options, playback_screen(p->film), text, sizeof(text));
    log_info("depth: %s", text);
}

static void set_depth(struct player *p)
{
    char text[96];

    playback_set_depth(p->film);
    depth_wish_say(p->options, text, sizeof(text));
    osd_show(p->osd, "%s", text);
    say_depth(p);
    playback_refresh(p->film);
}

static void next_view(struct player *p)
{
    p->options->view = (p->options->view + 1) % DEEP3D_VIEW_COUNT;
    playback_set_depth(p->film);
    osd_show(p->osd, "View: %s", options_views[p->options->view]);
    playback_refresh(p->film);
}

static void set_input(struct player *p)
{
    osd_show(p->osd, p->options->swap_eyes ? "Film: %s; eyes exchanged" : "Film: %s",
             stereo_input_describe((enum stereo_input)p->options->input));
    playback_set_input(p->film);
}

// Automatic convergence gives way to the person, where it stands.
static void turn_convergence(struct player *p, double by)
{
    struct options *o = p->options;
    double from = o->auto_convergence ? (double)playback_convergence(p->film) : o->convergence;

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
    const struct source_info *info = playback_info(p->film);
    int64_t at_ns = playback_position_ns(p->film);
    char at[32], all[32];

    if (info->duration_ns > 0 && at_ns > info->duration_ns)
        at_ns = info->duration_ns;
    if (!playback_windable(p->film))
        osd_show(p->osd, "This film cannot be wound");
    else if (info->duration_ns > 0)
        osd_show(p->osd, "%s / %s", as_time(at_ns, at, sizeof(at)),
                 as_time(info->duration_ns, all, sizeof(all)));
    else
        osd_show(p->osd, "%s", as_time(at_ns, at, sizeof(at)));
}

// The chapter that media time at_ns lies in; -1: before the first.
static int chapter_at(const struct source_info *info, int64_t at_ns)
{
    int i = -1;

    while (i + 1 < info->chapter_count && info->chapters[i + 1].start_ns <= at_ns)
        i++;
    return i;
}

// Backwards: from its middle, to the beginning of the chapter that plays.
static void go_to_chapter(struct player *p, int step)
{
    const struct source_info *info = playback_info(p->film);
    int64_t at_ns = playback_position_ns(p->film);
    int to = chapter_at(info, at_ns) + 1;
    const struct source_chapter *c;

    if (step < 0)
        to = chapter_at(info, at_ns - CHAPTER_BEGUN_NS);
    if (info->chapter_count == 0 || to >= info->chapter_count || !playback_windable(p->film)) {
        osd_show(p->osd, info->chapter_count == 0     ? "This film has no chapters"
                         : playback_windable(p->film) ? "This is the last chapter"
                                                      : "This film cannot be wound");
        return;
    }
    c = &info->chapters[to > 0 ? to : 0];
    playback_seek(p->film, c->start_ns);
    osd_show(p->osd, "Chapter %d of %d%s%s", (int)(c - info->chapters) + 1, info->chapter_count,
             c->title[0] ? ": " : "", c->title);
}

static void next_audio(struct player *p, int step)
{
    char which[160];

    playback_cycle_audio(p->film, step);
    playback_describe_audio(p->film, which, sizeof(which));
    osd_show(p->osd, "Sound: %s", which);
    log_info("sound: %s", which);
}

static void delay_audio(struct player *p, double by)
{
    struct options *o = p->options;

    o->audio_delay_s =
        limited(o->audio_delay_s + by, -OPTIONS_AUDIO_DELAY_MAX_S, OPTIONS_AUDIO_DELAY_MAX_S);
    playback_set_audio_delay(p->film);
    osd_show(p->osd, "Sound %+.2f s", o->audio_delay_s);
}

static void change_speed(struct player *p, double by)
{
    double speed = limited(p->options->speed * by, OPTIONS_SPEED_MIN, OPTIONS_SPEED_MAX);

    p->options->speed = by <= 0 || fabs(speed - 1) < 0.01 ? 1 : speed;
    media_clock_set_speed(p->clock, p->options->speed);
    playback_set_speed(p->film);
    osd_show(p->osd, "Speed %.2f", p->options->speed);
}

static void say_subtitles(struct player *p)
{
    char which[96];

    subtitles_describe(playback_subtitles(p->film), which, sizeof(which));
    osd_show(p->osd, "Captions: %s", which);
    log_info("captions: %s", which);
    playback_refresh(p->film);
}

static void do_subtitle_command(struct player *p, const struct command *c)
{
    struct options *o = p->options;

    switch (c->kind) {
    case COMMAND_SUBTITLE_TRACK:
        subtitles_cycle(playback_subtitles(p->film), c->value < 0 ? -1 : 1);
        say_subtitles(p);
        break;
    case COMMAND_SUBTITLE_SHOW:
        subtitles_toggle(playback_subtitles(p->film));
        say_subtitles(p);
        break;
    default:
        o->sub_delay_s = limited(o->sub_delay_s + c->value, -3600, 3600);
        subtitles_set_delay(playback_subtitles(p->film), (int64_t)(o->sub_delay_s * NS_PER_S));
        osd_show(p->osd, "Captions %+.1f s", o->sub_delay_s);
        playback_refresh(p->film);
    }
}

// Where else the command leads; PLAYING: nowhere.
static enum outcome way_out(struct player *p, const struct command *c)
{
    if (c->kind == COMMAND_QUIT)
        return QUIT;
    if (c->kind != COMMAND_NEXT)
        return PLAYING;
    if (c->value < 0)
        return PREVIOUS;
    if (!p->last)
        return NEXT;
    osd_show(p->osd, "This is the last film");
    return PLAYING;
}

static enum outcome do_command(struct player *p, const struct command *c)
{
    struct options *o = p->options;

    switch (c->kind) {
    case COMMAND_QUIT:
    case COMMAND_NEXT:
        return way_out(p, c);
    case COMMAND_PAUSE:
        playback_pause(p->film, !playback_paused(p->film));
        break;
    case COMMAND_SEEK_BY:
        playback_seek(p->film, playback_position_ns(p->film) + (int64_t)(c->value * NS_PER_S));
        say_position(p);
        break;
    case COMMAND_CHAPTER_BY:
        go_to_chapter(p, c->value < 0 ? -1 : 1);
        break;
    case COMMAND_STEP:
        playback_step(p->film, c->value < 0 ? -1 : 1);
        break;
    case COMMAND_SPEED_BY:
        change_speed(p, c->value);
        break;
    case COMMAND_VOLUME_BY:
        o->volume = limited(o->volume + c->value * 100, 0, 130);
        set_volume(p);
        break;
    case COMMAND_MUTE:
        o->mute = !o->mute;
        set_volume(p);
        break;
    case COMMAND_AUDIO_TRACK:
        next_audio(p, c->value < 0 ? -1 : 1);
        break;
    case COMMAND_AUDIO_DELAY_BY:
        delay_audio(p, c->value);
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
    case COMMAND_INPUT:
        o->input = (int)stereo_input_next((enum stereo_input)o->input);
        set_input(p);
        break;
    case COMMAND_SWAP_EYES:
        o->swap_eyes = !o->swap_eyes;
        set_input(p);
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

static bool rebuild_stage(struct player *p)
{
    if (!playback_rebuild_stage(p->film))
        return false;
    osd_show(p->osd, "The display was lost; the film goes on");
    return true;
}

static enum outcome play_on(struct player *p)
{
    for (;;) {
        enum display_state state = stage_poll(p->stage);
        enum outcome outcome = do_commands(p);

        if (outcome != PLAYING)
            return outcome;
        if (state == DISPLAY_ENDED)
            return QUIT;
        if (state == DISPLAY_LOST && !rebuild_stage(p))
            return FAILED;
        if (!playback_poll(p->film, state))
            return playback_broken(p->film) ? FAILED : OVER;
    }
}

// What is about the film itself comes too early.
static void while_opening(void *user)
{
    struct player *p = user;
    struct command c;

    if (stage_poll(p->stage) == DISPLAY_ENDED)
        p->wanted = QUIT;
    while (p->wanted == PLAYING && command_queue_pop(p->commands, &c)) {
        p->wanted = way_out(p, &c);
        if (c.kind == COMMAND_PAUSE)
            p->paused = !p->paused;
        if (c.kind == COMMAND_FULLSCREEN || c.kind == COMMAND_RECENTER ||
            c.kind == COMMAND_SCREEN_SIZE_BY)
            stage_command(p->stage, c.kind, c.value);
    }
    if (p->wanted != PLAYING)
        atomic_store(&give_up, true);
}

static bool open_film(struct player *p, const char *url)
{
    struct playback_params params = {
        .options = p->options,
        .stats = p->stats,
        .clock = p->clock,
        .converter = p->converter,
        .gpu_uuid = p->gpu_uuid,
        .stage = p->stage,
        .osd = p->osd,
        .paused = p->paused,
        .give_up = &give_up,
        .meanwhile = while_opening,
        .user = p,
    };

    p->wanted = PLAYING;
    atomic_store(&give_up, false);
    if (atomic_load(&interrupted)) // before it was made false
        return false;
    p->film = playback_open(&params, url);
    return p->film;
}

static void close_film(struct player *p)
{
    if (p->film)
        p->paused = playback_paused(p->film);
    playback_close(&p->film);
}

static enum outcome play(struct player *p, const char *url)
{
    enum outcome outcome = FAILED;
    int64_t shown = p->stats->frames_converted;

    if (open_film(p, url) && p->wanted == PLAYING) {
        log_info("playing %s", url);
        if (p->paused != playback_paused(p->film)) // said meanwhile
            playback_pause(p->film, p->paused);
        say_depth(p);
        stage_set_title(p->stage, url);
        if (p->options->start_s > 0)
            playback_seek(p->film, (int64_t)(p->options->start_s * NS_PER_S));
        outcome = play_on(p);
        if (outcome == OVER)
            p->stats->media_ns += playback_length_ns(p->film);
    }
    close_film(p);
    if (p->wanted != PLAYING)
        outcome = p->wanted;
    if (outcome == FAILED && atomic_load(&interrupted))
        outcome = QUIT;
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

    for (int i = 0, step = 1; i < list->count; i += step) {
        enum outcome outcome;

        p->last = i + 1 == list->count && !p->options->loop;
        outcome = play(p, list->files[i]);
        if (outcome == QUIT)
            return STATS_END_USER;
        if (outcome == FAILED)
            end = STATS_END_ERROR;
        else
            played = true;
        if (outcome == FAILED && !stage_ring(p->stage))
            return end;
        // what cannot be played is passed in the direction that the viewer goes
        if (outcome != FAILED || i == 0)
            step = outcome == PREVIOUS ? (i > 0 ? -1 : 0) : 1;
        if (i + step == list->count && p->options->loop && played) {
            played = false;
            i = -1;
        }
    }
    return end;
}

// The stage may come to another GPU later; the converter stays where it is.
static void keep_gpu(struct player *p)
{
    const uint8_t *uuid = stage_gpu_uuid(p->stage);

    if (!uuid)
        return;
    memcpy(p->gpu, uuid, sizeof(p->gpu));
    p->gpu_uuid = p->gpu;
}

// The converter works on the GPU that shows the pictures, so the stage comes first.
static bool create(struct player *p)
{
    struct display_context context = {.options = p->options, .stats = p->stats};

    context.commands = p->commands = command_queue_create();
    context.clock = p->clock = media_clock_create();
    media_clock_set_speed(p->clock, p->options->speed);
    p->stage = stage_create(&context);
    if (!p->stage)
        return false;
    keep_gpu(p);
    p->converter = converter_open(p->options, p->gpu_uuid);
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
    if (xr_left_behind())
        return end; // it may still use all of these
    osd_destroy(&p.osd);
    deep3d_destroy(&p.converter);
    media_clock_destroy(&p.clock);
    command_queue_destroy(&p.commands);
    return end;
}
