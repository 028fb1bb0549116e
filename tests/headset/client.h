// A small, correct OpenXR client on Vulkan for the tests of the simulated headset: no window,
// pictures uploaded from the host, everything asserted with cmocka.
//
// Thread-safety: one thread.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <vulkan/vulkan.h>
#include <openxr/openxr.h>
#include <openxr/openxr_platform.h>

struct client {
    XrInstance instance;
    XrSystemId system;
    VkInstance vk_instance;
    VkPhysicalDevice physical;
    VkDevice device;
    uint32_t family;
    VkQueue queue;
    VkCommandPool pool;
    XrSession session;
    XrSpace local, view;
    XrSessionState state;
    bool running;
    XrFrameState frame;  // of the last client_frame()
    int vulkan_messages; // of the validation layer: warnings and errors
    int state_count;     // states seen, in order
    XrSessionState states[64];
    XrEventDataBuffer last_event; // the last one that is no state change
    VkDebugUtilsMessengerEXT messenger;
};

// A swapchain with what the client needs to fill it.
struct client_image {
    XrSwapchain chain;
    uint32_t width, height, count;
    VkImage images[8];
    VkBuffer staging;
    VkDeviceMemory memory;
    uint8_t *pixels; // [height][width][4], mapped
};

// Points the environment at the runtime with these variables: "NAME=VALUE", NULL at the end. All
// other SIM_ variables are unset, and the runtime forgets what was before. No instance may live.
void client_environment(const char *const *variables);

// How often the runtime has seen this rule violated since then.
int64_t client_violations(const char *rule);

// extensions: names, NULL at the end, apart from XR_KHR_vulkan_enable2.
XrResult client_create_instance(struct client *c, const char *const *extensions);
// System, Vulkan, session, spaces. The session is not begun.
void client_create_session(struct client *c);
// Takes all events; begins and ends the session as the states say.
void client_poll(struct client *c);
// One frame with these layers (none where the runtime says that nothing is to be rendered). The
// result of xrEndFrame.
XrResult client_frame(struct client *c, uint32_t count,
                      const XrCompositionLayerBaseHeader *const *layers);
// Frames until the state is reached; fails after some seconds.
void client_run_until(struct client *c, XrSessionState state, uint32_t count,
                      const XrCompositionLayerBaseHeader *const *layers);
// Asks for the exit and runs to it; destroys everything.
void client_finish(struct client *c);
// Everything at once, in whatever state.
void client_destroy(struct client *c);
void client_destroy_session(struct client *c);
void client_destroy_vulkan(struct client *c);

void client_image_create(struct client *c, struct client_image *image, VkFormat format,
                         uint32_t width, uint32_t height);
// Acquires, waits, uploads `pixels`, releases.
void client_image_show(struct client *c, struct client_image *image);
void client_image_destroy(struct client *c, struct client_image *image);
XrCompositionLayerQuad client_quad(const struct client *c, const struct client_image *image,
                                   XrEyeVisibility eye, XrVector3f at, float width_m,
                                   float height_m);
