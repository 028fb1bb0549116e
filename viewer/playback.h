// A film that plays: source, conversion, sound and captions, held together over seeks, pauses and
// lost displays.
//
// Thread-safety: main thread only.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "viewer/display.h"

struct deep3d;
struct media_clock;
struct options;
struct osd;
struct playback;
struct source_info;
struct stage;
struct stats;
struct subtitles;

// Everything outlives the playback.
struct playback_params {
    struct options *options;
    struct stats *stats;
    struct media_clock *clock;
    struct deep3d *converter;
    const uint8_t *gpu_uuid; // that it was made for, as deep3d_params have it
    struct stage *stage;
    struct osd *osd;            // NULL: nothing can be drawn
    bool paused;                // it begins so
    const atomic_bool *give_up; // once true, opening the film or its display ends soon
    // Called again and again while the film is opened, which may take long: it sleeps a little and
    // makes give_up true where the viewer has had enough.
    void (*meanwhile)(void *user);
    void *user;
};

// Opens the film, and converts it into the stage's ring at once. NULL, logged: it cannot be played.
struct playback *playback_open(const struct playback_params *params, const char *url);
// Adds to the statistics what was decoded, and by what. Accepts a pointer to NULL; sets it to NULL.
void playback_close(struct playback **playback);

const struct source_info *playback_info(const struct playback *playback);
// Its own; playback_refresh() shows what is changed in them.
struct subtitles *playback_subtitles(struct playback *playback);
// On which screen it was last shown.
struct display_screen playback_screen(const struct playback *playback);

// Call often: starts clock and sound once the displays run and the first frame is there, and suits
// depth to the screen, which may grow or be another monitor's. Returns false once every picture and
// the sound have had their time.
bool playback_poll(struct playback *playback, enum display_state state);
// Reading failed for good.
bool playback_broken(const struct playback *playback);
// playback_seek() goes where it is asked to: not in streams, nor in recordings that were joined
// once the first of them is over.
bool playback_windable(const struct playback *playback);
// How much was played, of a film that is over.
int64_t playback_length_ns(const struct playback *playback);

// Media time, last known.
int64_t playback_position_ns(const struct playback *playback);
// Does nothing, with a line, where the film cannot be wound.
void playback_seek(struct playback *playback, int64_t pos_ns);
bool playback_paused(const struct playback *playback);
// Going on after a step winds the sound to the picture, where the film can be wound.
void playback_pause(struct playback *playback, bool paused);
// Pauses on the next picture, once it is converted, or with step -1 on the one before, where the
// film can be wound; steps that come faster are made one after the other.
void playback_step(struct playback *playback, int step);
// The next sound track, or the previous one with step -1; after the last comes the first.
void playback_cycle_audio(struct playback *playback, int step);
void playback_set_audio_delay(struct playback *playback);
// The clock's speed has changed: the sound's does, too.
void playback_set_speed(struct playback *playback);
// What is heard, for people, into `out`: "2 of 3, de, ac3, 6 channels, commentary".
void playback_describe_audio(const struct playback *playback, char *out, int out_size);

// The options' volume, depth and view hold from now on.
void playback_set_volume(struct playback *playback);
void playback_set_depth(struct playback *playback);
// And how the film shows both eyes: at once where it can be wound, else with what is yet to come.
void playback_set_input(struct playback *playback);
// While the film stands still nothing is drawn: the picture on screen is made anew, with what the
// viewer has changed.
void playback_refresh(struct playback *playback);
// The convergence that the last frame was drawn with; native 3D keeps that of the one before.
float playback_convergence(struct playback *playback);

// The stage is built anew under the film, which goes on where it was. False: as stage_rebuild().
bool playback_rebuild_stage(struct playback *playback);
