// The session and its states: IDLE -> READY -> SYNCHRONIZED -> VISIBLE -> FOCUSED and back,
// STOPPING, EXITING, LOSS_PENDING, one step a frame.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/headset/sim_frame.h"
#include "tests/headset/sim_instance.h"

struct sim_swapchain;
struct sim_space;
struct sim_capture;

struct sim_session {
    XrSession handle;
    struct sim_instance *instance;
    struct sim_vulkan vk;
    XrSessionState state;
    bool running;       // between xrBeginSession and xrEndSession
    bool lost;          // XR_ERROR_SESSION_LOST from all but destroying
    bool loss_pending;  // XR_SESSION_LOSS_PENDING instead of success
    int64_t lost_at_ns; // when loss_pending turns into lost
    bool exiting;       // after STOPPING and IDLE comes EXITING
    int64_t stepped_ns; // when the state last took a step
    struct sim_frames frames;
    struct sim_swapchain *swapchains; // a list
    struct sim_space *spaces;         // a list
    struct sim_capture *capture;      // pictures and the frame log; NULL where none is asked for
};

// As sim_instance_enter(): the lock is held in any case. XR_ERROR_SESSION_LOST where it is lost.
XrResult sim_session_enter(XrSession handle, const char *function, struct sim_session **out);
// Gives the lock back. A success turns into XR_SESSION_LOSS_PENDING where a loss is announced. s
// may be NULL.
XrResult sim_session_leave(struct sim_session *s, XrResult result);
// To find the session again after the lock was given back in between. XR_SUCCESS, or what to
// return.
XrResult sim_session_again(XrSession handle, struct sim_session **out);

// With all that belongs to it.
void sim_session_destroy(struct sim_session *s);
// A frame was submitted: the state takes its next step.
void sim_session_frame_ended(struct sim_session *s);
// Time has passed. Takes due steps where frames have ceased.
void sim_session_tick(struct sim_session *s);
bool sim_session_visible(const struct sim_session *s);
// Whether somebody wears the headset; s: that is told of it, NULL: none is there.
void sim_session_set_worn(struct sim_session *s, bool worn);
bool sim_session_focused(const struct sim_session *s);

// Script events; each holds for sessions to come, too.
// The highest state that the headset allows: FOCUSED, VISIBLE, SYNCHRONIZED, or IDLE (the session
// is stopped).
void sim_session_allow(XrSessionState state);
// EXITING at the end.
void sim_session_ask_exit(struct sim_session *s);
// LOSS_PENDING at once; lost after the grace.
void sim_session_lose(struct sim_session *s, int64_t grace_ns);
