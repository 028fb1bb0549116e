// What happened: counted while playing, written as JSON and as a short summary at the end.
//
// Thread-safety: the fields are atomics; each is written by the module named beside it.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/histogram.h"
#include "viewer/stats_comfort.h"
#include "viewer/stats_governor.h"

#define STATS_OFFSETS 65536

enum stats_end { STATS_END_ERROR, STATS_END_USER, STATS_END_FILE };

struct stats {
    int64_t start_ns; // process start; set by main
    // source, over all files
    _Atomic int64_t frames_decoded, packets_damaged, frames_stale;
    _Atomic int64_t frames_decoded_on_gpu; // those that were stale or decoded again included
    _Atomic int64_t media_ns;              // how much of the films was played, as media time
    // converter thread
    _Atomic int64_t frames_converted;
    _Atomic int64_t frames_dropped; // too late to be worth converting
    _Atomic int64_t frames_failed;  // could not be converted, the reason was logged
    struct histogram convert, prepare, network, filter, synthesis, overlay;
    struct stats_comfort comfort;
    struct stats_governor governor;
    // first display
    _Atomic int64_t first_frame_ns; // moment of the first stereo frame's display; 0: none yet
    _Atomic int64_t periods;        // of the display: frames it asked for
    _Atomic int64_t late;           // periods that got their submit too late
    _Atomic int64_t frames_shown;   // different stereo frames
    _Atomic int64_t
        frames_skipped; // converted but not shown: later ones were already due, or a seek came
    // video behind (> 0) or before (< 0) the sound at the moment of display, in us; the latest
    // STATS_OFFSETS
    _Atomic int32_t av_offset_us[STATS_OFFSETS];
    _Atomic int64_t av_offset_count;
    // mirrors
    _Atomic int64_t mirror_frames;
    _Atomic int64_t audio_underruns;
    // strings, set on the main thread, valid until the end
    char backend[96], model[128], display[32], runtime[160], device[256];
};

struct stats *stats_create(void);
void stats_destroy(struct stats **stats);
void stats_add_av_offset(struct stats *stats, int64_t offset_ns);
// Once per new stereo frame on the first display; at_ns: the moment it is displayed.
void stats_frame_shown(struct stats *stats, int64_t at_ns);
// False, logged, where the file cannot be written.
bool stats_write_json(const struct stats *stats, const char *path, enum stats_end end);
// A few lines to standard output.
void stats_print_summary(const struct stats *stats, enum stats_end end);
