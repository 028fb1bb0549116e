// The GLSL files of this folder as SPIR-V, compiled by the build and part of the program.
//
// Thread-safety: constants.
#pragma once
#include <stddef.h>
#include <stdint.h>

// As VkShaderModuleCreateInfo takes it; entry point "main".
struct shader {
    const uint32_t *words;
    size_t size_bytes;
};

// The picture of one eye or both, scaled into the viewport. Draw 3 vertices. Fragment constants:
// 0: the eye (0 left, 1 right, 2 both as a red-cyan anaglyph), 1: the target needs sRGB encoding.
// Descriptors: binding 0, two combined image samplers (left, right). Push constants of the fragment
// stage: struct eyes_draw.
extern const struct shader shader_eyes_vert, shader_eyes_frag;

struct eyes_draw {
    float pixel[2];  // size of one pixel of the viewport, in pictures: 1 / width, 1 / height
    int32_t taps[2]; // samples per pixel, across and down, >= 1
};
