// The OpenXR instance and the headset, with the functions of the extensions in use; and the check
// that every OpenXR call of ours goes through.
//
// Internal to display_xr_*.c; display_xr.h has the public half.
//
// Thread-safety: none. Made on the main thread, then used by the display thread alone.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <vulkan/vulkan.h>
#ifndef XR_USE_GRAPHICS_API_VULKAN
#define XR_USE_GRAPHICS_API_VULKAN
#endif
#ifndef XR_USE_TIMESPEC
#define XR_USE_TIMESPEC
#endif
#include <openxr/openxr.h>
#include <openxr/openxr_platform.h>

#include "base/clock.h"
#include "viewer/display_xr.h"
#include "viewer/vk_device.h"

// What the last failure took with it. Worse ones overwrite lesser ones, never the other way round.
enum xr_lost {
    XR_LOST_NOTHING,
    XR_LOST_SESSION,  // also any failure that leaves the session in doubt
    XR_LOST_INSTANCE, // runtime gone, or Vulkan device gone
};

// How long a runtime may take to end something: SteamVR for Linux has been seen to hang in
// xrDestroyInstance.
#define XR_SYSTEM_END_NS (3 * NS_PER_S)

struct xr_system {
    enum log_level why_not; // at which to say why there is no headset
    XrInstance instance;
    XrSystemId id;
    XrEnvironmentBlendMode blend_mode;
    char runtime_name[160], headset_name[XR_MAX_SYSTEM_NAME_SIZE];
    int max_width, max_height; // of a swapchain
    enum xr_lost lost;         // session: cleared by whoever makes a new one
    bool unplugged;            // the runtime is there, but no headset, when it was looked for last

    // XR_KHR_vulkan_enable2
    PFN_xrGetVulkanGraphicsRequirements2KHR get_requirements;
    PFN_xrCreateVulkanInstanceKHR create_vulkan_instance;
    PFN_xrGetVulkanGraphicsDevice2KHR get_vulkan_device;
    PFN_xrCreateVulkanDeviceKHR create_vulkan_device;
    struct vk_maker maker;
    // XR_KHR_convert_timespec_time; NULL: the runtime has it not
    PFN_xrConvertTimeToTimespecTimeKHR time_to_timespec;
    // XR_FB_display_refresh_rate; NULL: the runtime has it not
    PFN_xrEnumerateDisplayRefreshRatesFB enumerate_rates;
    PFN_xrRequestDisplayRefreshRateFB request_rate;
};

// Yields true where the call succeeded (codes >= 0); else logs "call: XR_ERROR_... (file:line)" and
// notes in system->lost what is lost. A lost session is a warning: a new one is made.
#define XR(system, call) xr_check((system), (call), #call, __FILE__, __LINE__)
bool xr_check(struct xr_system *system, XrResult result, const char *call, const char *file,
              int line);
// Whether there is nothing that could be gone on with; other failures leave the session alone.
bool xr_result_lost(XrResult result);
const char *xr_result_name(XrResult result);
// Says that the runtime was left behind: xr_left_behind().
void xr_system_leave_behind(const struct xr_system *system);
// Something other than an OpenXR call broke.
void xr_system_lose(struct xr_system *system, enum xr_lost what);

// Looks for the headset again, before a new session. False, logged at debug: not there (yet).
bool xr_system_refresh(struct xr_system *system);
