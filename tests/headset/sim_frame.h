// The frame loop: display periods, what xrWaitFrame promises, the order of calls, and the counting
// of submits.
//
// Period n begins at base_ns + (n - base_index) * period_ns; its picture is displayed in the middle
// of it, which is predictedDisplayTime. The compositor takes the layers compose_ns before it
// begins: the deadline. xrWaitFrame returns one period before the deadline, so that an application
// has one whole period for each frame.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/headset/sim_vulkan.h"

struct sim_session;

// All times: CLOCK_MONOTONIC.
struct sim_frame {
    int64_t index; // of its period
    int64_t display_ns;
    int64_t deadline_ns;
    int64_t woken_ns; // when xrWaitFrame returned
    bool should_render;
};

struct sim_frames {
    int64_t period_ns, base_ns, base_index;
    int64_t last_index;
    bool waited, begun;
    struct sim_frame waiting; // by xrWaitFrame, not yet begun
    struct sim_frame current; // begun, not yet ended
    int64_t ended_ns;         // when the last xrEndFrame was called
    int64_t counted_index;    // the last period in the statistics; -1: they start anew
    bool disturbed; // by ourselves (a picture, a stall): the period now under way is not counted
    struct sim_commands probe; // tells when the GPU has finished a frame
    int64_t probe_deadline_ns;
};

// At the start of each running session.
void sim_frames_reset(struct sim_frames *f);
void sim_frames_finish(struct sim_session *s);
// The middle between the displays of two frames that are at least `after_ns` away.
int64_t sim_frames_between(const struct sim_frames *f, int64_t after_ns);
// From the next period on. The event is sent where the extension is on. s may be NULL: for sessions
// to come.
void sim_frames_set_rate(struct sim_session *s, double hz);
// Script: the next xrWaitFrame takes so much longer.
void sim_frames_stall(int64_t ns);
