// Stereo frames in Vulkan memory: the converter writes a buffer, publish copies it into one device
// image an eye.
//
// A converter on the same GPU writes device memory that CUDA and Vulkan share (vk_cuda.h), and no
// byte of a picture is in host memory. Any other writes mapped host memory: one on the CPU, one on
// another GPU, and where the driver shares nothing.
//
// A frame's images are VK_FORMAT_R8G8B8A8_SRGB (also viewable as UNORM), usage TRANSFER_SRC |
// TRANSFER_DST | SAMPLED, one mip level. Once published they are in VK_IMAGE_LAYOUT_GENERAL for
// good, so that several displays can read at once without transitions. A reader's submit waits on
// the timeline semaphore for the frame's ready value, and keeps the frame referenced until its own
// work is done.
//
// Cost: one write of 8 bytes a pixel by the converter, one copy of the same: out of host memory, or
// within the device's (1920x1080 at 3 TB/s: 0.011 ms).
//
// Thread-safety: as stereo_ring.h says for memory; readers may use images from any thread.
#pragma once
#include <stdint.h>
#include <vulkan/vulkan.h>

#include "viewer/stereo_ring.h"
#include "viewer/vk_device.h"

struct vk_frames;
struct vk_cuda;

struct vk_stereo_images {
    VkImage image[2];          // left, right
    VkImageView view_srgb[2];  // sampling gives linear light
    VkImageView view_unorm[2]; // sampling gives the stored values
    uint64_t ready_value;      // of the timeline semaphore
    int width, height;
};

// NULL, logged. The device outlives it. CUDA is looked for when it is first asked for.
struct vk_frames *vk_frames_create(struct vk_device *device);
// The ring is gone. Accepts a pointer to NULL; sets it to NULL.
void vk_frames_destroy(struct vk_frames **frames);
// For stereo_ring_create().
struct stereo_memory vk_frames_memory(struct vk_frames *frames);
const struct vk_stereo_images *vk_frames_images(const struct stereo_frame *frame);
VkSemaphore vk_frames_semaphore(const struct vk_frames *frames);
// What is shared with CUDA; NULL: nothing, or nothing yet.
const struct vk_cuda *vk_frames_cuda(const struct vk_frames *frames);
