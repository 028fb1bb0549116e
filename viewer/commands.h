// What a person asks for, wherever it comes from: keys of the window, buttons of a controller.
// Queued here, done by the player.
//
// Thread-safety: safe.
#pragma once
#include <stdbool.h>

enum command_kind {
    COMMAND_QUIT,
    COMMAND_PAUSE,             // toggles
    COMMAND_SEEK_BY,           // value: seconds, +-
    COMMAND_CHAPTER_BY,        // value: chapters, +-
    COMMAND_STEP,              // the next picture, and pause; value -1: the previous one
    COMMAND_SPEED_BY,          // value: factor, > 0; 0: as fast as it was recorded
    COMMAND_NEXT,              // next file; value -1: previous
    COMMAND_VOLUME_BY,         // value: 0.05 is 5 %
    COMMAND_MUTE,              // toggles
    COMMAND_AUDIO_TRACK,       // next track of sound; value -1: previous
    COMMAND_FULLSCREEN,        // toggles
    COMMAND_LAYOUT,            // next layout of the window
    COMMAND_INPUT,             // the next way in which the film may show both eyes
    COMMAND_SWAP_EYES,         // toggles
    COMMAND_VIEW,              // stereo, depth layers, disparity, stereo, ...
    COMMAND_AUDIO_DELAY_BY,    // value: seconds
    COMMAND_STRENGTH_BY,       // value: % of width
    COMMAND_CONVERGENCE_BY,    // value: 0..1
    COMMAND_AUTO_CONVERGENCE,  // toggles
    COMMAND_BUDGET,            // toggles: all of the depth, or what eyes can follow
    COMMAND_FLOATING_WINDOW,   // toggles
    COMMAND_SUBTITLE_TRACK,    // next track of captions; value -1: previous
    COMMAND_SUBTITLE_SHOW,     // toggles
    COMMAND_SUBTITLE_DELAY_BY, // value: seconds
    COMMAND_RECENTER,          // put the screen before the viewer's eyes again
    COMMAND_SCREEN_SIZE_BY,    // value: factor, > 0
};

struct command {
    enum command_kind kind;
    double value;
};

struct command_queue;

struct command_queue *command_queue_create(void);
void command_queue_destroy(struct command_queue **queue);
// A full queue (64 commands) drops the new one.
void command_queue_push(struct command_queue *queue, enum command_kind kind, double value);
bool command_queue_pop(struct command_queue *queue, struct command *out);
