#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

static atomic_int current_level = LOG_INFO;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
// guarded by lock:
static log_sink *current_sink;
static void *current_user;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&current_level, level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

void log_set_sink(log_sink *sink, void *user)
{
    pthread_mutex_lock(&lock);
    current_sink = sink;
    current_user = user;
    pthread_mutex_unlock(&lock);
}

// Names and titles come from files, and a terminal obeys control characters.
static void make_harmless(char *line)
{
    for (unsigned char *c = (unsigned char *)line; *c; c++)
        if (*c < 0x20 || *c == 0x7f)
            *c = '?';
}

void log_write_va(enum log_level level, const char *format, va_list args)
{
    static const char *const prefix[] = {"error: ", "warning: ", "", "debug: ", "trace: "};
    char line[2048];

    if (level > log_get_level())
        return;
    vsnprintf(line, sizeof(line), format, args);
    make_harmless(line);
    pthread_mutex_lock(&lock);
    if (current_sink)
        current_sink(current_user, level, line);
    else
        fprintf(stderr, "deep3d: %s%s\n", prefix[level], line);
    pthread_mutex_unlock(&lock);
}

void log_write(enum log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_write_va(level, format, args);
    va_end(args);
}
