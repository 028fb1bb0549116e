#include "tests/headset/sim_profile.h"

#include <string.h>

#define HANDS "/user/hand/left /user/hand/right"

// Sub-paths are separated by spaces. "left:" and "right:" are of one hand only. A path also allows
// its parent.
static const struct {
    const char *name, *users, *paths;
} profiles[SIM_PROFILES] = {
    {"/interaction_profiles/khr/simple_controller", HANDS,
     "/input/select/click /input/menu/click /input/grip/pose /input/aim/pose /output/haptic"},
    {"/interaction_profiles/google/daydream_controller", HANDS,
     "/input/select/click /input/trackpad/x /input/trackpad/y /input/trackpad/click "
     "/input/trackpad/touch "
     "/input/grip/pose /input/aim/pose"},
    {"/interaction_profiles/htc/vive_controller", HANDS,
     "/input/system/click /input/squeeze/click /input/menu/click /input/trigger/click "
     "/input/trigger/value "
     "/input/trackpad/x /input/trackpad/y /input/trackpad/click /input/trackpad/touch "
     "/input/grip/pose "
     "/input/aim/pose /output/haptic"},
    {"/interaction_profiles/htc/vive_pro", "/user/head",
     "/input/system/click /input/volume_up/click /input/volume_down/click /input/mute_mic/click"},
    {"/interaction_profiles/microsoft/motion_controller", HANDS,
     "/input/menu/click /input/squeeze/click /input/trigger/value /input/thumbstick/x "
     "/input/thumbstick/y "
     "/input/thumbstick/click /input/trackpad/x /input/trackpad/y /input/trackpad/click "
     "/input/trackpad/touch "
     "/input/grip/pose /input/aim/pose /output/haptic"},
    {"/interaction_profiles/microsoft/xbox_controller", "/user/gamepad",
     "/input/menu/click /input/view/click /input/a/click /input/b/click /input/x/click "
     "/input/y/click "
     "/input/dpad_down/click /input/dpad_right/click /input/dpad_up/click /input/dpad_left/click "
     "/input/shoulder_left/click /input/shoulder_right/click /input/thumbstick_left/click "
     "/input/thumbstick_right/click /input/trigger_left/value /input/trigger_right/value "
     "/input/thumbstick_left/x "
     "/input/thumbstick_left/y /input/thumbstick_right/x /input/thumbstick_right/y "
     "/output/haptic_left "
     "/output/haptic_right /output/haptic_left_trigger /output/haptic_right_trigger"},
    {"/interaction_profiles/oculus/go_controller", HANDS,
     "/input/system/click /input/trigger/click /input/back/click /input/trackpad/x "
     "/input/trackpad/y "
     "/input/trackpad/click /input/trackpad/touch /input/grip/pose /input/aim/pose"},
    {"/interaction_profiles/oculus/touch_controller", HANDS,
     "left:/input/x/click left:/input/x/touch left:/input/y/click left:/input/y/touch "
     "left:/input/menu/click "
     "right:/input/a/click right:/input/a/touch right:/input/b/click right:/input/b/touch "
     "right:/input/system/click "
     "/input/squeeze/value /input/trigger/value /input/trigger/touch /input/thumbstick/x "
     "/input/thumbstick/y "
     "/input/thumbstick/click /input/thumbstick/touch /input/thumbrest/touch /input/grip/pose "
     "/input/aim/pose "
     "/output/haptic"},
    {"/interaction_profiles/valve/index_controller", HANDS,
     "/input/system/click /input/system/touch /input/a/click /input/a/touch /input/b/click "
     "/input/b/touch "
     "/input/squeeze/value /input/squeeze/force /input/trigger/click /input/trigger/value "
     "/input/trigger/touch "
     "/input/thumbstick/x /input/thumbstick/y /input/thumbstick/click /input/thumbstick/touch "
     "/input/trackpad/x "
     "/input/trackpad/y /input/trackpad/force /input/trackpad/touch /input/grip/pose "
     "/input/aim/pose "
     "/output/haptic"},
};

int sim_profile_find(const char *profile)
{
    for (int p = 0; p < SIM_PROFILES; p++)
        if (!strcmp(profiles[p].name, profile))
            return p;
    return -1;
}

const char *sim_profile_name(int profile)
{
    return profiles[profile].name;
}

// The length of the top level user path that the binding starts with; 0: none of the profile's.
static size_t user_length(const char *users, const char *binding)
{
    for (const char *u = users; *u; u += strcspn(u, " "), u += *u == ' ') {
        size_t n = strcspn(u, " ");
        if (!strncmp(u, binding, n) && binding[n] == '/')
            return n;
    }
    return 0;
}

// Whether `rest` is this sub-path or its parent.
static bool matches(const char *path, size_t length, const char *rest)
{
    size_t n = strlen(rest);
    if (n == length)
        return !strncmp(path, rest, n);
    const char *component = memrchr(path, '/', length);
    return component && (size_t)(component - path) == n && n > strlen("/input") &&
           !strncmp(path, rest, n);
}

bool sim_profile_allows(int profile, const char *binding)
{
    size_t user = user_length(profiles[profile].users, binding);
    if (!user)
        return false;
    bool is_left = strstr(binding, "/left/") != NULL;
    const char *rest = binding + user;
    for (const char *p = profiles[profile].paths; *p; p += strcspn(p, " "), p += *p == ' ') {
        bool left_only = !strncmp(p, "left:", 5), right_only = !strncmp(p, "right:", 6);
        if ((left_only && !is_left) || (right_only && is_left))
            continue;
        const char *path = p + (left_only ? 5 : right_only ? 6 : 0);
        if (matches(path, strcspn(path, " "), rest))
            return true;
    }
    return false;
}
