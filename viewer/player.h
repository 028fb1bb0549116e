// Plays a list of files: source, conversion, sound and displays brought together, and the person's
// commands carried out.
//
// Thread-safety: main thread only; player_interrupt() from anywhere, signal handlers included.
#pragma once
#include "viewer/options.h"
#include "viewer/stats.h"

// Plays options->files to the end and fills in the statistics. STATS_END_ERROR, logged: something
// could not be played, or not to its end.
enum stats_end player_run(struct options *options, struct stats *stats);
// Ends player_run() as if the viewer had asked.
void player_interrupt(void);
