// XR_EXT_user_presence for OpenXR headers that are older than it (before 1.0.33): whether somebody
// wears the headset, which the session's state does not tell. Names and numbers are the OpenXR
// specification's.
//
// Thread-safety: no state.
#pragma once
#include <openxr/openxr.h>

#ifndef XR_EXT_user_presence
#define XR_EXT_user_presence 1
#define XR_EXT_USER_PRESENCE_EXTENSION_NAME "XR_EXT_user_presence"
#define XR_TYPE_EVENT_DATA_USER_PRESENCE_CHANGED_EXT ((XrStructureType)1000470000)

typedef struct XrEventDataUserPresenceChangedEXT {
    XrStructureType type;
    const void *next;
    XrSession session;
    XrBool32 isUserPresent;
} XrEventDataUserPresenceChangedEXT;
#endif
