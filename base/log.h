// Messages to the person who runs the program: one line each, to standard error.
//
// An error names the thing, the reason and the next step. ERROR..DEBUG are never written once per
// frame; TRACE may be.
//
// Control characters are written as '?': what is told often comes from files.
//
// Thread-safety: safe; lines never interleave.
#pragma once
#include <stdarg.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG_TRACE };

// Called with every line at or above the level instead of writing it. `line` has no newline and
// lives for the call.
typedef void log_sink(void *user, enum log_level level, const char *line);

// Default: LOG_INFO.
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
// sink NULL: back to standard error. Set before other threads start.
void log_set_sink(log_sink *sink, void *user);

__attribute__((format(printf, 2, 3))) void log_write(enum log_level level, const char *format, ...);
__attribute__((format(printf, 2, 0))) void log_write_va(enum log_level level, const char *format,
                                                        va_list args);

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_trace(...) log_write(LOG_TRACE, __VA_ARGS__)
