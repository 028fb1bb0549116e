// ALSA's own messages, led into our log: on a machine without a sound card it writes a page of them
// to standard error.
//
// Thread-safety: call before audio is used.
#pragma once

// Does nothing where ALSA is not installed. Once per process is enough.
void alsa_log_install(void);
