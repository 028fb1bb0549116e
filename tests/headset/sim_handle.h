// Handles: small tickets, never addresses, so that a wrong, stale or foreign one is told from a
// right one and no memory is touched through it.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdint.h>

enum sim_kind {
    SIM_INSTANCE = 1,
    SIM_SESSION,
    SIM_SPACE,
    SIM_SWAPCHAIN,
    SIM_ACTION_SET,
    SIM_ACTION
};

// A handle of OpenXR is a pointer to an unknown structure on 64-bit machines, which is all that
// this runtime is for.
#define SIM_HANDLE(type, number) ((type)(uintptr_t)(number))
#define SIM_NUMBER(handle) ((uint64_t)(uintptr_t)(handle))

// A new number, never 0. 0 where 4095 handles live already. The object is borrowed.
uint64_t sim_handle_create(enum sim_kind kind, void *object);
// The object; NULL where the number is not a living handle of this kind.
void *sim_handle_object(enum sim_kind kind, uint64_t number);
// A number that lives.
void sim_handle_destroy(uint64_t number);
