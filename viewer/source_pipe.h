// Pipes and standard input for FFmpeg, whose own reading of them cannot be stopped.
//
// Thread-safety: one thread reads, through FFmpeg.
#pragma once
#include <stdbool.h>

#include <libavformat/avio.h>

struct source_pipe;

// "-" is standard input.
bool source_pipe_is_one(const char *path);
// Reading ends soon after `stop` says so. NULL, logged.
struct source_pipe *source_pipe_open(const char *path, AVIOInterruptCB stop);
// FFmpeg no longer uses it. Accepts a pointer to NULL; sets it to NULL.
void source_pipe_close(struct source_pipe **pipe);
// For AVFormatContext.pb; the pipe's.
AVIOContext *source_pipe_io(struct source_pipe *pipe);
