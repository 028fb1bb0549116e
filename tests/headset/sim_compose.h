// What one eye of the wearer sees of the submitted layers: a ray through each point of the picture,
// met with the layers in their order, blended in linear light as "Composition Layer Blending" of
// the specification says.
//
// Thread-safety: pure functions of their arguments.
#pragma once
#include <stdint.h>

#include "tests/headset/sim_layer.h"

// The part of a swapchain image that a layer shows, copied to the host.
struct sim_texture {
    const void *pixels; // [height][width], tightly packed
    VkFormat format;    // one of the swapchain formats
    int width, height;
};

struct sim_sheet {
    struct sim_layer layer; // chain and image are not looked at
    struct sim_texture texture;
};

// Bytes of a texel of a swapchain format.
int sim_texel_bytes(VkFormat format);
// A linear half as a number.
double sim_half(uint16_t bits);

// eye: 0 left, 1 right. eye_pose: of the eye, in the tracking frame. out: sRGB, [height][width][3].
void sim_compose(const struct sim_sheet *sheets, int count, int eye, struct pose eye_pose,
                 XrFovf fov, int width, int height, uint8_t *out);
