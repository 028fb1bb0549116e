// `deep3d convert`: a film into a stereo file, by the player's own conversion.
//
// Source, converter and ring are the player's; in the display's place a thread packs the eyes,
// encodes them and keeps the packets in OUT.part (film_log.h). Decoding, conversion and encoding
// overlap. Once all pictures are there the film is made of them and of the source's sound,
// subtitles, chapters and metadata (film_mux.h), and OUT.part goes. Needs room for the new pictures
// twice for that moment.
//
// No frame is dropped, and each keeps its time in the source's own time base.
#pragma once

struct options;

// What came of it; the program's exit code.
enum convert_result {
    CONVERT_DONE = 0,
    CONVERT_FAILED = 1,  // nothing was done: wrong arguments, source or output cannot be used
    CONVERT_STOPPED = 2, // stopped in the middle (Ctrl-C, disk full, the source is gone when
                         // its sound is copied): the same command goes on
    CONVERT_CUT = 3,     // the source failed in the middle; NAME.incomplete.EXT holds what was done
};

// Everything that went wrong is logged.
enum convert_result convert_run(const struct options *options);
// Makes convert_run() stop soon; may be called from a signal handler.
void convert_interrupt(void);
