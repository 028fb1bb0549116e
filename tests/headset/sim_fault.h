// Functions that fail or hang, as those of real runtimes do at times: script events.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdbool.h>

// The next `times` calls of this function give XR_ERROR_RUNTIME_FAILURE.
void sim_fault_fail(const char *function, int times);
// This function does not return any more.
void sim_fault_hang(const char *function);
void sim_fault_reset(void);

// Counts a call. True: it is to fail.
bool sim_fault_fails(const char *function);
// Stays for ever where the function is to hang; others get the lock meanwhile.
void sim_fault_wait(const char *function);
