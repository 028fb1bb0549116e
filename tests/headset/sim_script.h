// The script: events that happen to the headset and its wearer at times. README.md lists them.
//
// Thread-safety: call with the runtime's lock held.
#pragma once
#include <stdint.h>

// An instance was made: the script is read where it was not, and its "start" events happen.
void sim_script_start(void);
// Layers were submitted: the first time starts the clock of the script.
void sim_script_content(int64_t now_ns);
// When the first layers were submitted; CLOCK_NONE before.
int64_t sim_script_content_ns(void);
// Lets all due events happen.
void sim_script_step(void);
void sim_script_reset(void);
