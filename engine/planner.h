// Plans a network for another input size in a thread of its own, so that pictures go on meanwhile.
//
// Thread-safety: belongs to one thread.
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/thread.h"
#include "engine/nn/nn.h"
#include "kernels/device.h"

// A network for one picture of this size. The model outlives the work.
struct planner_job {
    const struct nn_model *model;
    enum nn_backend backend;
    enum nn_precision precision;
    int threads, width, height;
    // The network's pictures are to lie in this one's memory where it is a GPU's; gpu: which one.
    const struct device *device;
    int gpu;
};

// All-zero: idle.
struct planner {
    bool busy;
    // the rest is the thread's until done:
    struct thread thread;
    atomic_bool done;
    struct planner_job job;
    struct nn_plan *plan;
};

// At once. NULL, logged: see nn_plan_create().
struct nn_plan *planner_plan(const struct planner_job *job);
// Begins the same in the background; the planner is idle. False, logged: no thread.
bool planner_start(struct planner *planner, const struct planner_job *job);
// The work is done, one way or the other.
bool planner_ready(const struct planner *planner);
// Waits for the end. The plan is the caller's; NULL, logged: there is none. An idle planner gives
// NULL.
struct nn_plan *planner_take(struct planner *planner);
