// Copies stereo frames into the eyes' swapchain images on the GPU, without waiting for it.
//
// A copy is a submit of its own on the main queue: it waits there for the frame's ready value, and
// keeps the frame referenced until its fence says that it is done. There are XR_COPY_SLOTS of them;
// when all are under way the display shows its last picture again.
//
// Thread-safety: none; display thread. Takes the queue's lock for the submit.
#pragma once
#include <stdbool.h>
#include <vulkan/vulkan.h>

#include "viewer/stereo_ring.h"
#include "viewer/vk_device.h"
#include "viewer/vk_frames.h"

#define XR_COPY_SLOTS 3

struct xr_copy_target {
    VkImage image[2]; // left, right: waited for and not yet released
    int width, height;
    // Same size and a format of the same bytes: copied as it is; else scaled and converted.
    bool same;
};

struct xr_copy;

// NULL, logged. Everything handed in outlives it.
struct xr_copy *xr_copy_create(struct vk_device *vk, const struct vk_frames *frames,
                               struct stereo_ring *ring);
// Waits for the copies under way. Accepts a pointer to NULL; sets it to NULL.
void xr_copy_destroy(struct xr_copy **copy);

// Gives the frames of finished copies back. True: a slot is free, xr_copy_submit() may be called.
// False also where the device is lost, which is logged and told by xr_copy_broken().
bool xr_copy_ready(struct xr_copy *copy);
// The Vulkan device is lost.
bool xr_copy_broken(const struct xr_copy *copy);
// Takes over the caller's reference to the frame, also on failure. The images are left as the
// runtime wants them back: VK_IMAGE_LAYOUT_COLOR_ATTACHMENT_OPTIMAL. False, logged: device lost.
bool xr_copy_submit(struct xr_copy *copy, struct stereo_frame *frame,
                    const struct xr_copy_target *target);
// Waits until no copy is under way: swapchains are about to be destroyed.
void xr_copy_drain(struct xr_copy *copy);
