// What the environment asks of the simulated headset. README.md beside this file says what each
// variable means.
//
// Thread-safety: sim_config_read() under the runtime's lock while nothing else runs; the result is
// constant then.
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct sim_config {
    double rate_hz; // SIM_RATE_HZ
    int64_t
        compose_ns;    // SIM_COMPOSE_MS: how long before the display interval a frame must be there
    int64_t offset_ns; // SIM_TIME_OFFSET_S: XrTime minus CLOCK_MONOTONIC
    double ipd_m;      // SIM_IPD_MM
    double eye_height_m; // SIM_EYE_HEIGHT_M: of LOCAL above STAGE
    int gpu;             // SIM_GPU: index of the Vulkan device
    int picture_width;   // SIM_PICTURE_SIZE=WxH, of one eye
    int picture_height;
    bool quiet;              // SIM_QUIET
    bool verbose;            // SIM_VERBOSE
    const char *report;      // SIM_REPORT; NULL: none. All strings: owned here.
    const char *frame_log;   // SIM_FRAME_LOG
    const char *pictures;    // SIM_PICTURES
    const char *pictures_at; // SIM_PICTURES_AT
    const char *script;      // SIM_SCRIPT: its text, read from the file where it names one
    const char *without;     // SIM_WITHOUT: names of extensions that are not offered
    const char *controller;  // SIM_CONTROLLER
};

// Reads it all again. A value that makes no sense is one line on standard error, and the default.
void sim_config_read(void);
// Read at the first call where nobody did. Lives until the next sim_config_read().
const struct sim_config *sim_config(void);
// Whether an extension is offered.
bool sim_config_offers(const char *extension);
