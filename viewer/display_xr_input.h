// The controllers of the headset, as commands:
//
//     trigger or A/X            pause
//     stick left/right          10 s back/forward
//     stick up/down             larger/smaller screen
//     menu or B/Y               screen before the viewer's eyes again
//
// Suggested to the runtime for the simple controller, Oculus Touch, Valve Index, Vive and Windows
// Mixed Reality; people bind others in their runtime's settings.
//
// A film needs no controllers: without them everything else works.
//
// Thread-safety: none; display thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "viewer/display_xr_system.h"

struct command_queue;

// All-zero: no controllers.
struct xr_input {
    struct xr_system *system;
    struct command_queue *commands;
    XrActionSet set; // XR_NULL_HANDLE: none
    XrAction pause, recenter, stick;
    bool attached;              // to the session at hand
    int64_t seek_ns, resize_ns; // when the held stick acts again; 0: it is not held
};

// Once for an instance. Failing is no error: there are no controllers then, and a line says so.
void xr_input_init(struct xr_input *in, struct xr_system *system, struct command_queue *commands);
// Its sessions are gone.
void xr_input_finish(struct xr_input *in);
// Once for a new session, before it begins.
void xr_input_attach(struct xr_input *in, XrSession session);
// Once a period: reads the controllers. False: session or instance lost.
bool xr_input_update(struct xr_input *in, XrSession session, int64_t now_ns);
