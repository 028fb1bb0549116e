// The eyes' pictures as the runtime gets them: one swapchain an eye, filled when a frame is new,
// and the last image shown again when not.
//
// Size: the film's, or half of that where the headset shows the screen with far fewer pixels:
// compositors look at four pixels of a layer for each of theirs, and fine patterns would shimmer.
//
// Format: R8G8B8A8_SRGB where the runtime has it, the bytes of our frames. Else another sRGB
// format or a linear one, into which the GPU converts.
//
// Thread-safety: none; display thread. Takes the queue's lock for what touches the queue.
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "viewer/display_xr_copy.h"
#include "viewer/display_xr_system.h"

#define XR_EYE_IMAGES 16 // of one swapchain, at most

enum xr_eye_step {
    XR_EYE_IDLE,
    XR_EYE_ACQUIRED, // xrWaitSwapchainImage has still to succeed
    XR_EYE_READY,    // may be written
};

struct xr_eye {
    XrSwapchain handle;
    VkImage images[XR_EYE_IMAGES];
    uint32_t count, index; // index: of the image acquired
    enum xr_eye_step step;
};

// Callers read filled, width and height.
struct xr_eyes {
    struct xr_system *system;
    struct vk_device *vk;
    struct xr_copy *copy;
    struct stereo_ring *ring; // where frames go back to
    XrSession session;
    int64_t format;                // VkFormat
    int width, height;             // of the swapchains; 0: there are none
    int frame_width, frame_height; // of the frames that they are for
    double enough_px;              // width of the screen on the display up to which they serve
    bool filled;                   // both have a released image: layers may show them
    struct xr_eye eye[2];
};

// Chooses the format. False, logged: the runtime has none that fits.
bool xr_eyes_init(struct xr_eyes *eyes, struct xr_system *system, struct vk_device *vk,
                  struct xr_copy *copy, struct stereo_ring *ring, XrSession session);
// Waits for copies under way. Before the session is destroyed; all-zero eyes are fine.
void xr_eyes_finish(struct xr_eyes *eyes);

// Puts the frame into both swapchains, made anew where the frame's size is another or the screen
// has become much larger. Takes over the caller's reference, also on failure. shown_px: the width
// of the screen on the headset's display; 0: not known. Waits for the runtime to hand an image out,
// at most wait_ns an eye. *out_shown false with true returned: the runtime had no image; try again
// with the next frame. False, logged: session or device lost.
bool xr_eyes_show(struct xr_eyes *eyes, struct stereo_frame *frame, double shown_px,
                  int64_t wait_ns, bool *out_shown);
// One layer an eye. filled is set. The layers point to nothing of ours but space.
void xr_eyes_layers(const struct xr_eyes *eyes, XrSpace space, XrPosef pose, XrExtent2Df size,
                    XrCompositionLayerQuad out_layers[2]);
