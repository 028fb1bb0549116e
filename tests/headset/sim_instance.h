// The instance: the lock and the entry of every function, extensions, paths, the system, and the
// queue of events.
//
// Thread-safety: everything below wants the runtime's lock, which sim_*_enter() takes and
// sim_leave() gives back.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/thread.h"
#include "tests/headset/sim_check.h"
#include "tests/headset/sim_handle.h"
#include "tests/headset/sim_vulkan.h"

#define SIM_SYSTEM_ID 0x5d3d
#define SIM_LAYERS_MAX 16

struct sim_session;
struct sim_input;

struct sim_instance {
    XrInstance handle;
    bool lost;          // all but destroying returns XR_ERROR_INSTANCE_LOST
    int64_t lost_at_ns; // 0: no loss announced
    // extensions enabled
    bool has_vulkan2, has_timespec, has_cylinder, has_refresh_rate, has_presence;
    bool system_given, requirements_asked;
    struct sim_vulkan
        vulkan; // of which `instance`, `physical` and `device` come one after the other
    struct sim_session *session; // one at a time; NULL: none
    struct sim_input *input;     // actions; never NULL
};

// The lock of the whole runtime, and what wakes a sleeping xrWaitFrame early.
extern struct monitor sim_monitor;

// Each takes the lock, runs what the script has due, and finds the object; on an error the lock is
// held all the same.
XrResult sim_instance_enter(XrInstance handle, const char *function, struct sim_instance **out);
// For functions that destroy: a lost one is found, too.
XrResult sim_instance_enter_to_destroy(XrInstance handle, const char *function,
                                       struct sim_instance **out);
// Gives the lock back; returns `result`.
XrResult sim_leave(XrResult result);

// The one instance; NULL where there is none.
struct sim_instance *sim_instance_current(void);
// Whether `system` is the one that xrGetSystem gave.
XrResult sim_instance_check_system(struct sim_instance *i, XrSystemId system);

// Appends a copy; where the queue is full it is lost, and XrEventDataEventsLost says so.
void sim_event_push(const void *event, size_t size);
// Events of this session are dropped: their handle dies.
void sim_event_forget_session(XrSession session);

// XR_NULL_PATH where the text is not well-formed or there are too many paths (logged).
XrResult sim_path_from_text(const char *text, XrPath *out);
// NULL where the path is none of ours.
const char *sim_path_text(XrPath path);

// XrTime of a CLOCK_MONOTONIC time, and back.
XrTime sim_time_from_ns(int64_t ns);
int64_t sim_time_to_ns(XrTime time);

// Script events. `down_ns`: for how long no new instance can be created.
void sim_instance_lose(struct sim_instance *i, int64_t in_ns, int64_t down_ns);
void sim_instance_set_headset(bool present);
// Forgets everything of the process; no instance may live.
void sim_instance_reset(void);
