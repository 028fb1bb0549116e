// Swapchains: three images each (one where static) on the application's device, handed out in turn.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/headset/sim_session.h"

#define SIM_IMAGES 3

struct sim_swapchain {
    XrSwapchain handle;
    struct sim_session *session;
    struct sim_swapchain *next;
    XrSwapchainCreateInfo info;
    struct sim_image images[SIM_IMAGES];
    uint32_t count;
    struct sim_commands commands; // for the first change of layout
    bool ready;                   // the layouts are as promised
    bool acquired[SIM_IMAGES];
    uint32_t queue[SIM_IMAGES]; // the acquired ones, oldest first
    uint32_t queued;
    bool waited;         // the oldest one was waited for
    uint32_t next_index; // to be acquired
    int released;        // the index last released; -1: none yet
    int64_t serial;      // number of releases
};

// NULL where the handle is no swapchain of this session (logged).
struct sim_swapchain *sim_swapchain_find(struct sim_session *s, XrSwapchain handle,
                                         XrResult *out_error);
void sim_swapchain_destroy(struct sim_swapchain *chain);
// Script: so many xrWaitSwapchainImage calls with a finite timeout run into it.
void sim_swapchain_hold(int waits);
