// The headset: an OpenXR session that shows one quad layer an eye, paced by xrWaitFrame on a thread
// of its own.
//
//     xr_system_create -> vk_device_create with xr_system_vk_maker() -> display_xr_create
//
// Each period takes the stereo frame that is due at the predicted display time, copies it into the
// eyes' swapchains when it is new, and submits two layers; no new frame means the last one again.
// The converter is never waited for. While nobody looks (headset off, session lost) the film runs
// on with its sound, and frames count as skipped.
//
// Statistics: periods and late are display_xr_pace.h's. A frame is shown with the first submit that
// holds it, at that period's display time, on our clock as display_xr_time.h finds it.
//
// Works on every runtime with XR_KHR_vulkan_enable2; all else has a fallback.
#pragma once
#include <stdbool.h>

#include "base/log.h"
#include "viewer/display.h"
#include "viewer/vk_device.h"

struct xr_system;

// Instance and headset. NULL with one clear line: no runtime, no headset, no Vulkan in it.
// why_not: at which level to say why there is none.
struct xr_system *xr_system_create(enum log_level why_not);
// A runtime did not answer when its session or instance was to end, and was left behind with what
// it may still use: nothing of that may be freed, no other headset is looked for, and the program
// must end by _exit(), as some runtimes hang in exit() too. Thread-safe.
bool xr_left_behind(void);
// Session and Vulkan device are gone. Waits some seconds for the runtime at most. Accepts a pointer
// to NULL; sets it to NULL.
void xr_system_destroy(struct xr_system **system);
// "Monado 25.1", for people; lives as long as the system.
const char *xr_system_runtime_name(const struct xr_system *system);
// For vk_device_create(); lives as long as the system.
const struct vk_maker *xr_system_vk_maker(struct xr_system *system);

// NULL, logged. A lost session is made anew inside; DISPLAY_LOST means that the instance is lost.
struct display *display_xr_create(const struct display_context *context, struct xr_system *system);
