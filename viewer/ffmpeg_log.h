// FFmpeg's own messages, led into our log.
//
// FFmpeg complains once per damaged packet: only what ends its work is a warning; its errors are
// for debugging, and only the first ones of a process; all else is a trace.
//
// Thread-safety: safe.
#pragma once

// Once per process is enough; further calls do nothing.
void ffmpeg_log_install(void);
