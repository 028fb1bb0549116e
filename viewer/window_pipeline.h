// How the eyes' pictures are drawn into the window: shaders/eyes.* with their descriptors.
//
// Thread-safety: main thread only.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "viewer/options.h"

#define WINDOW_PIPELINE_SETS 2

struct vk_device;
struct vk_stereo_images;

struct window_pipeline {
    struct vk_device *vk;
    VkSampler sampler;
    VkDescriptorSetLayout set_layout;
    VkPipelineLayout layout;
    VkPipeline pipelines[3]; // left eye, right eye, anaglyph
    VkDescriptorPool pool;
    VkDescriptorSet sets[WINDOW_PIPELINE_SETS]; // one per picture in flight
};

// encode: the pass's format does not encode sRGB. False, logged: finish it all the same.
bool window_pipeline_init(struct window_pipeline *p, struct vk_device *vk, VkRenderPass pass,
                          bool encode);
// Nothing drawn with it is in flight. Accepts a half-built one.
void window_pipeline_finish(struct window_pipeline *p);
// Records the drawing of one frame, inside the render pass, into an area of this size. The set of
// this index must not be in flight.
void window_pipeline_draw(struct window_pipeline *p, VkCommandBuffer commands, int set,
                          const struct vk_stereo_images *images, enum stereo_layout layout,
                          double aspect, VkExtent2D area);
