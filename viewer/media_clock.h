// What part of the film is heard and seen at which moment: media time as a function of
// clock_now_ns().
//
// Sound is the master: the audio output says what it plays and the clock follows smoothly. Without
// sound it runs by itself. Both as fast as time, or at another speed that the viewer wants.
//
// Thread-safety: safe; readers never block for longer than a copy.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct media_clock;

struct media_clock *media_clock_create(void); // stopped
void media_clock_destroy(struct media_clock **clock);

// Media time media_ns is at moment at_ns, and runs on from there. Starts a stopped clock; a paused
// one stays paused.
void media_clock_start(struct media_clock *clock, int64_t media_ns, int64_t at_ns);
// The audio output heard media_ns at at_ns. Small differences are taken in smoothly, differences
// above 100 ms at once. Ignored while stopped or paused.
void media_clock_correct(struct media_clock *clock, int64_t media_ns, int64_t at_ns);
// Media time is unknown until the next start (a seek, another file).
void media_clock_stop(struct media_clock *clock);
void media_clock_pause(struct media_clock *clock, bool paused);
bool media_clock_paused(const struct media_clock *clock);
// Media time per time, > 0; 1 at first. Holds over starts and stops.
void media_clock_set_speed(struct media_clock *clock, double speed);
double media_clock_speed(const struct media_clock *clock);

// Media time at a moment, past or future; CLOCK_NONE while stopped.
int64_t media_clock_at(const struct media_clock *clock, int64_t time_ns);
