// The images that the window's screen shows in turn, made anew whenever the window changes.
//
// Thread-safety: main thread only; takes the window queue's lock where Vulkan wants it.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <vulkan/vulkan.h>

#define WINDOW_SWAPCHAIN_IMAGES 16

struct vk_device;
struct window;

struct window_swapchain {
    struct vk_device *vk;
    struct window *window;
    bool never_block;          // prefer a present mode that does not wait for the screen
    VkSurfaceFormatKHR format; // the same for as long as it lives
    bool encode;               // the format does not encode sRGB: the shader must
    VkRenderPass pass;         // clears to black
    VkFence drained;           // of the queue, while it is waited for

    VkSurfaceKHR surface;
    VkSwapchainKHR handle; // VK_NULL_HANDLE: none yet, or the window has no size
    VkExtent2D extent;
    int window_width, window_height; // when it was made
    bool stale;                      // to be made anew before the next picture
    bool suboptimal;                 // it is stale as the driver says it could be better
    bool accepted; // it was made for that reason and is no better: some drivers always say so
    uint32_t count;
    VkImageView views[WINDOW_SWAPCHAIN_IMAGES];
    VkFramebuffer framebuffers[WINDOW_SWAPCHAIN_IMAGES];
    VkSemaphore rendered[WINDOW_SWAPCHAIN_IMAGES]; // what present waits for
};

enum swapchain_result {
    SWAPCHAIN_OK,
    SWAPCHAIN_BUSY, // not now: every image is in use, or the window has no size
    SWAPCHAIN_LOST, // logged
};

// False, logged: finish it all the same. Makes the first images when they are first asked for.
bool window_swapchain_init(struct window_swapchain *s, struct vk_device *vk, struct window *window,
                           bool never_block);
// Waits for the window's queue. Accepts a half-built one.
void window_swapchain_finish(struct window_swapchain *s);
// Waits for the queue where the window has changed, else for nothing.
// OK: draw into framebuffers[*out_image] once `acquired` is signalled, signal
// rendered[*out_image], then present.
enum swapchain_result window_swapchain_acquire(struct window_swapchain *s, VkSemaphore acquired,
                                               uint32_t *out_image);
// BUSY: the window has changed, so that the picture may not be seen as it should: draw it again.
enum swapchain_result window_swapchain_present(struct window_swapchain *s, uint32_t image);
