// The layers of one frame: checked as xrEndFrame must, and kept in a form that can be composed
// later.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "tests/headset/sim_instance.h"
#include "tests/headset/sim_pose.h"

struct sim_session;
struct sim_swapchain;

// A quad, a cylinder, or one view of a projection layer.
struct sim_layer {
    XrStructureType type;
    unsigned eyes; // bit 0: left, bit 1: right; 0: its space could not be located
    XrCompositionLayerFlags flags;
    struct pose pose;               // in the tracking frame, when displayed
    double width_m, height_m;       // of a quad
    double radius_m, angle, aspect; // of a cylinder
    XrFovf fov;                     // of a projection view
    struct sim_swapchain *chain;    // lives only as long as the call of xrEndFrame
    int image;                      // index of the one released last
    int64_t serial;                 // tells two contents of the same image apart
    XrRect2Di rect;
    uint32_t slice;
};

struct sim_layers {
    struct sim_layer layer[2 * SIM_LAYERS_MAX];
    int count;
};

XrResult sim_layers_read(struct sim_session *s, const XrFrameEndInfo *info, struct sim_layers *out);
// Whether other images are shown than in the call before.
bool sim_layers_changed(const struct sim_layers *layers);
// The first layer that an eye sees; NULL where it sees none.
const struct sim_layer *sim_layers_first(const struct sim_layers *layers, int eye);
