// One OpenXR session: its state machine, its events, its spaces, and the four calls of a frame.
//
//     init -> { events; while running: wait_frame, begin_frame, ..., end_frame } -> leave -> finish
//
// Thread-safety: none; display thread (init and finish: while that does not run). Takes the main
// queue's lock for every call in which a runtime may use the queue, and never for a call that
// waits.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "viewer/display_xr_system.h"

// A session that does not end by itself after it was asked to is destroyed all the same.
#define XR_SESSION_LEAVE_NS (2 * INT64_C(1000000000))

// Callers read running, ended and handle; they clear recenter_at.
struct xr_session {
    struct xr_system *system;
    struct vk_device *vk;
    XrSession handle;
    XrSpace local, view;
    XrSessionState state;
    bool running;           // between xrBeginSession and xrEndSession: frames must be submitted
    bool ended;             // the runtime wants us to leave, or we asked it to let us go
    XrTime recenter_at;     // frames displayed from then on have a new origin; INT64_MAX: none
    int64_t leave_until_ns; // 0: leaving was not asked for
    int64_t away_since_ns;  // nobody wears the headset; 0: somebody does, or it cannot tell
    int invalid_times;      // frames one after the other whose display time the runtime refused
    double density;         // see xr_session_density()
};

// False, logged; finish it all the same.
bool xr_session_init(struct xr_session *s, struct xr_system *system, struct vk_device *vk);
// Its swapchains are gone. An all-zero session is fine.
void xr_session_finish(struct xr_session *s);

// Handles what the runtime has to say; begins and ends the session as it asks. False: session or
// instance is lost, see system->lost.
bool xr_session_events(struct xr_session *s);
// Call again and again from the moment that the viewer wants to leave. True: go on with events and
// frames, the runtime has not let us go yet.
bool xr_session_leave(struct xr_session *s, int64_t now_ns);

// Blocks until the runtime wants the next frame. The four return false where the session is lost.
bool xr_session_wait_frame(struct xr_session *s, XrFrameState *out);
bool xr_session_begin_frame(struct xr_session *s);
bool xr_session_end_frame(struct xr_session *s, XrTime display_time, uint32_t layer_count,
                          const XrCompositionLayerBaseHeader *const *layers);
// The head in LOCAL; at its origin where only turning is tracked. *out_valid false: not tracked at
// the moment.
bool xr_session_head(struct xr_session *s, XrTime time, bool *out_valid, XrPosef *out);
// Pixels of the headset, as many as its runtime would draw, over one metre seen from one metre. 0:
// not known.
double xr_session_density(struct xr_session *s, XrTime time);
